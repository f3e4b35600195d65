package toner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// A course is a black toner under the usual policy: readings half an hour apart, of
// which each has 20 pages more than the one before.
type course struct {
	t      *testing.T
	policy toner.Policy
	ledger toner.Ledger
	at     time.Time
	pages  int64
	change func(*collector.Reading)
	orders []toner.Order
	events []toner.Event
}

func newCourse(t *testing.T) *course {
	return &course{t: t, policy: usual(), at: monday}
}

// see takes a level so often.
func (c *course) see(word string, times int) *course {
	for range times {
		c.at, c.pages = c.at.Add(30*time.Minute), c.pages+20
		r := reading(c.t, word, c.at, c.pages)
		if c.change != nil {
			c.change(&r)
		}
		d, next := toner.Decide(c.policy, c.ledger, r)
		c.ledger = next
		c.orders, c.events = append(c.orders, d.Orders...), append(c.events, d.Events...)
	}
	return c
}

func (c *course) supply() toner.Supply { return c.ledger.Supplies["1.1"] }

func TestLevelsThatAreDoubted(t *testing.T) {
	open := func(r *collector.Reading) { r.Status.Errors = []string{"doorOpen"} }
	openAlert := func(r *collector.Reading) { r.Alerts = []collector.Alert{{Code: "coverOpen"}} }
	vendor := func(r *collector.Reading) {
		for i := range r.Supplies {
			r.Supplies[i].Level.Kind = collector.VendorLevel
		}
	}
	for _, test := range []struct {
		name   string
		change func(*collector.Reading)
		see    func(*course)
		orders int
	}{
		{"an open cover shows 0", open, func(c *course) { c.see("0", 20) }, 0},
		{"and says so by an alert", openAlert, func(c *course) { c.see("0", 20) }, 0},
		{"but a switch may be broken", open, func(c *course) { c.see("60", 49).see("12", 100) }, 1},
		{"a jump is doubted", nil, func(c *course) { c.see("0", 8).see("60", 1) }, 0},
		{"and believed when it stays", nil, func(c *course) { c.see("0", 40) }, 1},
		{"or when the device says empty", nil, func(c *course) { c.see("0+empty", 3) }, 1},
		{"three readings over an hour", nil, func(c *course) { c.see("48", 1).see("36", 1).see("24", 1).see("14", 3) }, 1},
		{"two are not enough", nil, func(c *course) { c.see("48", 1).see("36", 1).see("24", 1).see("14", 2).see("16", 3) }, 0},
		{"a vendor's own level counts", vendor, func(c *course) { c.see("48", 1).see("36", 1).see("24", 1).see("14", 3) }, 1},
		{"a step of 25 is low at 25, since nobody knows how it rounds", nil, func(c *course) { c.see("50", 5).see("25", 200) }, 1},
		{"but a step must stand for three days", nil, func(c *course) { c.see("50", 5).see("25", 10) }, 0},
		{"a step of 10 at 10", nil, func(c *course) { c.see("50", 3).see("40", 4).see("30", 4).see("20", 4).see("10", 8) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCourse(t)
			c.see("60", 1)
			if strings.Contains(test.name, "step") {
				c = newCourse(t).see("75", 3)
			}
			c.change = test.change
			if test.see(c); len(c.orders) != test.orders {
				t.Errorf("%d orders in state %s: %+v", len(c.orders), c.supply().State, c.supply().Use)
			}
		})
	}
}

// Of a step that is not below the percentage it is not said to be.
func TestTheLastStep(t *testing.T) {
	c := newCourse(t).see("75", 3).see("50", 5).see("25", 200)
	if len(c.orders) != 1 || c.orders[0].Reason.Code != toner.LastStep {
		t.Errorf("orders are %+v", c.orders)
	}
	c = newCourse(t).see("75", 3).see("50", 5).see("25", 5).see("0", 200)
	if len(c.orders) != 1 || c.orders[0].Reason.Code != toner.LevelBelow {
		t.Errorf("orders are %+v", c.orders)
	}
}

// A toner that is hardly used, of a copier with steps of 25 whose sensor is noisy, was
// ordered at 25 while half of it was left: the level had first been 25 twelve days
// before, but it had been 50 again and again since.
func TestLevelsAtABorder(t *testing.T) {
	const day = 48 // readings
	border := func(c *course) *course {
		for c.see("50", 33*day); c.at.Before(monday.AddDate(0, 0, 46)); {
			c.see("25", 6).see("50", 2)
		}
		return c
	}
	for _, test := range []struct {
		name   string
		see    func(*course)
		orders int
	}{
		{"half of it is left", func(c *course) { border(c).see("25", 6) }, 0},
		{"which is used in the end", func(c *course) { border(c).see("25", 40*day) }, 1},
		{"a level that stood is no longer at the border", func(c *course) { border(c).see("25", 16*day).see("50", 2).see("25", 4*day) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCourse(t)
			if test.see(c); len(c.orders) != test.orders {
				t.Errorf("%d orders in state %s, forecast %+v", len(c.orders), c.supply().State, c.ledger.Forecast(c.policy, "1.1"))
			}
		})
	}
}

