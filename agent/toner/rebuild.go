package toner

import (
	"cmp"
	"slices"
	"time"
)

// A Placed order is one with what became of it, as the caller keeps it beside the ledger.
type Placed struct {
	Order Order
	State string // as in OrderState; other words are passed over
}

// Rebuild makes the ledger of a device whose ledger is lost from the orders that are
// known of it, so that nothing is ordered twice: what was ordered waits for its cartridge
// as before. Use and forecasts begin anew. Until doubt nothing is ordered at all, since an
// order may be on its way that is lost, too; the zero time if the orders are known to be
// all.
func Rebuild(device string, orders []Placed, doubt time.Time) Ledger {
	l := Ledger{Version: version, Device: device, Doubt: doubt.UTC(), Supplies: map[string]Supply{}}
	oldestFirst := slices.SortedStableFunc(slices.Values(orders), func(a, b Placed) int {
		return cmp.Or(a.Order.DecidedAt.Compare(b.Order.DecidedAt), cmp.Compare(a.Order.ID, b.Order.ID))
	})
	type cartridge struct {
		key string
		n   int
	}
	before := map[cartridge]int{} // orders of the same one, by hand
	for _, p := range oldestFirst {
		key, colour := p.Order.Supply.Key, p.Order.Supply.Colorant
		one := cartridge{key, p.Order.Evidence.Cartridge}
		l.Placed = append(l.Placed, p.Order.DecidedAt)
		if l.Supplies[key].Colour != colour {
			l.setAside(key) // the rows were numbered anew
		}
		delete(l.Supplies, key) // this one of the same place is later
		delete(l.Supplies, asideKey(key, colour))
		if s := p.supply(); s.State != "" {
			s.Reopened = before[one]
			l.Supplies[key] = s
		}
		before[one]++
	}
	return l
}

// supply is what an order tells of its place. Its state is "" if nothing waits there.
func (p Placed) supply() Supply {
	o := p.Order
	s := Supply{
		Cartridge: o.Evidence.Cartridge, First: o.DecidedAt, Since: o.Evidence.CartridgeSince,
		Serial: o.Supply.SerialNumber, Part: o.Supply.PartNumber, Colour: o.Supply.Colorant,
		Readings: slices.Clone(o.Evidence.Readings), Order: &o,
	}
	switch state := State(p.State); state {
	case Ordered, Accepted, Shipped:
		s.State = state
	case "suggested":
		s.State, s.Suggested = Ordered, true
	case "cancelled":
		s.State = Stopped
	default:
		return Supply{}
	}
	for _, seen := range s.Readings {
		if seen.Percent == nil {
			continue
		}
		s.Use.begin(seen)
		if s.Highest == nil || *seen.Percent > *s.Highest {
			s.Highest = seen.Percent
		}
		s.Lowest, s.LowestOn, s.LowestAt = seen.Percent, seen.At, seen.Pages // the last one decided
	}
	return s
}
