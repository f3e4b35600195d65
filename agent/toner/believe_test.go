package toner_test

import (
	"testing"
	"time"

	"meteragent/collector"
)

const day = 48 // readings of a course

// idle is a level that is told so often, while nothing is printed.
func (c *course) idle(word string, times int) *course {
	for range times {
		c.pages -= 20
		c.see(word, 1)
	}
	return c
}

// Some copiers that are asleep tell zero of all they have: nothing was printed, so nothing was
// used.
func TestZeroWhileAsleep(t *testing.T) {
	newCourse(t).see("60", 3*day).idle("0", 3*day).see("60", 10).ordered("")
	newCourse(t).down(60, 26, "").down(25, 25, "").idle("0", 3*day).ordered("")
	newCourse(t).see("60", 3*day).idle("0", 2*day).see("0", 10).ordered("black")
	newCourse(t).see("60", 3*day).idle("0", 15*day).ordered("black") // what is empty prints nothing
}

// A cartridge that is taken out for a day is not empty.
func TestTakenOut(t *testing.T) {
	for _, test := range []struct {
		name  string
		code  string
		error []string
		days  int
		want  string
	}{
		{"an alert says so", "markerTonerCartridgeMissing", nil, 2, ""},
		{"or the state of a device with one", "", []string{"markerSupplyMissing", "noToner"}, 2, ""},
		{"which may be what it says of an empty one", "", []string{"markerSupplyMissing", "noToner"}, 4, "black"},
		{"empty is empty", "markerTonerEmpty", nil, 1, "black"},
	} {
		c := newCourse(t)
		c.change = func(r *collector.Reading) { r.Supplies = r.Supplies[2:] }
		c.see("60", day)
		c.change = func(r *collector.Reading) {
			r.Supplies, r.Status.Errors = r.Supplies[2:], test.error
			if test.code != "" {
				r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: 1, Code: test.code}}
			}
		}
		c.see("0", test.days*day)
		if c.change = nil; test.want == "" {
			c.see("60", 10)
		}
		t.Log(test.name)
		c.ordered(test.want)
	}
}

// A counter that leaps, since another one is told or a technician has set it, changes neither
// orders nor forecasts, whenever it does.
func TestAnotherCounter(t *testing.T) {
	const own, standard = "1.3.6.1.4.1.1347.42", "1.3.6.1.2.1.43.10"
	for name, test := range map[string]struct {
		at   int // percent
		by   int64
		off  time.Duration
		oids [2]string
	}{
		"over a weekend":            {14, 8546, 60 * time.Hour, [2]string{}},
		"soon after the first days": {86, 800_000, time.Hour, [2]string{}},
		"another source":            {88, 3000, time.Hour, [2]string{own, standard}},
		"and over a month":          {30, 9000, 30 * 24 * time.Hour, [2]string{own, standard}},
		"and back":                  {30, -4000, time.Hour, [2]string{own, standard}},
	} {
		t.Run(name, func(t *testing.T) {
			want := newCourse(t).down(90, test.at, "")
			c := newCourse(t)
			c.pages = 100_000
			oid := test.oids[0]
			c.change = func(r *collector.Reading) { r.Meters[0].OID = oid }
			c.down(90, test.at, "")
			c.at, want.at = c.at.Add(test.off), want.at.Add(test.off)
			c.pages += test.by
			oid = test.oids[1]
			if test.at > 20 {
				want.down(test.at-1, 20, "")
				c.down(test.at-1, 20, "")
				a, b := want.ledger.Forecast(want.policy, "1.1"), c.ledger.Forecast(c.policy, "1.1")
				if a.Days == 0 || b.Days < 0.9*a.Days || b.Days > 1.1*a.Days {
					t.Errorf("it lasts %.1f days, without the leap %.1f", b.Days, a.Days)
				}
			}
			c.down(19, 3, "").see("3", 5*day).ordered("black")
			if len(c.events) > 0 {
				t.Errorf("events %+v", c.events)
			}
		})
	}
}

// Nobody was there to see how far a cartridge was used up: it is not said to be wasted.
func TestNotSeenToBeWasted(t *testing.T) {
	for name, want := range map[string]bool{"while nobody looked": false, "before their eyes": true} {
		c := newCourse(t).down(90, 50, "")
		if !want {
			c.at, c.pages = c.at.AddDate(0, 0, 50), c.pages+8000
		}
		c.see("100", 4*day)
		var got bool
		for _, e := range c.events {
			got = got || e.Event == "supplyWasted"
		}
		if got != want || len(c.events) == 0 {
			t.Errorf("%s: %+v", name, c.events)
		}
	}
}
