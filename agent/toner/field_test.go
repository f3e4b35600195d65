package toner_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// rows makes the supplies of each reading those that now says.
func (c *course) rows(now func() []collector.Supply) *course {
	c.change = func(r *collector.Reading) { r.Supplies = now() }
	return c
}

// ordered fails unless the colours of the orders are these.
func (c *course) ordered(want string) {
	c.t.Helper()
	var got []string
	for _, o := range c.orders {
		got = append(got, o.Supply.Colorant)
	}
	if strings.Join(got, " ") != want {
		c.t.Errorf("ordered %q, want %q", strings.Join(got, " "), want)
	}
}

// down is a cartridge that empties from one level to another, two points in half a day.
func (c *course) down(from, to int, more string) *course {
	for level := from; level >= to; level -= 2 {
		c.see(fmt.Sprintf("%03d%s", level, more), 6)
		c.at = c.at.Add(9 * time.Hour)
	}
	return c
}

// Of a device that says "some" until it says zero, each cartridge is ordered, not only the first.
func TestSomeUntilZero(t *testing.T) {
	const life = "some@0 some@100 0+empty@200 0+empty@210! shipped some@220 some@300 +72h some@5000 +72h some@9000 +72h some@9500 +72h +72h +72h +72h some@20000 "
	tell(t, life+"0+empty@20010 0+empty@20020! 0+empty@20040", toner.Ordered)
	tell(t, "60@0 ?@100 ?+empty@200 ?+empty@210! shipped ?@220 ?@300 +72h ?@5000 +72h ?@9000 +72h +72h +72h ?@20000 ?+empty@20010 ?+empty@20020!", toner.Ordered)
	for name, errors := range map[string][]string{"said": {"noToner"}, "not said": nil} {
		c := newCourse(t).rows(func() []collector.Supply { return []collector.Supply{supply("1.1", "black", "some")} }).see("", 200)
		c.change = func(r *collector.Reading) {
			r.Supplies, r.Status.Errors = []collector.Supply{supply("1.1", "black", "0")}, errors
		}
		if c.see("", 200); len(c.orders) != 1 {
			t.Errorf("%s: %d orders", name, len(c.orders))
		}
	}
}

// Where nobody tells that a toner was shipped, it counts as shipped when it should have come.
func TestNobodyTells(t *testing.T) {
	for untold, want := range map[bool]int{false: 1, true: 2} {
		c := newCourse(t)
		c.policy.Untold, c.policy.Delivery = untold, 3
		c.see("some", 10).see("some+empty", 10)
		for range 20 {
			c.see("some", 4)
			c.at, c.pages = c.at.Add(24*time.Hour), c.pages+500
		}
		if c.see("some+empty", 10); len(c.orders) != want {
			t.Errorf("untold %v: %d orders, want %d", untold, len(c.orders), want)
		}
	}
}

// An alert that lingers says nothing of a cartridge that is measured to be full.
func TestLingeringAlert(t *testing.T) {
	c := newCourse(t)
	for _, level := range []string{"40", "28", "14", "9", "5", "2", "2+empty"} {
		c.see(level, 4)
	}
	c.see("100+empty", 20).ordered("black")
}

// When an update numbers the rows anew, what is known of a colour goes with it.
func TestRowsNumberedAnew(t *testing.T) {
	levels := map[string]string{"black": "20", "cyan": "60", "magenta": "70", "yellow": "80"}
	for name, after := range map[string][]string{
		"in another order":  {"1.4", "1.1", "1.2", "1.3"},
		"further down":      {"1.5", "1.6", "1.7", "1.8"},
		"as they were":      {"1.1", "1.2", "1.3", "1.4"},
		"with one left out": {"1.1", "1.2", "1.3", ""},
	} {
		keys := []string{"1.1", "1.2", "1.3", "1.4"}
		levels["black"] = "20"
		c := newCourse(t).rows(func() (rows []collector.Supply) {
			for i, colour := range []string{"black", "cyan", "magenta", "yellow"} {
				if keys[i] != "" {
					rows = append(rows, supply(keys[i], colour, levels[colour]))
				}
			}
			return rows
		}).see("", 4)
		levels["black"] = "14"
		c.see("", 10).ordered("black")
		keys = after
		c.see("", 60).ordered("black")
		if len(c.events) > 0 {
			t.Errorf("%s: %+v", name, c.events)
		}
		if states := c.ledger.Orders(); len(states) != 1 || states[0].State != string(toner.Ordered) {
			t.Errorf("%s: %+v", name, states)
		}
	}
}