// The rows of a tri-colour cartridge are one supply, with the lowest level of them.
func TestOneCartridgeOfThreeColours(t *testing.T) {
	c := newCourse(t)
	c.change = func(r *collector.Reading) {
		cyan, yellow := supply("1.2", "cyan", "30"), supply("1.3", "yellow", "8")
		magenta := supply("1.4", "magenta", "9")
		magenta.PartNumber = "another"
		r.Supplies[2].PartNumber, cyan.PartNumber, yellow.PartNumber = "CL-511", "CL-511", "CL-511"
		r.Supplies[2].Level = supply("", "", "50").Level
		r.Supplies = append(r.Supplies, cyan, yellow, magenta)
		for i := range r.Supplies[2:] {
			r.Supplies[2+i].Type = "ink"
		}
	}
	c.see("50", 6)
	var got []string
	for _, o := range c.orders {
		got = append(got, o.Supply.Key)
	}
	if diff := cmp.Diff([]string{"1.1", "1.4"}, got); diff != "" {
		t.Errorf("ordered (-want +got):\n%s", diff)
	}
}

func TestWhatHoldsAnOrder(t *testing.T) {
	for _, test := range []struct {
		change func(*toner.Policy)
		want   toner.Hold
	}{
		{func(p *toner.Policy) { p.Mode = toner.Off }, toner.HeldOff},
		{func(p *toner.Policy) { p.Quiet = []string{"abc*"} }, toner.HeldQuiet},
		{func(p *toner.Policy) { p.Excluded = []string{"*photo*"} }, toner.HeldContract},
		{func(p *toner.Policy) { p.Excluded = []string{"PB-1"} }, toner.HeldContract},
		{func(p *toner.Policy) { p.Site, p.Placed = 5, 5 }, toner.HeldSite},
		{func(p *toner.Policy) { p.Quiet, p.Excluded, p.Site = []string{"XYZ*"}, []string{"*cyan*"}, 5 }, ""},
	} {
		c := newCourse(t)
		test.change(&c.policy)
		c.change = func(r *collector.Reading) {
			r.Supplies[2].Description, r.Supplies[2].PartNumber = "Photo Black", "PB-1"
		}
		c.see("9", 6)
		s := c.supply()
		if held := len(c.orders) == 0 && s.State == toner.Due; s.Held != test.want || held != (test.want != "") {
			t.Errorf("%d orders, state %s, held %q, want %q", len(c.orders), s.State, s.Held, test.want)
		}
		c.policy = usual()
		if c.see("9", 1); len(c.orders) != 1 {
			t.Errorf("%q: when nothing holds it any more there are %d orders", test.want, len(c.orders))
		}
	}
}

// A device may place so many orders within 30 days.
func TestADeviceHasItsShare(t *testing.T) {
	c := newCourse(t)
	c.policy.Device = 2
	c.policy.Rules[0].DaysLeft = 0
	c.change = func(r *collector.Reading) {
		r.Supplies = append(r.Supplies, supply("1.2", "cyan", "9"), supply("1.3", "magenta", "9"))
	}
	if c.see("9", 6); len(c.orders) != 2 || c.ledger.Supplies["1.3"].Held != toner.HeldDevice {
		t.Errorf("%d orders, %q", len(c.orders), c.ledger.Supplies["1.3"].Held)
	}
	c.at = c.at.AddDate(0, 0, 31)
	if c.see("9", 3); len(c.orders) != 3 {
		t.Errorf("a month later there are %d orders", len(c.orders))
	}
}

