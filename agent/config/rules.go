package config

import (
	"fmt"
	"maps"
	"slices"

	"meteragent/agent/toner"
)

// TonerRules are the rules of [toner], [[toner.rule]] and [[device]] in the form in
// which package toner takes them, each with the key of the setting it comes from.
func (c Config) TonerRules() toner.Rules {
	rules := toner.Rules{{OrderBelow: c.Toner.OrderBelow, Source: "toner.order_below"}}
	for i, r := range c.Toner.Rules {
		source := fmt.Sprintf("toner.rule[%d].order_below", i+1)
		rules = append(rules, toner.Rule{Model: r.Model, Colour: r.Colour, OrderBelow: r.OrderBelow, Source: source})
	}
	for i, d := range c.Devices {
		for _, colour := range slices.Sorted(maps.Keys(d.OrderBelow)) {
			source := fmt.Sprintf("device[%d].order_below", i+1)
			if colour != "" {
				source += "." + colour
			}
			rules = append(rules, toner.Rule{Serial: d.Serial, Colour: colour, OrderBelow: d.OrderBelow[colour], Source: source})
		}
	}
	return rules
}
