package toner_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// Whatever a device says, in whatever order: an order is placed only when none is
// open, ids never repeat, the same input gives the same output, a reading that comes
// twice changes nothing, the ledger given is not touched, and a ledger that has been
// to JSON and back is the same ledger.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{40, 14, 13, 100, 100, 14, 13})
	f.Add([]byte{101, 121, 121, 252, 101, 101, 101})
	f.Add([]byte{14, 13, 253, 100, 100, 254, 14, 13})
	f.Add([]byte{14, 13, 255, 252, 254, 14, 13, 12, 11})
	f.Add([]byte{14, 13, 12, 11, 255, 252, 253, 254, 14, 13, 12, 11, 100, 100, 100})
	f.Add([]byte{151, 151, 252, 192, 192, 0, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 200 {
			t.Skip()
		}
		policy := toner.Policy{Rules: toner.Rules{{OrderBelow: 15}, {Colour: "cyan", OrderBelow: 60}}}
		if len(steps)%2 == 1 {
			policy = usual()
			policy.Mode = toner.Suggest
		}
		var ledger toner.Ledger
		ids := map[string]bool{}
		last := ""
		for i, step := range steps {
			if step > 250 {
				ledger = thereAndBack(t, said(ledger, step, last))
				continue
			}
			r := anyReading(step, i)
			before := thereAndBack(t, ledger)
			decision, next := toner.Decide(policy, ledger, r)
			if diff := cmp.Diff(before, ledger); diff != "" {
				t.Fatalf("step %d changes the ledger given:\n%s", i, diff)
			}
			again, same := toner.Decide(policy, before, r)
			if diff := cmp.Diff(decision, again) + cmp.Diff(next, same); diff != "" {
				t.Fatalf("step %d is decided in two ways:\n%s", i, diff)
			}
			for _, o := range decision.Orders {
				if s := ledger.Supplies[o.Supply.Key]; s.Waits() || s.State == toner.Stopped || ids[o.ID] {
					t.Fatalf("step %d: order %s in state %q", i, o.ID, s.State)
				}
				ids[o.ID], last = true, o.ID
			}
			ledger = thereAndBack(t, next)
			repeated, next := toner.Decide(policy, ledger, r)
			if diff := cmp.Diff(ledger, next) + cmp.Diff(toner.Decision{}, repeated); diff != "" {
				t.Fatalf("step %d, again, changes:\n%s", i, diff)
			}
		}
	})
}

// said is what the portal or a person says of an order.
func said(ledger toner.Ledger, step byte, id string) toner.Ledger {
	switch step {
	case 254:
		ledger, _ = ledger.Reopen(id)
	case 255:
		ledger, _, _ = ledger.Confirm(id)
	default:
		ledger = ledger.Apply(toner.OrderState{ID: id, State: []string{"accepted", "shipped", "cancelled"}[step-251]})
	}
	return ledger
}

// decided is Decide with rules that need two readings and no forecast.
func decided(rules toner.Rules, ledger toner.Ledger, r collector.Reading) ([]toner.Order, toner.Ledger) {
	d, next := toner.Decide(toner.Policy{Rules: rules}, ledger, r)
	return d.Orders, next
}

// anyReading makes a reading of a byte: up to 100 are measured levels, the next
// hundred are levels that are not, with alerts, the rest have serial numbers.
func anyReading(step byte, i int) collector.Reading {
	level := float64(step % 101)
	black, cyan := supply("1.1", "black", "some"), supply("1.2", "cyan", "0")
	cyan.Level.Percent = &level
	r := collector.Reading{
		Device:  collector.Device{ID: "ABC12345"},
		TakenAt: monday.Add(time.Duration(i) * time.Hour),
		Meters:  []collector.Meter{{Name: "systemTotals.impressions.total", Value: int64(i) * 100, Primary: true}},
	}
	switch {
	case step <= 100:
		black.Level = cyan.Level
	case step <= 200:
		code := []string{"markerTonerEmpty", "markerTonerAlmostEmpty", ""}[step%3]
		r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: 1, Code: code}}
	default:
		black.SerialNumber, cyan.SerialNumber = string('A'+rune(step%3)), string('A'+rune(step%2))
	}
	r.Supplies = []collector.Supply{black, cyan}
	return r
}

func thereAndBack(t *testing.T, ledger toner.Ledger) (back toner.Ledger) {
	t.Helper()
	body, err := json.Marshal(ledger)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if len(ledger.Supplies) > 0 {
		if diff := cmp.Diff(ledger, back); diff != "" {
			t.Fatalf("there and back (-before +after):\n%s", diff)
		}
	}
	return back
}
