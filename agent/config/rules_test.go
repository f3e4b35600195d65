package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/agent/toner"
)

func TestTonerRules(t *testing.T) {
	c, err := config.Parse("meteragent.toml", []byte(smallest+`
[toner]
order_below = 10
[[toner.rule]]
model = "iR*"
colour = "black"
order_below = 20
[[device]]
serial = " abc12345"
order_below = 0
[[device]]
serial = "ABC12346"
[[device]]
serial = "ABC12347"
order_below = { cyan = 30, black = 40 }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := toner.Rules{
		{OrderBelow: 10, Source: "toner.order_below"},
		{Model: "iR*", Colour: "black", OrderBelow: 20, Source: "toner.rule[1].order_below"},
		{Serial: "ABC12345", OrderBelow: 0, Source: "device[1].order_below"},
		{Serial: "ABC12347", Colour: "black", OrderBelow: 40, Source: "device[3].order_below.black"},
		{Serial: "ABC12347", Colour: "cyan", OrderBelow: 30, Source: "device[3].order_below.cyan"},
	}
	if diff := cmp.Diff(want, c.TonerRules()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}
