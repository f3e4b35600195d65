package toner

import (
	"maps"
	"slices"
)

// An OrderState is what is known of one order, as the portal tells it and as Orders
// tells it.
type OrderState struct {
	ID    string
	State string // "suggested", "ordered", "accepted", "shipped", "cancelled" or "replaced"
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
			if s.Order == nil || said.ID != s.Order.ID || s.Suggested {
				continue
			}
			switch {
			case said.State == "accepted" && s.State == Ordered:
				s.State = Accepted
			case said.State == "shipped" && (s.State == Ordered || s.State == Accepted):
				s.State = Shipped
			case said.State == "cancelled" && s.Waits():
				s.State = Stopped
			}
		}
		next.Supplies[key] = s
	}
	return next
}

// Confirm turns a suggestion into an order, and returns it. It says no to what is not
// a suggestion that waits.
func (l Ledger) Confirm(id string) (next Ledger, o Order, ok bool) {
	key, s := l.find(id)
	if key == "" || !s.Suggested || !s.Waits() {
		return l, o, false
	}
	next = l.clone()
	s.Suggested = false
	next.Supplies[key] = s
	return next, *s.Order, true
}

// Reopen gives an order up whose delivery was lost, or that was cancelled: if the
// supply is still low, the next readings place another one, with an id of its own. It
// says no to an order that is not the last of its supply, or whose cartridge is in.
func (l Ledger) Reopen(id string) (next Ledger, ok bool) {
	key, s := l.find(id)
	if key == "" || !s.Waits() && s.State != Stopped {
		return l, false
	}
	next = l.clone()
	s.State, s.Order, s.Low, s.Suggested, s.Out = Watch, nil, Streak{}, false, Out{}
	s.Reopened++
	next.Supplies[key] = s
	return next, true
}

func (l Ledger) find(id string) (key string, s Supply) {
	if l.Version > version {
		return "", s
	}
	for key, s := range l.Supplies {
		if s.Order != nil && s.Order.ID == id {
			return key, s
		}
	}
	return "", s
}

// Orders tells the state of each supply's last order, in the order of the supplies'
// keys.
func (l Ledger) Orders() (all []OrderState) {
	for _, key := range slices.Sorted(maps.Keys(l.Supplies)) {
		s := l.Supplies[key]
		switch {
		case s.Order == nil:
		case s.Waits() && s.Suggested:
			all = append(all, OrderState{s.Order.ID, "suggested"})
		case s.Waits():
			all = append(all, OrderState{s.Order.ID, string(s.State)})
		case s.State == Stopped:
			all = append(all, OrderState{s.Order.ID, "cancelled"})
		default:
			all = append(all, OrderState{s.Order.ID, "replaced"})
		}
	}
	return all
}
