package toner_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/text"
	"meteragent/agent/toner"
	"meteragent/collector"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var monday = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// decide takes the same reading several times, half an hour apart, and returns the
// orders.
func decide(rules toner.Rules, r collector.Reading, times int) (orders []toner.Order, ledger toner.Ledger) {
	for i := range times {
		r.TakenAt = monday.Add(time.Duration(i) * 30 * time.Minute)
		placed, next := decided(rules, ledger, r)
		orders, ledger = append(orders, placed...), next
	}
	return orders, ledger
}

func TestTheMostSpecialRuleHolds(t *testing.T) {
	rules := toner.Rules{ // the most special one first
		{Serial: "ABC12345", Colour: "black", OrderBelow: 16, Source: "device and black"},
		{Serial: "abc12345", OrderBelow: 15, Source: "device"},
		{Model: "ir-adv c5*", Colour: "black", OrderBelow: 14, Source: "model and black"},
		{Model: "ir-adv c5*", OrderBelow: 13, Source: "longer model"},
		{Model: "iR*", OrderBelow: 12, Source: "model"},
		{Colour: "black", OrderBelow: 11, Source: "black"},
		{OrderBelow: 10, Source: "all"},
		{OrderBelow: 9, Source: "second of two"},
	}
	strangers := toner.Rules{
		{Model: "imageRUNNER*", OrderBelow: 90, Source: "other model"},
		{Serial: "XYZ99999", OrderBelow: 90, Source: "other device"},
		{Colour: "cyan", OrderBelow: 90, Source: "other colour"},
	}
	for len(rules) > 1 {
		want := rules[0].Source
		given := slices.Concat(strangers, rules)
		if want != "all" { // which comes before the second of two by its place alone
			slices.Reverse(given)
		}
		orders, _ := decide(given, reading(t, "5", monday, 0), 2)
		if len(orders) != 1 || orders[0].Reason.Rule != want {
			t.Errorf("instead of %s holds %+v", want, orders)
		}
		rules = rules[1:]
	}
}

func TestNoRuleNoOrder(t *testing.T) {
	for name, rules := range map[string]toner.Rules{
		"none":      nil,
		"never":     {{OrderBelow: 20}, {Serial: "ABC12345", OrderBelow: 0}},
		"no glob":   {{Model: "[", OrderBelow: 20}},
		"elsewhere": {{Model: "LBP*", OrderBelow: 20}},
	} {
		if orders, _ := decide(rules, reading(t, "5+empty", monday, 0), 3); orders != nil {
			t.Errorf("%s: %+v", name, orders)
		}
	}
}

func TestModelsMayContainSlashes(t *testing.T) {
	r := reading(t, "5", monday, 0)
	r.Device.Model = "iR-ADV C3520/3525"
	if orders, _ := decide(toner.Rules{{Model: "ir-adv c*25", OrderBelow: 20}}, r, 2); len(orders) != 1 {
		t.Errorf("orders are %+v", orders)
	}
}

func TestOnlyWhatIsPrintedAwayIsOrdered(t *testing.T) {
	for kind, want := range map[string]int{
		"toner": 1, "tonerCartridge": 1, "ink": 1, "inkCartridge": 1, "inkRibbon": 1, "ribbonWax": 1, "solidWax": 1,
		"wasteToner": 0, "wasteInk": 0, "opc": 0, "developer": 0, "fuser": 0, "transferUnit": 0, "staples": 0, "other": 0, "": 0,
	} {
		for class, factor := range map[string]int{"supplyThatIsConsumed": 1, "receptacleThatIsFilled": 0, "other": 0, "": 1} {
			r := reading(t, "5", monday, 0)
			for i := range r.Supplies {
				r.Supplies[i].Type, r.Supplies[i].Class = kind, class
			}
			if orders, _ := decide(toner.Rules{{OrderBelow: 15}}, r, 3); len(orders) != want*factor {
				t.Errorf("%s of class %q: %+v", kind, class, orders)
			}
		}
	}
}

func TestTheDevicesOwnWord(t *testing.T) {
	two := []collector.Supply{supply("1.1", "black", "some"), supply("1.2", "cyan", "some")}
	twin := []collector.Supply{supply("1.1", "black", "some"), supply("2.1", "cyan", "some")}
	alert := collector.Alert{Group: "markerSupplies", GroupIndex: 2, Code: "markerTonerAlmostEmpty"}
	for _, test := range []struct {
		name     string
		supplies []collector.Supply
		alert    collector.Alert
		errors   []string
		want     string // keys ordered
	}{
		{"an alert names the supply", two, alert, nil, "1.2"},
		{"ink too", two, collector.Alert{Group: "markerSupplies", GroupIndex: 1, Code: "markerInkEmpty"}, nil, "1.1"},
		{"another part of the device", two, collector.Alert{Group: "input", GroupIndex: 1, Code: "subunitEmpty"}, nil, ""},
		{"another word", two, collector.Alert{Group: "markerSupplies", GroupIndex: 1, Code: "markerTonerCartridgeMissing"}, nil, ""},
		{"two supplies of one index", twin, collector.Alert{Group: "markerSupplies", GroupIndex: 1, Code: "markerTonerEmpty"}, nil, ""},
		{"the state names no supply", two, collector.Alert{}, []string{"lowToner"}, ""},
		{"if there is one only", two[:1], collector.Alert{}, []string{"lowPaper", "lowToner"}, "1.1"},
		{"and its level is not measured", []collector.Supply{supply("1.1", "black", "30")}, collector.Alert{}, []string{"noToner"}, ""},
	} {
		r := reading(t, "50", monday, 0)
		r.Supplies, r.Alerts, r.Status.Errors = test.supplies, []collector.Alert{test.alert}, test.errors
		orders, _ := decide(toner.Rules{{OrderBelow: 15}}, r, 3)
		var got []string
		for _, o := range orders {
			got = append(got, o.Supply.Key)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: orders %q, want %q", test.name, got, test.want)
		}
	}
}

