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
)

// A Ledger remembers what led to the orders of one device. The zero value is that of
// a device never seen. It is kept as JSON: a version that this program does not know
// changes nothing and orders nothing.
type Ledger struct {
	Version  int               `json:"version"`
	Device   string            `json:"device"`             // identity
	Last     time.Time         `json:"last"`               // when the last reading was taken
	Supplies map[string]Supply `json:"supplies,omitempty"` // by key; at most 64
}

// A Supply is what is remembered of one place for a cartridge.
type Supply struct {
	State     State     `json:"state"`
	Cartridge int       `json:"cartridge"`         // the first seen is 1
	Since     time.Time `json:"since"`             // when this cartridge was first seen
	Serial    string    `json:"serial,omitempty"`  // of this cartridge, if the device tells
	Lowest    *float64  `json:"lowest,omitempty"`  // percent, confirmed by two readings, of this cartridge
	Highest   *float64  `json:"highest,omitempty"` // percent, of all cartridges; nil if never measured
	// Readings are the first of this cartridge and the latest, oldest first. Of a row
	// that says the same only the first and the last are kept.
	Readings []Observation `json:"readings"`
	Order    *Order        `json:"order,omitempty"` // the last one, open or not
}

// State says how far the replacement of a cartridge has come.
type State string

// The states; the package comment draws how they follow each other.
const (
	Watch    State = "watch"
	Due      State = "due"
	Ordered  State = "ordered"
	Accepted State = "accepted"
	Shipped  State = "shipped"
	Stopped  State = "stopped"
	Replaced State = "replaced"
)

// Open says whether there is an order that waits for a new cartridge.
func (s Supply) Open() bool {
	return s.State == Ordered || s.State == Accepted || s.State == Shipped
}

// An Observation is what one reading says of one supply.
type Observation struct {
	At      time.Time `json:"at"`
	Percent *float64  `json:"percent,omitempty"` // nil if the level is not measured
	Signal  string    `json:"signal,omitempty"`  // the device's own word: "markerTonerEmpty", "lowToner", ...
	Pages   *int64    `json:"pages,omitempty"`   // impressions in all; nil if not told
	Serial  string    `json:"serial,omitempty"`  // of the cartridge
}

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

// after is the supply after one more observation, and whether it is to be ordered.
func (s Supply) after(o Observation, below int) (next Supply, order bool) {
	if !s.tells(o) {
		return s, false
	}
	s.remember(o)
	if len(s.Readings) < 2 {
		if s.low(o, below) != "" {
			s.State = Due
		}
		return s, false
	}
	before, now := s.Readings[len(s.Readings)-2], s.Readings[len(s.Readings)-1]
	if s.replaced(before, now, below) {
		return s.fresh(before, now), false
	}
	if s.Open() || s.State == Stopped {
		return s, false
	}
	switch {
	case s.low(now, below) == "" && s.State == Due:
		s.State = Watch
	case s.low(now, below) == "":
	case s.low(before, below) == "":
		s.State = Due
	default:
		return s, true
	}
	return s, false
}

// tells says whether an observation can be compared with the others. A level that is
// missing for once, as from a device asleep, interrupts no row.
func (s Supply) tells(o Observation) bool {
	return o.Percent != nil || o.Signal != "" || s.Highest == nil || o.Serial != "" && o.Serial != s.Serial
}

func (s *Supply) remember(o Observation) {
	if s.Serial == "" {
		s.Serial = o.Serial
	}
	if o.Percent != nil && (s.Highest == nil || *s.Highest < *o.Percent) {
		s.Highest = o.Percent
	}
	s.Readings = slices.Clone(s.Readings)
	if n := len(s.Readings); n > 1 && s.Readings[n-1].same(o) && s.Readings[n-2].same(o) {
		s.Readings[n-1] = o
		return
	}
	s.Readings = append(s.Readings, o)
	if len(s.Readings) > mostReadings {
		s.Readings = slices.Delete(s.Readings, 1, 2)
	}
	if n := len(s.Readings); n > 1 {
		s.Lowest = lowest(s.Lowest, s.Readings[n-2], s.Readings[n-1])
	}
}

// lowest is the lowest level that two readings in a row confirm.
func lowest(so *float64, a, b Observation) *float64 {
	if a.Percent == nil || b.Percent == nil {
		return so
	}
	confirmed := max(*a.Percent, *b.Percent)
	if so != nil && *so <= confirmed {
		return so
	}
	return &confirmed
}

// same says whether two observations differ in nothing but when they were made.
func (o Observation) same(other Observation) bool {
	level := o.Percent == nil && other.Percent == nil ||
		o.Percent != nil && other.Percent != nil && *o.Percent == *other.Percent
	return level && o.Signal == other.Signal && o.Serial == other.Serial
}

const (
	clearJump  = 40  // percentage points; shaking a cartridge gains fewer
	clearPages = 500 // pages; an empty cartridge that was shaken prints fewer
)

// replaced says whether two readings in a row prove that a new cartridge is in. There
// are three proofs: the level is higher than it was by a clear jump; the serial number
// is another one, and the supply is not low; or, for a supply whose level is never
// measured, the device has stopped complaining for many pages after the order was
// shipped.
func (s Supply) replaced(before, now Observation, below int) bool {
	if before.Percent != nil && now.Percent != nil && s.Lowest != nil &&
		min(*before.Percent, *now.Percent) >= *s.Lowest+clearJump {
		return true
	}
	if s.low(before, below) != "" || s.low(now, below) != "" {
		return false
	}
	if now.Serial != "" && now.Serial == before.Serial && now.Serial != s.Serial {
		return true
	}
	return s.State == Shipped && s.Order.Reason.Code != LevelBelow &&
		before.Pages != nil && now.Pages != nil && *now.Pages-*before.Pages >= clearPages
}

// fresh begins with a new cartridge, which two readings have shown.
func (s Supply) fresh(before, now Observation) Supply {
	next := Supply{
		State:     Replaced,
		Cartridge: s.Cartridge + 1,
		Since:     before.At,
		Serial:    s.Serial,
		Lowest:    lowest(nil, before, now),
		Highest:   s.Highest,
		Readings:  []Observation{before, now},
		Order:     s.Order,
	}
	if now.Serial != "" {
		next.Serial = now.Serial
	}
	return next
}
