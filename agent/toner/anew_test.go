package toner_test

import (
	"testing"
	"time"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// A row is what a supply says: under which key, and in which colour.
type row struct{ key, colour, level, serial string }

// table makes the supplies of each reading those of a table, which may change.
func (c *course) table(rows *[]row) *course {
	return c.rows(func() (supplies []collector.Supply) {
		for _, r := range *rows {
			s := supply(r.key, r.colour, r.level)
			s.SerialNumber = r.serial
			supplies = append(supplies, s)
		}
		return supplies
	})
}

// Of two toners of one colour each is ordered once, also when an update numbers the rows anew.
func TestTwinsNumberedAnew(t *testing.T) {
	for name, test := range map[string]struct {
		before, after []row
		then          string // in which key the one that is ordered is
	}{
		"by their levels": {
			[]row{{"1.1", "black", "12", ""}, {"1.2", "black", "60", ""}, {"1.3", "cyan", "70", ""}},
			[]row{{"1.1", "cyan", "70", ""}, {"1.2", "black", "11", ""}, {"1.3", "black", "59", ""}}, "1.2",
		},
		"in another order": {
			[]row{{"1.1", "black", "12", ""}, {"1.2", "black", "60", ""}},
			[]row{{"1.3", "black", "60", ""}, {"1.4", "black", "12", ""}}, "1.4",
		},
		"by their serial numbers": {
			[]row{{"1.1", "black", "12", "K00001"}, {"1.2", "black", "60", "K00002"}},
			[]row{{"1.1", "black", "60", "K00002"}, {"1.2", "black", "12", "K00001"}}, "1.2",
		},
		"one is not told": {
			[]row{{"1.1", "black", "12", ""}, {"1.2", "black", "60", ""}},
			[]row{{"1.3", "black", "12", ""}}, "1.3",
		},
		"what the device has no colour for": {
			[]row{{"1.1", "", "12", ""}, {"1.2", "cyan", "60", ""}},
			[]row{{"1.1", "cyan", "60", ""}, {"1.2", "", "12", ""}}, "1.2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rows := test.before
			c := newCourse(t).table(&rows).see("", 10)
			rows = test.after
			c.see("", 80)
			if len(c.orders) != 1 || len(c.events) > 0 || c.ledger.Supplies[test.then].State != toner.Ordered {
				t.Errorf("%d orders, events %+v, ledger %+v", len(c.orders), c.events, c.ledger.Orders())
			}
		})
	}
}

// A number that a device tells of several cartridges tells none of them apart.
func TestTwinsOfOneNumber(t *testing.T) {
	rows := []row{{"1.1", "black", "12", "K00001"}}
	c := newCourse(t).table(&rows)
	told := c.change
	c.change = func(r *collector.Reading) {
		told(r)
		for i := range r.Supplies {
			r.Supplies[i].PartNumber = []string{"PN1", "PN2"}[i]
		}
	}
	c.see("", 10)
	rows = append(rows, row{"1.2", "black", "60", "K00001"})
	if c.see("", 80).ordered("black"); len(c.events) > 0 || c.ledger.Supplies["1.1"].State != toner.Ordered {
		t.Errorf("events %+v, orders %+v", c.events, c.ledger.Orders())
	}
}

// Twins whose levels are not measured go with what the device complains of.
func TestTwinsThatComplain(t *testing.T) {
	complains := int64(2)
	rows := []row{{"1.1", "black", "some", ""}, {"1.2", "black", "some", ""}, {"1.3", "cyan", "some", ""}}
	c := newCourse(t).table(&rows)
	told := c.change
	c.change = func(r *collector.Reading) {
		told(r)
		r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: complains, Code: "markerTonerAlmostEmpty"}}
	}
	c.see("", 10).ordered("black")
	rows = []row{{"1.1", "cyan", "some", ""}, {"1.2", "black", "some", ""}, {"1.3", "black", "some", ""}}
	complains = 3
	c.see("", 80).ordered("black")
}

// An order whose row another colour has taken waits until its own colour is told again.
func TestRowTakenWhileOneIsMissing(t *testing.T) {
	rows := []row{{"1.1", "black", "12", ""}, {"1.2", "cyan", "60", ""}}
	c := newCourse(t).table(&rows).see("", 10)
	rows = []row{{"1.1", "cyan", "60", ""}}
	c.see("", 10)
	c.ledger = c.ledger.Apply(toner.OrderState{ID: c.orders[0].ID, State: "shipped"})
	rows = []row{{"1.1", "cyan", "60", ""}, {"1.2", "black", "12", ""}}
	if c.see("", 80).ordered("black"); c.ledger.Supplies["1.2"].State != toner.Shipped {
		t.Errorf("the order is %+v", c.ledger.Orders())
	}
}

// No two orders have one id, of which the portal would drop the second: a key may have been
// another colour's before.
func TestIDsAfterNumberingAnew(t *testing.T) {
	for name, lost := range map[string]bool{"with the ledger": false, "without": true} {
		rows := []row{{"1.1", "cyan", "12", ""}, {"1.4", "black", "60", ""}}
		c := newCourse(t).table(&rows).see("", 10)
		rows = []row{{"1.1", "black", "60", ""}, {"1.2", "cyan", "11", ""}}
		c.see("", 10)
		for _, level := range []string{"48", "36", "24", "12"} {
			rows[0].level = level
			c.see("", 6)
		}
		if lost {
			c.ledger = toner.Rebuild(c.ledger.Device, known(c.ledger, c.orders), time.Time{})
			c.see("", 80)
		}
		if c.ordered("cyan black"); len(c.orders) == 2 && c.orders[0].ID == c.orders[1].ID {
			t.Errorf("%s: both have the id %s", name, c.orders[0].ID)
		}
		if states := c.ledger.Orders(); len(states) != 2 || states[0].State != "ordered" || states[1].State != "ordered" {
			t.Errorf("%s: %+v", name, states)
		}
	}
}

// Separate cartridges may be sold under one number, and are told by their names.
func TestOneNumberForThree(t *testing.T) {
	levels := map[string]string{"cyan": "60", "magenta": "9", "yellow": "8"}
	for kind, names := range map[string]string{"ink": " ink HP 951XL", "toner": " toner HP 415A"} {
		newCourse(t).rows(func() (rows []collector.Supply) {
			for i, colour := range []string{"cyan", "magenta", "yellow"} {
				s := supply([]string{"1.1", "1.2", "1.3"}[i], colour, levels[colour])
				s.Type, s.Description, s.PartNumber = kind, colour+names, "951XL"
				rows = append(rows, s)
			}
			return rows
		}).see("", 10).ordered("magenta yellow")
	}
}
