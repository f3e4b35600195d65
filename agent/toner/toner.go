// Package toner decides when a device needs a toner.
//
// Decide looks at one reading, with what the ledger remembers of earlier ones, and
// returns the orders to place and the ledger to keep. Both are values: whoever calls
// stores the order and the ledger in one transaction, or neither. The same reading a
// second time changes nothing.
//
// Each supply of a device has a state:
//
//	unknown ─▶ fine ◀─▶ watch ◀─▶ due ─▶ ordered ─▶ accepted ─▶ shipped
//	             ▲        ▲         ▲       │  │        │          │
//	             │        │         │       │  ▼        ▼          │
//	             │        │  reopen │       │ stopped ◀─┴──────────┤
//	             │        │         │       │  │                   │
//	             └────────┴─────────┴───────┴──┴── a new cartridge: replaced
//
// Between ordered and replaced there is one open order and never a second one. What
// leads from one state to the next:
//
//   - watch: less than twice the percentage of the rule.
//   - due: the rule says so (Supply.low). Where the device measures, a forecast that is
//     sure decides: does the rest last the rule's days at most, or would a busy stretch
//     use it up before a parcel comes? Without such a forecast the rule's percentage decides. Less than 3 percent is due in any
//     case, and so is what the device says is empty. Levels that are not measured never
//     count; there the device's word "nearly empty" does.
//   - ordered: as many readings as the policy wants have said so in a row, over the time
//     it wants, since one may be a slip of the sensor; and nothing holds the order: see
//     Hold.
//   - accepted, shipped, stopped: the portal says so (Apply). A cancelled order is
//     stopped: the portal does not want this cartridge replaced, so it is not
//     ordered again unless a person reopens it.
//   - replaced: see Supply.renewed. Shaking a cartridge is not a new one. If the one before
//     comes back within the time of a delivery, its order waits as it did.
//
// A suggestion is an order that waits for a person's word. When the mode asks nobody any more,
// it becomes one by the same rules, under the same id.
//
// What is not believed: levels of a device that is open (Ledger.closed); a level that
// jumps further than the place can have used, until it has stayed (Supply.believe), and until
// something was printed, if it fell; a
// supply whose level has always been zero, which is a ghost, such as the fifth toner
// of a device with four. Waste boxes, drums, staples and kits for the technician are
// never ordered (orderable); rows that are one cartridge are one supply (kits).
//
// The package does not know clocks, files, networks, article numbers or who delivers.
// It leaves to its caller which ledger belongs to which device.
package toner

import (
	"slices"
	"time"

	"meteragent/collector"
)

// A Decision is what follows from one reading.
type Decision struct {
	Orders []Order
	Events []Event
}

// Decide takes one reading into account. The ledger given is not changed. A reading
// of another device than the ledger's, one without supplies, one that was the last
// already, and a ledger of a newer version change nothing.
func Decide(p Policy, ledger Ledger, r collector.Reading) (d Decision, next Ledger) {
	supplies := orderable(r.Supplies)
	if len(supplies) == 0 || !ledger.takes(r) {
		return d, ledger
	}
	next = ledger.clone()
	next.Version, next.Device, next.Last = version, r.Device.ID, r.TakenAt.UTC().Round(0)
	if limit := next.Last.Add(p.arrival()); next.Doubt.After(limit) {
		next.Doubt = limit // the clock was ahead
	}
	if next.closed(r) {
		v := visit{policy: p, reading: r, supplies: supplies, ledger: &next}
		v.look()
		v.join()
		return v.decision, next
	}
	return d, next
}

// mostOpen is how long a cover may be open before its levels are believed all the
// same: a switch may be broken.
const mostOpen = 24 * time.Hour

// closed says whether the levels of a reading can be believed, and notes since when
// a cover has been open.
func (l *Ledger) closed(r collector.Reading) bool {
	if !coverOpen(r) {
		l.Open = time.Time{}
		return true
	}
	if l.Open.IsZero() || l.Open.After(l.Last) {
		l.Open = l.Last
	}
	return l.Last.Sub(l.Open) >= mostOpen
}

