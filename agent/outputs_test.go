package agent_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/page"
	"meteragent/store"
	"meteragent/transport"
)

// siteFor is a site with a copier that is low on toner, and a database for these receivers.
func siteFor(t *testing.T, path string, receivers []string) (*site, *store.Store) {
	t.Helper()
	s := newSite(t, path)
	s.store.Close()
	db, err := store.Open(path, store.Options{Destinations: receivers})
	if err != nil {
		t.Fatal(err)
	}
	s.fleet.set(host, func(c *copier) { c.toner = 9 })
	s.parts.Store = db
	return s, db
}

// Two receivers get everything, each at its own pace and across a restart, but for the
// orders, which go to one; nobody else has a say in them. One that was taken out of the
// configuration keeps what it waits for until it is forgotten.
func TestTwoReceivers(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		first, second := &link{seen: map[string]bool{}}, &link{seen: map[string]bool{}, err: transport.ErrTimeout}
		run := func(names []string, d time.Duration) page.Status {
			s, db := siteFor(t, path, names)
			s.parts.Outputs = []agent.Output{{Name: names[0], Link: first, Orders: true}}
			if len(names) > 1 {
				s.parts.Outputs = append(s.parts.Outputs, agent.Output{Name: names[1], Link: second})
			}
			a := agent.New(s.parts)
			stop := start(t, a, db)
			time.Sleep(d)
			if _, err := a.Memory().Request("ABC12345", "grey stripes", time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			status, err := a.Memory().Status("")
			if err != nil {
				t.Fatal(err)
			}
			stop()
			return status
		}
		run([]string{"portal", "second"}, 5*time.Hour)
		if second.kinds()["reading"] != 0 || first.kinds()["order"] != 1 {
			t.Fatalf("first got %v, second %v", first.kinds(), second.kinds())
		}
		order := bodies[struct{ ID string }](t, first, "order")[0].ID
		second.set(func(l *link) { l.err, l.orders = nil, []transport.OrderState{{ID: order, State: "cancelled"}} })
		first.set(func(l *link) { l.orders = []transport.OrderState{{ID: order, State: "shipped"}} })
		status := run([]string{"portal", "second"}, 3*time.Hour)
		if len(status.Orders) != 1 || status.Orders[0].State != "shipped" {
			t.Errorf("orders are %+v: the second receiver had a say", status.Orders)
		}
		got, want := second.kinds(), first.kinds()
		delete(want, "order")
		delete(want, "alert")
		delete(got, "alert")
		for name, l := range map[string]*link{"first": first, "second": second} {
			asked := slices.ContainsFunc(bodies[agent.Request](t, l, "alert"), func(r agent.Request) bool { return r.Event == "technicianRequested" })
			if asked != (l == first) {
				t.Errorf("%s was asked for a technician: %t", name, asked)
			}
		}
		if len(got) != len(want) || got["reading"] != want["reading"] || want["reading"] < 8 {
			t.Errorf("second got %v, first %v", got, want)
		}
		if holes := first.holes(); len(holes) > 0 {
			t.Errorf("first has holes %v", holes)
		}

		second.set(func(l *link) { l.err = transport.ErrTimeout })
		run([]string{"portal", "second"}, 3*time.Hour)
		status = run([]string{"portal"}, 3*time.Hour)
		i := slices.IndexFunc(status.Portals, func(p page.Portal) bool { return p.Name == "second" })
		if i < 0 || !status.Portals[i].Left || status.Portals[i].Bulk < 6 || len(status.Problems) != 1 {
			t.Errorf("portals are %+v, problems %q", status.Portals, status.Problems)
		}
		second.set(func(l *link) { l.err = nil })
		run([]string{"portal", "second"}, 3*time.Hour)
		if got, want := second.kinds()["reading"], first.kinds()["reading"]; got != want {
			t.Errorf("put back, the second receiver has %d readings, the first %d", got, want)
		}
	})
}

// When another receiver is to have the orders, it gets those that the one before it has not got, also
// if they have passed it by, and none that the one before has.
func TestOrdersForAnother(t *testing.T) {
	for _, c := range []struct {
		name string
		away string   // who cannot be reached at first
		then []string // the receivers afterwards; "second" has the orders
		want int      // orders and requests that it gets
	}{
		{"the one before is away", "first", []string{"second", "first"}, 1},
		{"and is taken out", "first", []string{"second"}, 1},
		{"the new one is away", "second", []string{"second", "first"}, 0},
		{"nobody is away", "", []string{"second", "first"}, 0},
	} {
		path := database(t)
		synctest.Test(t, func(t *testing.T) {
			links := map[string]*link{"first": {seen: map[string]bool{}}, "second": {seen: map[string]bool{}}, "third": {seen: map[string]bool{}}}
			run := func(names []string, acts string, request string) {
				s, db := siteFor(t, path, names)
				s.parts.Outputs = nil
				for _, name := range names {
					s.parts.Outputs = append(s.parts.Outputs, agent.Output{Name: name, Link: links[name], Orders: name == acts})
				}
				a := agent.New(s.parts)
				stop := start(t, a, db)
				time.Sleep(5 * time.Hour)
				if request != "" {
					if _, err := a.Memory().Request("ABC12345", request, time.Now()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				stop()
			}
			count := func(l *link) (orders, requests int) {
				for _, r := range bodies[agent.Request](t, l, "alert") {
					if r.Event == "technicianRequested" {
						requests++
					}
				}
				return l.kinds()["order"], requests
			}
			if c.away != "" {
				links[c.away].set(func(l *link) { l.err = transport.ErrTimeout })
			}
			run([]string{"first", "second"}, "first", "grey stripes")
			if c.away != "" {
				links[c.away].set(func(l *link) { l.err = nil })
			}
			for range 2 { // again: nothing is handed over twice
				run(c.then, "second", "")
			}
			if orders, requests := count(links["second"]); orders != c.want || requests != c.want {
				t.Errorf("%s: %d orders and %d requests, want %d of each", c.name, orders, requests, c.want)
			}
			if before, _ := count(links["first"]); before != 1-c.want {
				t.Errorf("%s: the one before has %d orders", c.name, before)
			}
			run([]string{"first", "second"}, "first", "")
			if before, _ := count(links["first"]); before != 1-c.want {
				t.Errorf("%s: put back, the one before has %d orders", c.name, before)
			}
			run([]string{"first", "second", "third"}, "third", "")
			if orders, requests := count(links["third"]); orders+requests > 0 {
				t.Errorf("%s: a third one got %d orders and %d requests that others had", c.name, orders, requests)
			}
		})
	}
}
