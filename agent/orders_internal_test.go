package agent

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/store"
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

// Orders count for the share of a day, but not those of a day that has not come: the clock was ahead.
func TestPlacedWithin(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "a.db"), store.Options{Destinations: []string{Portal}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	err = s.Update(func(tx *store.Tx) error {
		for id, at := range map[string]time.Time{
			"a": now.AddDate(5, 0, 0), "b": now.Add(time.Hour), "c": now, "d": now.Add(-23 * time.Hour), "e": now.Add(-25 * time.Hour),
		} {
			if err := tx.Put(placed, placedKey(at, id), true); err != nil {
				return err
			}
		}
		n, err := placedWithin(tx, now)
		if n != 2 {
			t.Errorf("%d orders, want 2", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Where no portal that takes orders tells what becomes of them, toner is told so.
func TestWhoTellsOfOrders(t *testing.T) {
	portal := func(kind, receipts string, orders bool) config.Portal {
		return config.Portal{Kind: kind, Receipts: receipts, Orders: orders}
	}
	for _, c := range []struct {
		portals []config.Portal
		untold  bool
	}{
		{[]config.Portal{portal(config.KindMeteragent, "portal", true)}, false},
		{[]config.Portal{portal(config.KindMeteragent, "broker", true)}, true},
		{[]config.Portal{portal(config.KindMeteragent, "status", true), portal(config.KindMeteragent, "portal", false)}, true},
	} {
		if got := tonerPolicy(config.Config{Portals: c.portals}).Untold; got != c.untold {
			t.Errorf("%+v: %v", c.portals, got)
		}
	}
}