// A visit is one reading at work.
type visit struct {
	policy   Policy
	reading  collector.Reading
	supplies []collector.Supply
	ledger   *Ledger
	decision Decision
}

// look takes each supply into account, and orders those that are due.
func (v *visit) look() {
	v.follow()
	for _, s := range v.supplies {
		known, found := v.ledger.Supplies[s.Key]
		if !found {
			if len(v.ledger.Supplies) >= mostSupplies {
				continue
			}
			known = Supply{State: Unknown, Cartridge: 1, Since: v.ledger.Last}
		}
		if known.First.IsZero() {
			known.First = known.Since
		}
		known.Colour, known.Some = s.Colorant, known.Some || s.Level.Kind == collector.Some
		known.Always = len(v.supplies) == 1 || s.Colorant == "black"
		rule := v.policy.Rules.of(v.reading.Device, s.Colorant)
		after, happened, due := known.after(observe(v.reading, s, v.supplies), rule, v.policy)
		for _, e := range happened {
			e.Device, e.Supply, e.Name = v.reading.Device.ID, s.Key, s.Description
			e.Coverage = coverage(s, e.PerPoint)
			v.decision.Events = append(v.decision.Events, e)
		}
		if said := foreign(v.reading, s); said != "" && after.Foreign == "" && after.New.Count == 0 {
			after.Foreign = said
			v.decision.Events = append(v.decision.Events, Event{
				Event: "supplyForeign", At: v.ledger.Last, Device: v.reading.Device.ID, Supply: s.Key, Name: s.Description,
				Cartridge: after.Cartridge, Serial: after.Serial, Hint: said,
			})
		}
		if due {
			after = v.order(s, rule, after, after.low(after.Readings[len(after.Readings)-1], rule, v.policy), "")
		}
		v.ledger.Supplies[s.Key] = after
	}
}

// order places the order of a supply, unless something holds it.
func (v *visit) order(s collector.Supply, rule Rule, state Supply, code Code, parcel string) Supply {
	now := v.ledger.Last
	if state.Waits() { // a suggestion, which counts once
		suggested := func(t time.Time) bool { return t.Equal(state.Order.DecidedAt) }
		if i := slices.IndexFunc(v.ledger.Placed, suggested); i >= 0 {
			v.ledger.Placed = slices.Delete(slices.Clone(v.ledger.Placed), i, i+1)
		}
	}
	state.Held = v.policy.held(v.reading.Device, s, v.ledger.placed(now))
	if v.ledger.Doubt.After(now) {
		state.Held = HeldDamaged
	}
	if state.Held != "" {
		return state
	}
	o := newOrder(v.reading, s, rule, v.policy, state, code)
	o.Parcel = parcel
	state.State, state.Order, state.Low = Ordered, &o, Streak{}
	state.Suggested = v.policy.Mode == Suggest
	v.decision.Orders = append(v.decision.Orders, o)
	v.ledger.Placed = append(v.ledger.Placed, now)
	v.policy.Placed++
	return state
}

// join orders what will be due soon together with what is ordered now, so that one
// parcel goes out instead of two.
func (v *visit) join() {
	if len(v.decision.Orders) == 0 || v.policy.Together <= 0 {
		return
	}
	first := v.decision.Orders[0].ID
	for _, s := range v.supplies {
		state := v.ledger.Supplies[s.Key]
		if len(state.Readings) == 0 || state.Waits() || state.State == Stopped || state.Jump.Count > 0 || state.New.Count > 0 {
			continue
		}
		now := state.Readings[len(state.Readings)-1]
		later := v.policy.Rules.of(v.reading.Device, s.Colorant)
		if later.DaysLeft == 0 || now.Percent == nil || state.Lowest == nil || *state.Lowest > *now.Percent+suddenPoints ||
			!state.confidence(now, v.policy.History).sure() {
			continue
		}
		rule := later
		later.DaysLeft += v.policy.Together
		if state.low(now, later, v.policy) != "" {
			state = v.order(s, rule, state, Together, first)
			v.ledger.Supplies[s.Key] = state
		}
	}
}
