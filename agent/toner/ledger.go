package toner

import (
	"maps"
	"slices"
	"time"

	"meteragent/collector"
)

const (
	version      = 1  // of the ledger's JSON
	mostSupplies = 64 // of one device; a device with more is not believed
	mostReadings = 12 // kept of one cartridge
	mostDays     = 91 // kept of one place: thirteen weeks
	mostPlaced   = 64 // times of orders kept of one device
)

// A Ledger remembers what led to the orders of one device. The zero value is that of
// a device never seen. It is kept as JSON: a version that this program does not know
// changes nothing and orders nothing.
type Ledger struct {
	Version  int               `json:"version"`
	Device   string            `json:"device"`             // identity
	Last     time.Time         `json:"last"`               // when the last reading was taken
	Open     time.Time         `json:"open,omitzero"`      // since when a cover has been open
	Placed   []time.Time       `json:"placed,omitempty"`   // when orders were placed, within 30 days
	Doubt    time.Time         `json:"doubt,omitzero"`     // until then an order may be on its way that is not known any more; see Rebuild
	Supplies map[string]Supply `json:"supplies,omitempty"` // by key; at most 64
}

// A Supply is what is remembered of one place for a cartridge.
type Supply struct {
	State     State     `json:"state"`
	Cartridge int       `json:"cartridge"`          // the first seen is 1
	First     time.Time `json:"first,omitzero"`     // when the place was first seen
	Place     string    `json:"place,omitempty"`    // the key under which it was first seen, if it has another one now
	Since     time.Time `json:"since"`              // when this cartridge was first seen
	Serial    string    `json:"serial,omitempty"`   // of this cartridge, if the device tells
	Part      string    `json:"part,omitempty"`     // its part number, if the device tells
	Colour    string    `json:"colour,omitempty"`   // collector.Supply.Colorant
	Foreign   string    `json:"foreign,omitempty"`  // why it seems not to be the maker's
	Counter   string    `json:"counter,omitempty"`  // the OID of what tells the impressions in all
	Lowest    *float64  `json:"lowest,omitempty"`   // percent, confirmed by two readings, of this cartridge
	LowestOn  time.Time `json:"lowestOn,omitzero"`  // when that was
	LowestAt  *int64    `json:"lowestAt,omitempty"` // impressions in all then
	HigherOn  time.Time `json:"higherOn,omitzero"`  // when a device with large steps last told one step more than the lowest
	HigherAt  *int64    `json:"higherAt,omitempty"` // impressions in all then
	Always    bool      `json:"always,omitempty"`   // every page needs it: it is black, or the only one
	Highest   *float64  `json:"highest,omitempty"`  // percent, of all cartridges; nil if never measured
	Some      bool      `json:"some,omitempty"`     // the device has said that something is left, and not how much
	// Readings are the first of this cartridge and the latest, oldest first. Of a row
	// that says the same only the first and the last are kept.
	Readings  []Observation `json:"readings"`
	Order     *Order        `json:"order,omitempty"`     // the last one, open or not
	Suggested bool          `json:"suggested,omitempty"` // the order waits for a person's word
	Out       Out           `json:"out,omitzero"`        // the cartridge that was in before, if an order waited
	Reopened  int           `json:"reopened,omitempty"`  // how often this cartridge was ordered again by hand
	Held      Hold          `json:"held,omitempty"`      // why it is due and not ordered

	Use  Use    `json:"use,omitzero"`
	Low  Streak `json:"low,omitzero"`  // of readings that say it is to be ordered
	New  Streak `json:"new,omitzero"`  // of readings of what may be a new cartridge
	Jump Streak `json:"jump,omitzero"` // of readings that are not believed yet
}

// Out is a cartridge that was taken out while an order waited for its successor.
type Out struct {
	Serial string    `json:"serial"`
	Level  *float64  `json:"level,omitempty"` // percent, the lowest
	State  State     `json:"state"`           // of the order
	At     time.Time `json:"at"`
}

// Use is how a place has used toner, over all its cartridges.
type Use struct {
	Level *float64  `json:"level,omitempty"` // percent, the last one that was believed
	At    time.Time `json:"at,omitzero"`     // when that was
	Pages *int64    `json:"pages,omitempty"` // impressions in all at that time
	Step  float64   `json:"step,omitempty"`  // percentage points: the smallest change ever seen
	Fine  bool      `json:"fine,omitempty"`  // a level was seen that is no multiple of 5
	Start *float64  `json:"start,omitempty"` // percent, of this cartridge when it was first seen
	Begun *int64    `json:"begun,omitempty"` // impressions in all when it was first seen
	Days  []Day     `json:"days,omitempty"`  // without holes, oldest first; at most 91
}

