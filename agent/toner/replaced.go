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

// Proof says how a new cartridge was known.
type Proof string

// The proofs.
const (
	ByLevel  Proof = "level"  // a clear jump, which stays while pages are printed
	ByPages  Proof = "pages"  // more was printed than was left, and the level is not empty
	BySerial Proof = "serial" // another serial number
	ByPart   Proof = "part"   // another part number
	BySignal Proof = "signal" // after the order was shipped, or should have come, a device without serial numbers stopped complaining, for many pages
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
	if s.New.Count > 0 && (proof == BySerial && s.New.Serial != o.Serial || s.New.Pages != nil && o.Pages != nil && !forward) {
		s.New = Streak{} // or the counter begins anew, with another board
	}
	s.New = s.New.and(o)
	s.New.Serial = o.Serial
	if !s.New.lasted(p.Readings, p.Over, o.At) {
		return ""
	}
	// A level that jumps while a cover is open goes with no page; a new cartridge prints.
	printed, told := pagesSince(s.New.Pages, o.Pages)
	lasted := o.At.Sub(s.New.Since)
	switch {
	case proof == ByLevel && told && printed == 0,
		proof == ByPages && lasted < mostShaken,
		proof == BySignal && (printed < clearPages || lasted < mostShaken),
		// Black pages say nothing of a colour.
		proof == BySignal && !s.Always && (printed < 4*clearPages || lasted < 4*mostShaken):
		return ""
	}
	return proof
}

// newer says by what one reading looks like a new cartridge, or "".
func (s *Supply) newer(o Observation, rule Rule, p Policy) Proof {
	if o.Percent != nil && s.Lowest != nil &&
		(*o.Percent >= *s.Lowest+clearJump || *o.Percent >= full && *s.Lowest <= opened) {
		return ByLevel
	}
	if s.outprinted(o) {
		return ByPages
	}
	if s.back(o, p) {
		return BySerial
	}
	if s.plainLow(o, rule) || s.Waits() && s.asBefore(o) {
		return ""
	}
	switch {
	case o.Serial != "" && o.Serial != s.Serial:
		return BySerial
	case o.Serial == "" && o.Part != "" && o.Part != s.Part && s.Part != "":
		return ByPart
	}
	if s.sent(o, p) && !s.Order.Reason.measured() && o.Pages != nil && o.Serial == "" {
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
	return o.Serial != "" && o.Serial == s.Out.Serial && o.Serial != s.Serial && o.At.Sub(s.Out.At) < p.arrival()
}

// sent says that the toner that was ordered may be here.
func (s *Supply) sent(o Observation, p Policy) bool {
	return s.State == Shipped || p.Untold && s.Waits() && o.At.Sub(s.Order.DecidedAt) >= p.arrival()
}

// outprinted says that so much has been printed since the lowest level that another
// cartridge must be in, though nobody saw it come: the agent was off, and it is no
// longer full. A level that rose and stayed is half the proof, since a colour may rest
// while black pages are printed; where every page needs the toner, pages are all of it.
func (s *Supply) outprinted(o Observation) bool {
	each, known := s.Use.yield()
	printed, told := pagesSince(s.LowestAt, o.Pages)
	if !known || !told || s.Lowest == nil || o.Percent == nil || o.Serial != "" && o.Serial == s.Serial {
		return false // a serial number that stays speaks against a guess
	}
	expected := *s.Lowest - float64(printed)/each
	risen := *o.Percent >= *s.Lowest+max(pagesJump, 2*s.Use.Step+1)
	return risen && *o.Percent >= expected+clearJump || s.Always && expected <= -beyond-2*s.Use.Step
}

// fresh begins with a new cartridge.
func (s Supply) fresh(o Observation, proof Proof, p Policy) (next Supply, happened []Event) {
	before := s.Use
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
	case s.back(o, p):
		next.State = s.Out.State
	case s.Waits() && o.Serial != s.Serial:
		next.Out = Out{Serial: s.Serial, State: s.State, At: o.At}
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
	if e.Left != nil && *e.Left >= wasted {
		e.Event = "supplyWasted"
		happened = append(happened, e)
	}
	return next, happened
}
