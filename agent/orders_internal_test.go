package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
)

// The source of a rule is what a person finds in the file.
func TestARuleSaysWhereItStands(t *testing.T) {
	cfg := config.Default()
	cfg.Toner.Rules = []config.TonerRule{{Colour: "black", OrderBelow: 20}}
	cfg.Devices = []config.Device{
		{Serial: "ABC12345", OrderBelow: map[string]int{"": 25}},
		{Serial: "ABC12346", OrderBelow: map[string]int{"cyan": 20, "black": 10}},
	}
	var got []string
	for _, rule := range tonerRules(cfg) {
		got = append(got, rule.Source)
	}
	want := []string{
		"toner.order_below", "toner.rule[1].order_below",
		"device[1].order_below", "device[2].order_below.black", "device[2].order_below.cyan",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}
