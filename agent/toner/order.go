package toner

import (
	"cmp"
	"slices"
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
	ID        string        `json:"id"`               // the same for the same cartridge, always
	Parcel    string        `json:"parcel,omitempty"` // id of the order it travels with, if it joins one
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

// Code is the reason of an order, for programs.
type Code string

// The reasons. Their sentences are "order.why.<code>" in the catalogue.
const (
	LevelBelow      Code = "levelBelow"      // the level is measured and below the rule's percentage
	DaysLeft        Code = "daysLeft"        // at the usual pace it lasts the rule's days at most
	Busy            Code = "busy"            // a busy stretch would use it up before a parcel comes
	PagesLeft       Code = "pagesLeft"       // it lasts fewer pages than the rule's
	LastStep        Code = "lastStep"        // the level is not below that, but comes in large steps, and perhaps nothing of its step is left
	SaysEmpty       Code = "saysEmpty"       // the device says that the supply is empty
	SaysAlmostEmpty Code = "saysAlmostEmpty" // the device says so, and its level is not measured
	Together        Code = "together"        // it will be due soon, and another one of its device is due now
)

// measured says that the level was the reason, not the device's word.
func (r Reason) measured() bool { return r.Code != SaysEmpty && r.Code != SaysAlmostEmpty }

// A Reason says why an order was placed.
type Reason struct {
	Code       Code     `json:"code"`
	Percent    *float64 `json:"percent,omitempty"`   // left, if measured
	Signal     string   `json:"signal,omitempty"`    // what the device said
	OrderBelow int      `json:"orderBelow"`          // percent, of the rule that fits the supply
	Rule       string   `json:"rule"`                // where that rule stands
	DaysLeft   int      `json:"daysLeft,omitempty"`  // of that rule
	PagesLeft  int64    `json:"pagesLeft,omitempty"` // of that rule
	Text       string   `json:"text"`                // the same for people, in English
}

// Evidence is what the decision rests on.
type Evidence struct {
	Pages          *int64        `json:"pages,omitempty"` // impressions in all
	Cartridge      int           `json:"cartridge"`       // how many of this supply the agent has seen
	CartridgeSince time.Time     `json:"cartridgeSince"`
	Readings       []Observation `json:"readings"` // oldest first; the last ones decided
	Forecast       Forecast      `json:"forecast"` // at that time, though the rule may not have asked for it
}

// left is how many pages were left when an order was decided, if the device counts those.
func (o Order) left() int64 {
	for _, seen := range slices.Backward(o.Evidence.Readings) {
		if seen.Left != nil {
			return *seen.Left
		}
	}
	return 0
}

// Say puts the reason in words.
func (r Reason) Say(c *text.Catalogue) string {
	percent := ""
	if r.Percent != nil {
		percent = c.Decimal(*r.Percent)
	}
	return c.Say(text.Key("order.why."+string(r.Code)),
		"percent", percent, "below", r.OrderBelow, "rule", r.Rule, "signal", r.Signal, "days", r.DaysLeft, "pages", c.Number(r.PagesLeft))
}

func newOrder(r collector.Reading, s collector.Supply, rule Rule, p Policy, state Supply, code Code) Order {
	now := state.Readings[len(state.Readings)-1]
	why := Reason{
		Code: code, Percent: now.Percent, Signal: now.Signal,
		OrderBelow: rule.OrderBelow, DaysLeft: rule.DaysLeft, PagesLeft: rule.PagesLeft, Rule: rule.source(code),
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
			Forecast: state.forecast(now, p),
		},
	}
}

// orderID names the replacement of one cartridge. The time the place was first seen is
// part of it, so that an agent that has lost its ledger and counts from 1 again does
// not give a new order the name of an old one, which the portal would drop. A ledger
// that is restored from a backup still counts as before, so it gives the same names. So does
// one of a device that has numbered its rows anew: a key may have been another supply's.
func orderID(device, key string, s Supply) string {
	space := uuid.MustParse("5c1ae5a9-6d0e-4b4c-8f3d-2a0c9b7d41e6") // drawn once, for ever
	name := []string{device, cmp.Or(s.Place, key), strconv.Itoa(s.Cartridge), s.First.Format(time.RFC3339Nano)}
	if s.Reopened > 0 {
		name = append(name, strconv.Itoa(s.Reopened))
	}
	return uuid.NewSHA1(space, []byte(strings.Join(name, "\n"))).String()
}