// What happened to a cartridge is said once, with its proof and what was wasted.
func TestReplacements(t *testing.T) {
	serial := func(number string) func(*collector.Reading) {
		return func(r *collector.Reading) { r.Supplies[2].SerialNumber = number }
	}
	part := func(number string) func(*collector.Reading) {
		return func(r *collector.Reading) { r.Supplies[2].PartNumber = number }
	}
	for _, test := range []struct {
		name          string
		before, after func(*collector.Reading)
		see           func(*course)
		want          string
	}{
		{"empty", nil, nil, func(c *course) { c.see("38", 1).see("26", 1).see("14", 1).see("2", 1).see("100", 5) }, "supplyReplaced level"},
		{"too early", nil, nil, func(c *course) { c.see("50", 4).see("100", 5) }, "supplyReplaced level, supplyWasted level"},
		{"a little too early", nil, nil, func(c *course) { c.see("80", 4).see("99", 5) }, "supplyReplaced level, supplyWasted level"},
		{"by its serial number", serial("A"), serial("B"), func(c *course) { c.see("50", 5) }, "supplyReplaced serial, supplyWasted serial"},
		{"by its part number", part("A"), part("B"), func(c *course) { c.see("50", 5) }, "supplyReplaced part, supplyWasted part"},
		{"shaken", nil, nil, func(c *course) { c.see("12", 4).see("26", 4).see("11", 4) }, ""},
		{"an open cover without a word prints nothing", nil, func(r *collector.Reading) { r.Meters[0].Value = 5000 },
			func(c *course) { c.see("100", 10) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCourse(t)
			c.change = test.before
			c.see("60", 5).see("50", 5)
			c.change = test.after
			test.see(c)
			var got []string
			for _, e := range c.events {
				got = append(got, e.Event+" "+string(e.Proof))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// An event says how far the cartridge came.
func TestYield(t *testing.T) {
	c := newCourse(t)
	for level := 100; level > 0; level -= 2 {
		c.see(itoa(level), 1)
	}
	c.see("100", 4)
	e := c.events[0]
	if e.Left == nil || *e.Left != 2 || e.Pages == nil || *e.Pages != 1000 || e.PerPoint == nil || *e.PerPoint < 10 || *e.PerPoint > 10.5 {
		t.Errorf("the event is %+v", e)
	}
}

func itoa(n int) string {
	return string(rune('0'+n/100%10)) + string(rune('0'+n/10%10)) + string(rune('0'+n%10))
}

// While an order is a suggestion the portal's words do not touch it; a person's do.
func TestSuggestions(t *testing.T) {
	c := newCourse(t)
	c.policy.Mode = toner.Suggest
	c.see("9", 6)
	id := c.orders[0].ID
	if got := c.ledger.Apply(toner.OrderState{ID: id, State: "shipped"}).Orders(); got[0].State != "suggested" {
		t.Errorf("the portal makes it %+v", got)
	}
	next, o, ok := c.ledger.Confirm(id)
	if !ok || o.ID != id || next.Orders()[0].State != "ordered" || c.ledger.Orders()[0].State != "suggested" {
		t.Errorf("confirmed: %v, %+v", ok, next.Orders())
	}
	if _, _, again := next.Confirm(id); again {
		t.Error("it is confirmed twice")
	}
}

// A lost or cancelled order is placed again only when a person says so, and has
// another id then.
func TestReopening(t *testing.T) {
	c := newCourse(t).see("9", 6)
	id := c.orders[0].ID
	c.ledger = c.ledger.Apply(toner.OrderState{ID: id, State: "cancelled"})
	if c.see("8", 10); len(c.orders) != 1 {
		t.Fatalf("%d orders", len(c.orders))
	}
	next, ok := c.ledger.Reopen(id)
	if !ok {
		t.Fatal("it cannot be reopened")
	}
	c.ledger = next
	if c.see("8", 10); len(c.orders) != 2 || c.orders[1].ID == id {
		t.Errorf("orders are %+v", c.orders)
	}
	if _, ok := c.ledger.Reopen(id); ok {
		t.Error("an old order is reopened")
	}
	c.see("100", 5)
	if _, ok := c.ledger.Reopen(c.orders[1].ID); ok {
		t.Error("an order is reopened whose cartridge is in")
	}
}

// What will be due soon travels with what is due now.
func TestOneParcel(t *testing.T) {
	c := newCourse(t)
	levels := map[string]float64{"1.1": 90, "1.2": 94}
	c.change = func(r *collector.Reading) {
		r.Supplies = nil
		for _, key := range []string{"1.1", "1.2"} {
			levels[key] -= 1
			s := supply(key, map[string]string{"1.1": "black", "1.2": "cyan"}[key], itoa(int(levels[key])))
			r.Supplies = append(r.Supplies, s)
		}
	}
	for range 85 {
		c.see("", 1)
		c.at = c.at.Add(8 * time.Hour)
	}
	parcels := slices.DeleteFunc(slices.Clone(c.orders), func(o toner.Order) bool { return o.Parcel == "" })
	if len(c.orders) != 2 || len(parcels) != 1 || parcels[0].Parcel != c.orders[0].ID || parcels[0].Reason.Code != toner.Together {
		t.Errorf("orders are %+v", c.orders)
	}
}
