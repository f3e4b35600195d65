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

// Two receivers get everything, each at its own pace and across a restart, but for the
// orders, which go to one; nobody else has a say in them. One that was taken out of the
// configuration keeps what it waits for until it is forgotten.
func TestTwoReceivers(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		first, second := &link{seen: map[string]bool{}}, &link{seen: map[string]bool{}, err: transport.ErrTimeout}
		run := func(names []string, d time.Duration) page.Status {
			s := newSite(t, path)
			s.store.Close()
			db, err := store.Open(path, store.Options{Destinations: names})
			if err != nil {
				t.Fatal(err)
			}
			s.fleet.set(host, func(c *copier) { c.toner = 9 })
			s.parts.Store, s.parts.Outputs = db, []agent.Output{{Name: names[0], Link: first, Orders: true}}
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
