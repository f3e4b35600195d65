package toner

import "time"

const (
	clearJump  = 40  // percentage points; shaking a cartridge gains fewer
	full       = 97  // percent: only a new cartridge has so much
	opened     = 85  // percent: one that has been in use has less
	pagesJump  = 10  // percentage points, if the pages prove the rest
	beyond     = 60  // percentage points' worth of pages that no empty cartridge prints; and two steps of its level
	clearPages = 500 // pages; an empty cartridge that was shaken prints fewer
	wasted     = 10  // percent left in a cartridge that was taken out too early
)

// mostShaken is how long a shaken cartridge may look fuller than it is.
const mostShaken = 3 * 24 * time.Hour

// longSilence is how long a device that counts no pages, or of whose order nobody tells, must
// be silent.
const longSilence = 30 * 24 * time.Hour

// Proof says how a new cartridge was known.
type Proof string

// The proofs.
const (
	ByLevel  Proof = "level"  // a clear jump, which stays while pages are printed
	ByPages  Proof = "pages"  // more was printed than was left, and the level is not empty; or far more pages are left
	BySerial Proof = "serial" // another serial number
	ByPart   Proof = "part"   // another part number
	BySignal Proof = "signal" // after the order a device without serial numbers stopped complaining, for many pages
)

// An Event is something that happened to a cartridge and is not an order. Its JSON is
// the body of an alert record.
type Event struct {
	Event     string    `json:"event"` // "supplyReplaced", "supplyWasted", "supplyForeign"; by the caller "supplyMoved"
	At        time.Time `json:"at"`
	Device    string    `json:"device"`             // identity
	Supply    string    `json:"supply"`             // key
	Name      string    `json:"name"`               // as the device describes it
	Cartridge int       `json:"cartridge"`          // the number of the one that was taken out
	Proof     Proof     `json:"proof,omitempty"`    // of the replacement
	Left      *float64  `json:"left,omitempty"`     // percent, in the one that was taken out
	Pages     *int64    `json:"pages,omitempty"`    // impressions of the device while it was in
	PerPoint  *float64  `json:"perPoint,omitempty"` // pages per percentage point
	Serial    string    `json:"serial,omitempty"`   // of the one that was taken out
	Now       string    `json:"now,omitempty"`      // serial number of the new one
	Coverage  *float64  `json:"coverage,omitempty"` // percent of a page, if the device tells the rated pages
	From      string    `json:"from,omitempty"`     // supplyMoved: identity of the device it was in
	Hint      string    `json:"hint,omitempty"`     // supplyForeign: what the device says
}

// renewed says by which proof a new cartridge is in, or "". Each must stay for as many
// readings, over as long a time, as an order needs.
func (s *Supply) renewed(o Observation, rule Rule, p Policy) Proof {
	proof := s.newer(o, rule, p)
	if proof == "" {
		s.New = Streak{}
		return ""
	}
	_, forward := pagesSince(s.New.Pages, o.Pages)
	silent := proof == BySignal
	if s.New.Count > 0 && (silent != s.New.Silent || proof == BySerial && s.New.Serial != o.Serial || s.New.Pages != nil && o.Pages != nil && !forward) {
		s.New = Streak{} // or the counter begins anew, with another board
	}
	s.New = s.New.and(o)
	s.New.Serial, s.New.Silent = o.Serial, silent
	if !s.New.lasted(p.Readings, p.Over, o.At) {
		return ""
	}
	// A level that jumps while a cover is open goes with no page; a new cartridge prints.
	printed, told := pagesSince(s.New.Pages, o.Pages)
	lasted := o.At.Sub(s.New.Since)
	switch {
	case proof == ByLevel && told && printed == 0,
		proof == ByLevel && s.returned(o, p) && lasted < p.Sudden,
		proof == ByPages && lasted < mostShaken,
		proof == BySignal && !s.silent(o, printed, lasted, p):
		return ""
	}
	return proof
}

// silent says that a device that complained has been silent for so many pages over so long a
// time that another cartridge must be in. Black pages say nothing of a colour. Where nobody has
// said that a toner was sent, or the device measured before, it takes far more.
func (s *Supply) silent(o Observation, printed int64, lasted time.Duration, p Policy) bool {
	pages, over := int64(clearPages), mostShaken
	if !s.Always {
		pages, over = 4*pages, 4*over
	}
	if o.Pages == nil {
		pages, over = 0, longSilence
	}
	if !s.sent(o, p) || s.Order.Reason.measured() {
		pages, over = 10*pages, max(3*over, longSilence)
	}
	return printed >= pages && lasted >= over
}

