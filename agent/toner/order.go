package toner

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"meteragent/agent/text"
	"meteragent/collector"
)

// An Order is the decision that one supply of one device must be sent. Its JSON is
// the body of meteragent.order.v1.
type Order struct {
	ID        string        `json:"id"` // the same for the same cartridge, always
	Device    OrderedFor    `json:"device"`
	Supply    OrderedSupply `json:"supply"`
	DecidedAt time.Time     `json:"decidedAt"` // when the deciding reading was taken
	Reason    Reason        `json:"reason"`
	Evidence  Evidence      `json:"evidence"`
}

// OrderedFor is the device that needs the supply.
type OrderedFor struct {
	ID           string `json:"id"`
	Serial       string `json:"serial"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
}

// An OrderedSupply is what is to be sent, as the device describes it.
type OrderedSupply struct {
	Key          string `json:"key"`
	Description  string `json:"description"`
	Type         string `json:"type"`
	Colorant     string `json:"colorant"`
	PartNumber   string `json:"partNumber,omitempty"`
	SerialNumber string `json:"serialNumber,omitempty"` // of the cartridge that is in
}

// A Reason says why an order was placed.
type Reason struct {
	Code       Code     `json:"code"`
	Percent    *float64 `json:"percent,omitempty"` // left, if measured
	Signal     string   `json:"signal,omitempty"`  // what the device said
	OrderBelow int      `json:"orderBelow"`        // percent, of the rule that fits the supply
	Rule       string   `json:"rule"`              // where that rule stands
	Text       string   `json:"text"`              // the same for people, in English
}

// Evidence is what the decision rests on.
type Evidence struct {
	Pages          *int64        `json:"pages,omitempty"` // impressions in all
	Cartridge      int           `json:"cartridge"`       // how many of this supply the agent has seen
	CartridgeSince time.Time     `json:"cartridgeSince"`
	Readings       []Observation `json:"readings"` // oldest first; the last two decided
}

// Say puts the reason in words.
func (r Reason) Say(c *text.Catalogue) string {
	percent := ""
	if r.Percent != nil {
		percent = c.Decimal(*r.Percent)
	}
	return c.Say(text.Key("order.why."+string(r.Code)),
		"percent", percent, "below", r.OrderBelow, "rule", r.Rule, "signal", r.Signal)
}

func newOrder(r collector.Reading, s collector.Supply, rule Rule, state Supply) Order {
	now := state.Readings[len(state.Readings)-1]
	why := Reason{
		Code: state.low(now, rule.OrderBelow), Percent: now.Percent, Signal: now.Signal,
		OrderBelow: rule.OrderBelow, Rule: rule.Source,
	}
	why.Text = why.Say(text.For(string(text.English)))
	return Order{
		ID: orderID(r.Device.ID, s.Key, state),
		Device: OrderedFor{
			ID: r.Device.ID, Serial: r.Device.Serial,
			Manufacturer: r.Device.Manufacturer, Model: r.Device.Model,
		},
		Supply: OrderedSupply{
			Key: s.Key, Description: s.Description, Type: s.Type, Colorant: s.Colorant,
			PartNumber: s.PartNumber, SerialNumber: s.SerialNumber,
		},
		DecidedAt: now.At,
		Reason:    why,
		Evidence: Evidence{
			Pages: now.Pages, Cartridge: state.Cartridge, CartridgeSince: state.Since, Readings: state.Readings,
		},
	}
}

// orderID names the replacement of one cartridge. The time the cartridge was first
// seen is part of it, so that an agent that has lost its ledger and counts from 1
// again does not give a new order the name of an old one, which the portal would drop.
func orderID(device, key string, s Supply) string {
	space := uuid.MustParse("5c1ae5a9-6d0e-4b4c-8f3d-2a0c9b7d41e6") // drawn once, for ever
	name := []string{device, key, strconv.Itoa(s.Cartridge), s.Since.Format(time.RFC3339Nano)}
	return uuid.NewSHA1(space, []byte(strings.Join(name, "\n"))).String()
}
