package portal

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"meteragent/transport"
)

const (
	mostOrders = 10000 // remembered
	mostStates = 100   // told in one answer

	// underWay is for how long an order of one agent stands for those of another one: as long as
	// a cartridge may be on its way, or wait on a shelf.
	underWay = 30 * 24 * time.Hour
)

// An Order is one supply an agent asked for.
type Order struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"` // the agent that asked
	Customer string    `json:"customer"`
	Device   string    `json:"device"`
	Supply   string    `json:"supply"` // "black toner", or the device's own words
	Key      string    `json:"key"`    // of the supply; "" if the order does not say
	Reason   string    `json:"reason"`
	Level    string    `json:"level"` // "12 %"; "" if the order does not say
	State    string    `json:"state"` // "accepted", "shipped", "cancelled"
	At       time.Time `json:"at"`
	Asked    int       `json:"asked"` // how many records asked for it; more than 1 is a repeated decision

	replaced bool // a new cartridge has been seen since
}

// order takes an order, or says why not. The caller holds mu.
func (p *Portal) order(e Event) *transport.Problem {
	var body map[string]any
	if err := json.Unmarshal(e.Data, &body); err != nil {
		return broken("order cannot be read: %v", err)
	}
	id := words(body["id"])
	if id == "" {
		return broken("order has no id")
	}
	for i := range p.orders {
		if p.orders[i].ID == id {
			p.orders[i].Asked++
			return nil
		}
	}
	o := Order{
		ID: id, Source: e.Source, Customer: e.Customer, Device: e.Subject,
		Supply: cmp.Or(words(body["supply"]), words(body["colorant"])),
		Reason: cmp.Or(words(body["reason"]), words(body["rule"])),
		Level:  percent(body),
		State:  "accepted", At: e.Time.UTC(), Asked: 1,
	}
	if supply, ok := body["supply"].(map[string]any); ok {
		o.Key = words(supply["key"])
	}
	if slices.ContainsFunc(p.orders, o.standsIn) {
		o.State = "cancelled"
	}
	p.orders = append(p.orders, o)
	if extra := len(p.orders) - mostOrders; extra > 0 {
		p.orders = slices.Delete(p.orders, 0, extra)
	}
	return nil
}

// standsIn says that an order of another agent for the same supply is still under way: an agent
// that was installed anew, or a second one in the same network, does not know of it. What an
// agent orders again itself, a person has told it to.
func (o Order) standsIn(other Order) bool {
	return other.Device == o.Device && other.Key == o.Key && o.Key != "" && other.Source != o.Source &&
		other.State != "cancelled" && !other.replaced && o.At.Sub(other.At).Abs() < underWay
}

// replaced ends the orders for a supply of which a new cartridge was seen. The caller holds mu.
func (p *Portal) replaced(device, supply string) {
	for i := range p.orders {
		if o := &p.orders[i]; o.Device == device && o.Key == supply {
			o.replaced = true
		}
	}
}

// words returns a value of an order as text: text as it is, and of an object what a
// person would read of it. Agents of other makers may say more, or less.
func words(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		if text := cmp.Or(words(v["text"]), words(v["description"])); text != "" {
			return text
		}
		return strings.TrimSpace(words(v["colorant"]) + " " + words(v["type"]))
	}
	return ""
}

// percent finds the level an order was decided on.
func percent(body map[string]any) string {
	for _, name := range []string{"percent", "level", "reason", "supply", "evidence"} {
		switch v := body[name].(type) {
		case float64:
			if name == "percent" || name == "level" {
				return level(v)
			}
		case map[string]any:
			if text := percent(v); text != "" {
				return text
			}
		}
	}
	return ""
}

// states returns how the newest orders of these agents stand. Every answer repeats
// them, since nobody knows whether the last one arrived. The caller holds mu.
func (p *Portal) states(agents map[string]bool) []transport.OrderState {
	var states []transport.OrderState
	for _, o := range slices.Backward(p.orders) {
		if agents[o.Source] && len(states) < mostStates {
			states = append(states, transport.OrderState{ID: o.ID, State: o.State})
		}
	}
	return states
}