// newer says by what one reading looks like a new cartridge, or "".
func (s *Supply) newer(o Observation, rule Rule, p Policy) Proof {
	if o.Percent != nil && s.Lowest != nil &&
		(*o.Percent >= *s.Lowest+clearJump || *o.Percent >= full && *s.Lowest <= opened) {
		return ByLevel
	}
	if s.outprinted(o, p) {
		return ByPages
	}
	switch {
	case s.back(o, p):
		return BySerial
	case s.returned(o, p):
		return ByLevel
	case s.plainLow(o, rule) || s.ordered() && s.asBefore(o):
		return ""
	}
	switch {
	case o.Serial != "" && o.Serial != s.Serial:
		return BySerial
	case o.Serial == "" && o.Part != "" && o.Part != s.Part && s.Part != "":
		return ByPart
	}
	switch {
	case !s.ordered() || o.Serial != "":
	case o.Left != nil:
		if *o.Left > 3*max(s.Order.left(), rule.PagesLeft) {
			return ByPages
		}
	case o.Percent == nil || !s.Order.Reason.measured():
		return BySignal
	}
	return ""
}

// asBefore says that a level is no higher than it was: another number with it is another way
// to write the same one, as after an update.
func (s *Supply) asBefore(o Observation) bool {
	return o.Percent != nil && s.Lowest != nil && *o.Percent <= *s.Lowest+floor
}

// back says that a cartridge with an order that waited is in again, after another one was tried.
func (s *Supply) back(o Observation, p Policy) bool {
	return s.Order != nil && o.Serial != "" && o.Serial == s.Out.Serial && o.Serial != s.Serial && o.At.Sub(s.Out.At) < p.arrival()
}

// returned says that a level is again where it was before a cartridge was tried, or a sensor
// told one for some hours, which was before the parcel can have come, and that no place can
// have used so much since.
func (s *Supply) returned(o Observation, p Policy) bool {
	return p.Sudden > 0 && s.Order != nil && s.Out.Level != nil && o.Percent != nil && *o.Percent <= *s.Out.Level+floor &&
		o.Serial == s.Out.Serial && o.At.Sub(s.Out.At) < p.arrival() && s.Out.At.Sub(s.Order.DecidedAt) < p.arrival() &&
		s.Use.Level != nil && s.Use.jumps(o)
}

// sent says that the toner that was ordered may be here.
func (s *Supply) sent(o Observation, p Policy) bool {
	return s.State == Shipped || p.Untold && s.Waits() && !s.Suggested && o.At.Sub(s.Order.DecidedAt) >= p.arrival()
}

// outprinted says that so much has been printed since the lowest level that another
// cartridge must be in, though nobody saw it come: the agent was off, and it is no
// longer full. A level that rose and stayed is half the proof, since a colour may rest
// while black pages are printed; where every page needs the toner, pages are all of it.
func (s *Supply) outprinted(o Observation, p Policy) bool {
	each, known := s.Use.yield()
	printed, told := pagesSince(s.LowestAt, o.Pages)
	if !known || !told || s.Lowest == nil || o.Percent == nil || o.Serial != "" && o.Serial == s.Serial {
		return false // a serial number that stays speaks against a guess
	}
	expected := *s.Lowest - float64(printed)/each
	risen := *o.Percent >= *s.Lowest+max(pagesJump, 2*s.Use.Step+1)
	unseen := o.At.Sub(s.Use.At) >= longGap*24*time.Hour && s.sent(o, p) // then all colours were used
	return risen && *o.Percent >= expected+clearJump || (s.Always || unseen) && expected <= -beyond-2*s.Use.Step
}

// fresh begins with a new cartridge.
func (s Supply) fresh(o Observation, proof Proof, p Policy) (next Supply, happened []Event) {
	before, back := s.Use, s.back(o, p) || s.returned(o, p)
	next = Supply{
		State: Replaced, Cartridge: s.Cartridge + 1, First: s.First, Place: s.Place, Since: s.New.Since,
		Serial: o.Serial, Part: o.Part, Highest: s.Highest, Order: s.Order,
		Readings: s.Readings[max(0, len(s.Readings)-2):], Always: s.Always, Colour: s.Colour, Some: s.Some,
		Counter: s.Counter,
	}
	if next.Serial == "" {
		next.Serial = s.Serial
	}
	switch {
	case back:
		next.State = s.Out.State
	case s.ordered():
		next.Out = Out{Serial: s.Serial, Level: s.Lowest, State: s.State, At: o.At}
	}
	next.Use = before.restarted(o, s.New)
	e := Event{
		Event: "supplyReplaced", At: o.At, Cartridge: s.Cartridge, Proof: proof,
		Left: before.leftAt(s.New), Serial: s.Serial, Now: o.Serial,
	}
	if pages, told := pagesSince(before.Begun, s.New.Pages); told {
		e.Pages = &pages
		if before.Start != nil && e.Left != nil && *before.Start-*e.Left >= 5 {
			each := round(float64(pages) / (*before.Start - *e.Left))
			e.PerPoint = &each
		}
	}
	happened = append(happened, e)
	if e.Left != nil && *e.Left >= wasted && !back {
		e.Event = "supplyWasted"
		happened = append(happened, e)
	}
	return next, happened
}