func TestLevelsThatAreNone(t *testing.T) {
	for _, kind := range []collector.LevelKind{
		collector.Absolute, collector.Some, collector.Unknown, collector.Unrestricted, collector.Invalid, "",
	} {
		r := reading(t, "5", monday, 0)
		for i := range r.Supplies {
			r.Supplies[i].Level.Kind = kind
		}
		if orders, _ := decide(toner.Rules{{OrderBelow: 15}}, r, 3); orders != nil {
			t.Errorf("a level of kind %q orders %+v", kind, orders)
		}
	}
}

func TestWhatIsNotForThisLedgerChangesNothing(t *testing.T) {
	rules := toner.Rules{{OrderBelow: 15}}
	_, ledger := decide(rules, reading(t, "14", monday, 0), 1)
	good := reading(t, "13", monday.Add(time.Hour), 0)
	other, nameless, timeless := good, good, good
	other.Device.ID, nameless.Device.ID, timeless.TakenAt = "XYZ99999", "", time.Time{}
	newer := ledger
	newer.Version = 2
	for _, test := range []struct {
		name   string
		ledger toner.Ledger
		r      collector.Reading
	}{
		{"another device", ledger, other}, {"no device", ledger, nameless},
		{"no time", ledger, timeless}, {"a newer program's ledger", newer, good},
	} {
		orders, next := decided(rules, test.ledger, test.r)
		if diff := cmp.Diff(test.ledger, next); orders != nil || diff != "" {
			t.Errorf("%s: orders %v, ledger:\n%s", test.name, orders, diff)
		}
	}
	if orders, _ := decided(rules, ledger, good); len(orders) != 1 {
		t.Errorf("the good reading orders %v", orders)
	}
}

func TestALedgerIsBounded(t *testing.T) {
	r := reading(t, "50", monday, 0)
	for i := range 200 {
		r.Supplies = append(r.Supplies, supply(fmt.Sprintf("1.%d", 100+i), "black", "50"))
	}
	var ledger toner.Ledger
	for i := range 40 {
		level := float64(100 - i)
		for j := range r.Supplies {
			r.Supplies[j].Level.Percent = &level
		}
		r.TakenAt = r.TakenAt.Add(time.Hour)
		_, ledger = decided(toner.Rules{{OrderBelow: 15}}, ledger, r)
	}
	body, err := json.Marshal(ledger)
	if err != nil || len(ledger.Supplies) != 64 || len(body) > 512<<10 {
		t.Errorf("%d supplies, %d bytes, %v", len(ledger.Supplies), len(body), err)
	}
}

func TestSeveralColoursAreSeveralOrders(t *testing.T) {
	r := reading(t, "5", monday, 0)
	r.Supplies = append(r.Supplies, supply("1.2", "cyan", "5"), supply("1.2", "cyan", "5"))
	orders, ledger := decide(toner.Rules{{OrderBelow: 15}}, r, 3)
	want := []toner.OrderState{{ID: orders[0].ID, State: "ordered"}, {ID: orders[1].ID, State: "ordered"}}
	if diff := cmp.Diff(want, ledger.Orders()); len(orders) != 2 || diff != "" {
		t.Errorf("%d orders (-want +got):\n%s", len(orders), diff)
	}
	ledger = ledger.Apply(toner.OrderState{ID: orders[1].ID, State: "cancelled"}, toner.OrderState{ID: orders[0].ID, State: "shipped"})
	want[0].State, want[1].State = "shipped", "cancelled"
	if diff := cmp.Diff(want, ledger.Orders()); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

// The body of an order is a contract with the portals.
func TestOrderBody(t *testing.T) {
	rules := toner.Rules{{OrderBelow: 15, Source: "toner.order_below"}}
	var ledger toner.Ledger
	var orders []toner.Order
	for i, word := range []string{"16@123400", "14@123430", "13.5@123456"} {
		r := reading(t, word, monday.Add(time.Duration(i)*30*time.Minute), 0)
		black := &r.Supplies[2]
		black.Description, black.PartNumber, black.SerialNumber = "Black Toner", "C-EXV 51", "T0001"
		placed, next := decided(rules, ledger, r)
		orders, ledger = append(orders, placed...), next
	}
	got, err := json.MarshalIndent(orders, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/order.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	percent := 13.5
	for code, want := range map[toner.Code]string{
		toner.LevelBelow:      "noch 13,5 %, weniger als 15 % (toner.order_below)",
		toner.LastStep:        "noch 13,5 %, in groben Stufen gemeldet: vielleicht ist fast nichts mehr da (toner.order_below)",
		toner.SaysEmpty:       "laut Gerät leer (markerTonerEmpty)",
		toner.SaysAlmostEmpty: "laut Gerät fast leer (markerTonerEmpty); den Füllstand misst es nicht",
	} {
		r := toner.Reason{Code: code, Percent: &percent, OrderBelow: 15, Rule: "toner.order_below", Signal: "markerTonerEmpty"}
		if got := r.Say(text.For("de")); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
		if got := r.Say(text.For("en")); strings.ContainsAny(got, "[{") {
			t.Errorf("%s is %q", code, got)
		}
	}
}