// A Day is what was used on one day.
type Day struct {
	Day   int     `json:"d"`           // since 1970-01-01, UTC
	Used  float64 `json:"u"`           // percentage points; negative if the level rose, as by shaking
	Pages int64   `json:"n,omitempty"` // impressions
}

// A Streak is a row of readings that say the same.
type Streak struct {
	Count  int       `json:"count"`
	Since  time.Time `json:"since"`
	Pages  *int64    `json:"pages,omitempty"`  // impressions in all at its beginning
	Serial string    `json:"serial,omitempty"` // of the cartridge they speak of
	Silent bool      `json:"silent,omitempty"` // what they say is that nothing is complained of
}

// and is the streak with one more reading.
func (s Streak) and(o Observation) Streak {
	if s.Count == 0 || o.At.Before(s.Since) { // or the clock was set back
		return Streak{Count: 1, Since: o.At, Pages: o.Pages}
	}
	s.Count++
	return s
}

// lasted says whether a streak has so many readings over so long a time.
func (s Streak) lasted(readings int, over time.Duration, now time.Time) bool {
	return s.Count >= max(2, readings) && now.Sub(s.Since) >= over
}

// State says how far the replacement of a cartridge has come.
type State string

// The states; the package comment draws how they follow each other.
const (
	Unknown  State = "unknown" // no level and no word of the device so far
	Fine     State = "fine"
	Watch    State = "watch" // less than twice what is ordered at
	Due      State = "due"   // low, but not confirmed yet, or held
	Ordered  State = "ordered"
	Accepted State = "accepted"
	Shipped  State = "shipped"
	Stopped  State = "stopped"
	Replaced State = "replaced"
)

// Waits says whether there is an order that waits for a new cartridge.
func (s Supply) Waits() bool {
	return s.State == Ordered || s.State == Accepted || s.State == Shipped
}

// ordered says whether the cartridge that is in has been ordered, though the portal may have
// cancelled that.
func (s Supply) ordered() bool { return s.Waits() || s.State == Stopped }

// An Observation is what one reading says of one supply.
type Observation struct {
	At      time.Time `json:"at"`
	Percent *float64  `json:"percent,omitempty"` // nil if the level is not measured
	Left    *int64    `json:"left,omitempty"`    // pages left, of a device that counts those
	Signal  string    `json:"signal,omitempty"`  // the device's own word: "markerTonerEmpty", "lowToner", ...
	Pages   *int64    `json:"pages,omitempty"`   // impressions in all; nil if not told
	Serial  string    `json:"serial,omitempty"`  // of the cartridge
	Part    string    `json:"-"`                 // its part number; not kept
	Counter string    `json:"-"`                 // the OID of Pages; not kept
	Absent  bool      `json:"-"`                 // the device says that no cartridge is in; not kept
}

// same says whether two observations differ in nothing but when they were made.
func (o Observation) same(other Observation) bool {
	return equal(o.Percent, other.Percent) && equal(o.Left, other.Left) &&
		o.Signal == other.Signal && o.Serial == other.Serial
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// takes says whether a reading is one to look at.
func (l Ledger) takes(r collector.Reading) bool {
	return l.Version <= version && r.Device.ID != "" && !r.TakenAt.IsZero() &&
		(l.Device == "" || l.Device == r.Device.ID) && !r.TakenAt.Equal(l.Last)
}

func (l Ledger) clone() Ledger {
	l.Supplies = maps.Clone(l.Supplies)
	if l.Supplies == nil {
		l.Supplies = map[string]Supply{}
	}
	return l
}

// placed forgets orders of more than 30 days ago, and says how many are left.
func (l *Ledger) placed(now time.Time) int {
	oldest := now.AddDate(0, 0, -30)
	l.Placed = slices.DeleteFunc(slices.Clone(l.Placed), func(t time.Time) bool { return t.Before(oldest) || t.After(now) })
	if extra := len(l.Placed) - mostPlaced; extra > 0 {
		l.Placed = l.Placed[extra:]
	}
	if len(l.Placed) == 0 {
		l.Placed = nil
	}
	return len(l.Placed)
}
