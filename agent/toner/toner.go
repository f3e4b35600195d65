// Package toner decides when a device needs a toner.
//
// Decide looks at one reading, with what the ledger remembers of earlier ones, and
// returns the orders to place and the ledger to keep. Both are values: whoever calls
// stores the order and the ledger in one transaction, or neither. The same reading a
// second time changes nothing.
//
// Each supply of a device has a state:
//
//	              low                low again
//	  watch ─────────────▶ due ─────────────▶ ordered ─▶ accepted ─▶ shipped
//	    ▲ ◀──────────────── │                    │          │           │
//	    │      not low                           │          ▼           │
//	    │                                        ├─────▶ stopped ◀──────┤
//	    │ low: due                               │          │           │
//	replaced ◀────────── a new cartridge ────────┴──────────┴───────────┘
//
// Between ordered and replaced there is one open order and never a second one. What
// leads from one state to the next:
//
//   - low: the level is below the percentage of the rule, or the device itself says
//     that the supply is nearly empty or empty. Where the level is measured the rule
//     decides, and of the device's own words only "empty" counts. Levels that are
//     not measured never count.
//   - low again: in two readings in a row, since one may be a slip of the sensor.
//   - accepted, shipped, stopped: the portal says so (Apply). A cancelled order is
//     stopped: the portal does not want this cartridge replaced, so it is not
//     ordered again.
//   - a new cartridge: see Supply.replaced. Shaking a cartridge is not a new one.
//
// A supply whose level has always been zero is a ghost, such as the fifth toner of
// a device with four, and is never ordered.
//
// The package does not know clocks, files, networks, article numbers or who delivers.
// It leaves to its caller which ledger belongs to which device.
package toner

import (
	"cmp"
	"maps"
	"slices"

	"meteragent/collector"
)

// Decide takes one reading into account. The ledger given is not changed. A reading
// of another device than the ledger's, one without supplies, one that was the last
// already, and a ledger of a newer version change nothing.
func Decide(rules Rules, ledger Ledger, r collector.Reading) (orders []Order, next Ledger) {
	supplies := orderable(r.Supplies)
	if len(supplies) == 0 || !ledger.takes(r) {
		return nil, ledger
	}
	next = ledger.clone()
	next.Version, next.Device, next.Last = version, r.Device.ID, r.TakenAt.UTC().Round(0)
	for _, s := range supplies {
		known, found := next.Supplies[s.Key]
		if !found {
			if len(next.Supplies) >= mostSupplies {
				continue
			}
			known = Supply{State: Watch, Cartridge: 1, Since: next.Last}
		}
		o := observe(r, s, supplies)
		rule := rules.of(r.Device, s.Colorant)
		after, due := known.after(o, rule.OrderBelow)
		if due {
			order := newOrder(r, s, rule, after)
			after.State, after.Order = Ordered, &order
			orders = append(orders, order)
		}
		next.Supplies[s.Key] = after
	}
	return orders, next
}

// An OrderState is what is known of one order, as the portal tells it and as Orders
// tells it.
type OrderState struct {
	ID    string
	State string // "ordered", "accepted", "shipped", "cancelled" or "replaced"
}

// Apply takes what the portal says of orders into account: accepted, shipped,
// cancelled. States go forward only; orders that are not open and words that are not
// known change nothing. The ledger itself is not changed.
func (l Ledger) Apply(states ...OrderState) Ledger {
	if l.Version > version {
		return l
	}
	next := l.clone()
	for key, s := range next.Supplies {
		for _, said := range states {
			if s.Order == nil || said.ID != s.Order.ID {
				continue
			}
			switch {
			case said.State == "accepted" && s.State == Ordered:
				s.State = Accepted
			case said.State == "shipped" && (s.State == Ordered || s.State == Accepted):
				s.State = Shipped
			case said.State == "cancelled" && s.Open():
				s.State = Stopped
			}
		}
		next.Supplies[key] = s
	}
	return next
}

// Orders tells the state of each supply's last order, in the order of the supplies'
// keys.
func (l Ledger) Orders() (all []OrderState) {
	for _, key := range slices.Sorted(maps.Keys(l.Supplies)) {
		s := l.Supplies[key]
		switch {
		case s.Order == nil:
		case s.Open():
			all = append(all, OrderState{s.Order.ID, string(s.State)})
		case s.State == Stopped:
			all = append(all, OrderState{s.Order.ID, "cancelled"})
		default:
			all = append(all, OrderState{s.Order.ID, "replaced"})
		}
	}
	return all
}

// orderable are the supplies that can be ordered at all, by key, each key once: what
// is printed away and put in by the customer. Waste boxes are filled, not consumed;
// drums, fusers, developer and the like are a technician's work; staples do not keep
// a customer from printing.
func orderable(supplies []collector.Supply) (out []collector.Supply) {
	for _, s := range supplies {
		if s.Class != "supplyThatIsConsumed" || s.Key == "" {
			continue
		}
		switch s.Type {
		case "toner", "tonerCartridge", // lasers; most say "toner" for the cartridge too
			"ink", "inkCartridge", // ink jets
			"inkRibbon", "ribbonWax", "solidWax": // label and wax printers
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b collector.Supply) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(out, func(a, b collector.Supply) bool { return a.Key == b.Key })
}
