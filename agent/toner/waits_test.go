package toner_test

import (
	"fmt"
	"testing"
	"time"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// becomes is what the portal says of the last order.
func (c *course) becomes(state string) *course {
	c.ledger = c.ledger.Apply(toner.OrderState{ID: c.orders[len(c.orders)-1].ID, State: state})
	return c
}

// An order does not wait for ever, or the next cartridge would be missed: whoever does not
// measure is silent once the new one is in.
func TestAnOrderEnds(t *testing.T) {
	countless := func(r *collector.Reading) { r.Meters = nil }
	for _, test := range []struct {
		name   string
		change func(*collector.Reading)
		see    func(*course) *course
		orders int
	}{
		{"the portal has cancelled it", nil, func(c *course) *course { return c.becomes("cancelled").see("some", 40*day) }, 2},
		{"but not for a shaken cartridge", nil, func(c *course) *course { return c.becomes("cancelled").see("some", 10*day) }, 1},
		{"the portal never says that it is sent", nil, func(c *course) *course { return c.becomes("accepted").see("some", 40*day) }, 2},
		{"but it may be late", nil, func(c *course) *course { return c.becomes("accepted").see("some", 20*day) }, 1},
		{"nobody counts pages", countless, func(c *course) *course { return c.becomes("shipped").see("some", 40*day) }, 2},
		{"but a house may be away", countless, func(c *course) *course { return c.becomes("shipped").see("some", 20*day) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCourse(t)
			c.change = test.change
			if test.see(c.see("some", 10).see("some+almost", 10)).see("some+almost", 10); len(c.orders) != test.orders {
				t.Errorf("%d orders, want %d", len(c.orders), test.orders)
			}
		})
	}
}

// A device that measured when it was ordered may not measure any more, after an update.
func TestItNoLongerMeasures(t *testing.T) {
	c := newCourse(t).down(60, 10, "").becomes("shipped")
	if c.see("some+almost", 10).see("some", 60*day).see("some+almost", 10); len(c.orders) != 2 {
		t.Errorf("%d orders", len(c.orders))
	}
	c = newCourse(t).down(60, 10, "").becomes("shipped")
	if c.idle("some", 20*day).see("some", 5*day).see("8", 10); len(c.orders) != 1 || c.supply().State != toner.Shipped {
		t.Errorf("asleep for long: %d orders, %s", len(c.orders), c.supply().State)
	}
}

// Where a device counts the pages that are left, many more are a new cartridge; those that
// shaking gains are not.
func TestPagesLeft(t *testing.T) {
	c := newCourse(t)
	c.policy.Rules[0].PagesLeft = 1000
	var left int64
	c.change = func(r *collector.Reading) {
		n := left
		r.Supplies = []collector.Supply{{
			Key: "1.1", Type: "toner", Colorant: "black", Unit: "impressions",
			Level: collector.Level{Kind: collector.Absolute, Value: &n},
		}}
	}
	for _, left = range []int64{5000, 2000, 900, 300, 2500, 200, 20000, 10000, 800, 300} {
		c.see("", 5*day)
	}
	if len(c.orders) != 2 || len(c.events) != 1 || c.events[0].Proof != toner.ByPages {
		t.Errorf("%d orders, events %+v", len(c.orders), c.events)
	}
}

// A device that is asleep most of the time complains only when it prints.
func TestComplainsWhenAwake(t *testing.T) {
	c := newCourse(t).see("some", 10)
	for range 5 {
		c.see("some+almost", 1)
		for range 6 {
			c.pages -= 20
			c.see("some", 1)
		}
	}
	c.ordered("black")
	for range 20 { // but what it takes back while it prints was a slip
		c.see("some", 48).see("some+almost", 2)
	}
	c.ordered("black")
}

// A cartridge that is lent for a day until the parcel comes, or a sensor that tells one, does
// not close the order, also where no serial number tells them apart.
func TestOneIsLent(t *testing.T) {
	for _, lent := range []string{"70", "100"} {
		c := newCourse(t).down(60, 10, "")
		if c.see(lent, 30).see("9", 2*day).ordered("black"); c.supply().State != toner.Ordered {
			t.Errorf("it is %q", c.supply().State)
		}
		c.becomes("shipped").see("8", 4*day).see("100", 10).down(98, 4, "").ordered("black black")
		for _, e := range c.events {
			if e.Event == "supplyWasted" && *e.Left > 50 {
				t.Errorf("it is said that the one that was lent is wasted: %+v", e)
			}
		}
	}
	// Once the parcel may have come, it is what was in.
	newCourse(t).down(60, 10, "").becomes("shipped").see("9", 5*day).see("100", 30).see("9", 2*day).ordered("black black")
}

// A suggestion brings no toner: silence soon after is that of a cartridge that was shaken.
func TestSuggestedAndShaken(t *testing.T) {
	c := newCourse(t)
	c.policy.Mode, c.policy.Untold, c.policy.Delivery = toner.Suggest, true, 3
	c.see("some", 10).see("some+almost", 10)
	if c.see("some", 10*day); len(c.events) > 0 || c.supply().State != toner.Ordered {
		t.Errorf("%+v, and it is %q", c.events, c.supply().State)
	}
}

// A cancelled order is not repeated because the number is written in another way.
func TestCancelledAndNumberedInAnotherForm(t *testing.T) {
	newCourse(t).down(90, 24, "#CRUM-14101514763").becomes("cancelled").down(23, 5, "#14101514763").ordered("black")
}

// An agent that was off for half a year cannot tell how low a toner was in between: so many
// pages prove that the one that was sent is in, of a colour too.
func TestOffForHalfAYear(t *testing.T) {
	rows := []row{{"1.1", "cyan", "60", ""}, {"1.2", "black", "80", ""}}
	for pages, want := range map[int64]string{40000: "cyan cyan", 200: "cyan"} {
		c := newCourse(t).table(&rows)
		low := func(from int) {
			for level := from; level >= 4; level -= 2 {
				rows[0].level = fmt.Sprint(level)
				c.see("", 6)
				c.at = c.at.Add(9 * time.Hour)
			}
		}
		low(60)
		c.becomes("shipped")
		c.at, c.pages = c.at.AddDate(0, 6, 0), c.pages+pages
		rows[0].level = "8"
		c.see("", 4*day)
		low(8)
		c.ordered(want)
	}
}

// What was suggested is ordered, once, when the mode does not ask people any more, if the rule
// still says so.
func TestSuggestedThenOrdered(t *testing.T) {
	c := newCourse(t)
	c.policy.Mode, c.policy.Device = toner.Suggest, 1
	c.see("9", 10)
	c.policy.Mode = toner.Off
	if c.see("8", 10); len(c.orders) != 1 {
		t.Fatalf("switched off: %d orders", len(c.orders))
	}
	c.policy.Mode = ""
	c.see("8", 10)
	if len(c.orders) != 2 || c.orders[0].ID != c.orders[1].ID || !c.orders[1].DecidedAt.After(c.orders[0].DecidedAt) {
		t.Errorf("orders are %+v", c.orders)
	}
	if got := c.ledger.Orders(); len(got) != 1 || got[0].State != "ordered" || len(c.ledger.Placed) != 1 {
		t.Errorf("the ledger says %+v", got)
	}
	c = newCourse(t)
	c.policy.Mode = toner.Suggest
	c.see("14", 10)
	c.policy.Mode, c.policy.Rules[0].OrderBelow = "", 10
	if c.see("14", 10); len(c.orders) != 1 || c.ledger.Orders()[0].State != "suggested" {
		t.Errorf("the rule no longer says so, and it is %+v", c.ledger.Orders())
	}
	c.policy.Quiet = []string{"ABC12345"}
	if c.see("8", 10); len(c.orders) != 1 {
		t.Error("a quiet device orders")
	}
	c.policy.Quiet = nil
	if c.see("100", 10); c.ledger.Orders()[0].State != "replaced" {
		t.Errorf("with a new cartridge it is %+v", c.ledger.Orders())
	}
}

// A clock that was ahead while the database was damaged does not hold orders for years.
func TestDoubtOfAClockAhead(t *testing.T) {
	c := newCourse(t)
	c.ledger = toner.Rebuild("ABC12345", nil, monday.AddDate(10, 0, 0))
	if c.see("9", 3*day); len(c.orders) != 0 {
		t.Fatalf("%d orders while a parcel may be on its way", len(c.orders))
	}
	c.see("8", 2*day).ordered("black")
}

// An order that was given up waits no more, also if the cartridge before comes back.
func TestReopenedAndBack(t *testing.T) {
	c := newCourse(t).see("40#A", 3).see("28#A", 3).see("16#A", 3).see("12#A", 6).see("70#B", 4).see("12#B+empty", 10)
	var ok bool
	if c.ledger, ok = c.ledger.Reopen(c.orders[1].ID); !ok {
		t.Fatal("it cannot be reopened")
	}
	c.see("20#A", 10).see("9#A", 10).ordered("black black black")
}