// A counter that leaps, since another one is told, proves no new cartridge.
func TestCounterLeaps(t *testing.T) {
	c := newCourse(t).down(90, 14, "")
	c.pages += 8546
	c.down(13, 5, "").ordered("black")
}

// Nor does a counter that begins anew, with another board, keep one from being known.
func TestCounterBeginsAnew(t *testing.T) {
	tell(t, "some@50000 some+empty@50100 some+empty@50110! shipped some@50120 some@50130 +72h some@100 +72h some@5000 some@5500 +72h +72h some@20000 some@30000 some+empty@30010 some+empty@30020!", toner.Ordered)
}

// Zeros are no serial number that makes one cartridge of several.
func TestSerialNumberOfZeros(t *testing.T) {
	levels := map[string]string{"black": "80", "cyan": "70", "magenta": "9", "yellow": "8"}
	newCourse(t).rows(func() (rows []collector.Supply) {
		for i, colour := range []string{"black", "cyan", "magenta", "yellow"} {
			s := supply(fmt.Sprintf("1.%d", i+1), colour, levels[colour])
			s.PartNumber, s.SerialNumber = fmt.Sprintf("006R0151%d", i), "00000000"
			rows = append(rows, s)
		}
		return rows
	}).see("", 10).ordered("magenta yellow")
}

// The same number written in another way, as after an update, is the same cartridge.
func TestNumberInAnotherForm(t *testing.T) {
	newCourse(t).down(90, 24, "#CRUM-14101514763").down(23, 5, "#14101514763").ordered("black")
	part := "CE410A"
	c := newCourse(t)
	c.change = func(r *collector.Reading) { r.Supplies[2].PartNumber = part }
	c.down(90, 24, "")
	part = "305A"
	c.down(23, 5, "").ordered("black")
}

// Another cartridge that is tried for two hours does not close the order for the first one.
func TestAnotherIsTried(t *testing.T) {
	c := newCourse(t).see("40#A", 3).see("28#A", 3).see("16#A", 3).see("12#A", 6).see("70#B", 4).see("12#A", 80)
	c.ordered("black")
	if state := c.supply().State; state != toner.Ordered {
		t.Errorf("it is %q", state)
	}
	c.see("100#C", 10).see("9#C", 80).ordered("black black")
}

// The alert of each row of a tri-colour cartridge counts.
func TestRowOfAKit(t *testing.T) {
	c := newCourse(t)
	c.change = func(r *collector.Reading) {
		r.Supplies = []collector.Supply{supply("1.1", "black", "some")}
		for i, colour := range []string{"cyan", "magenta", "yellow"} {
			s := supply(fmt.Sprintf("1.%d", i+2), colour, "some")
			s.Type, s.PartNumber = "inkCartridge", "CL-511"
			r.Supplies = append(r.Supplies, s)
		}
		r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: 3, Code: "markerInkEmpty", Severity: "critical"}}
	}
	c.see("", 20).ordered("cyan")
}

// An order by hand has an id of its own, also after the ledger was lost.
func TestReopenedAfterALoss(t *testing.T) {
	c := newCourse(t).see("9", 6)
	first := c.orders[0]
	c.ledger, _ = c.ledger.Reopen(first.ID)
	c.see("8", 6)
	second := c.orders[1]
	c.ledger = c.ledger.Apply(toner.OrderState{ID: second.ID, State: "shipped"})
	c.ledger = toner.Rebuild(c.ledger.Device, []toner.Placed{{Order: first, State: "reopened"}, {Order: second, State: "shipped"}}, time.Time{})
	c.see("7", 6)
	var ok bool
	if c.ledger, ok = c.ledger.Reopen(second.ID); !ok {
		t.Fatal("it cannot be ordered again")
	}
	if c.see("6", 6); len(c.orders) != 3 || c.orders[2].ID == first.ID || c.orders[2].ID == second.ID {
		t.Errorf("%d orders; the third has the id of another", len(c.orders))
	}
}
