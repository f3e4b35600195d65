package agent_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/store"
)

// A suggestion leaves the building only when a person confirms it, once.
func TestASuggestionWaits(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) { c.Toner.Mode = "suggest" })
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(4 * time.Hour)
		open := s.status(t).Orders
		if len(open) != 1 || open[0].State != "suggested" || s.link.kinds()["order"] != 0 {
			t.Fatalf("orders are %+v, delivered %v", open, s.link.kinds())
		}
		stop()
		m := reopen(t, path)
		for i, want := range []error{nil, agent.ErrState} {
			if e, err := m.Confirm(open[0].ID[:8], time.Now()); !errors.Is(err, want) || e.State != "ordered" {
				t.Errorf("confirmation %d: %+v, %v", i+1, e.State, err)
			}
		}
		if w, err := m.Store.Waiting(agent.Portal); err != nil || w.Urgent != 1 {
			t.Errorf("waiting %+v, %v", w, err)
		}
		if err := m.Store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A parcel that was lost is ordered again, under another id.
func TestALostParcel(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(4 * time.Hour)
		stop()
		m := reopen(t, path)
		all, err := m.Orders()
		if err != nil || len(all) != 1 {
			t.Fatalf("orders are %+v, %v", all, err)
		}
		for id, want := range map[string]error{"": agent.ErrNoOrder, "zzz": agent.ErrNoOrder} {
			if _, err := m.Reopen(id, time.Now()); !errors.Is(err, want) {
				t.Errorf("reopening %q: %v", id, err)
			}
		}
		if _, err := m.Reopen(all[0].ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := m.Store.Close(); err != nil {
			t.Fatal(err)
		}
		s = newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop = s.start(t)
		time.Sleep(4 * time.Hour)
		stop()
		ids := map[string]bool{}
		for _, o := range bodies[toner.Order](t, s.link, "order") {
			ids[o.ID] = true
		}
		if len(ids) != 1 || ids[all[0].ID] {
			t.Errorf("ordered again: %v, before: %s", ids, all[0].ID)
		}
	})
}

// reopen is the memory of an agent that does not run.
func reopen(t *testing.T, path string) agent.Memory {
	t.Helper()
	s, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}})
	if err != nil {
		t.Fatal(err)
	}
	return agent.Memory{Config: config.Default(), Store: s}
}

// What was suggested is ordered once when the mode is "order", and goes out under its name.
func TestASuggestionBecomesAnOrder(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		var suggested []page.Order
		for _, mode := range []string{"suggest", "order"} {
			s := newSite(t, path, func(c *config.Config) { c.Toner.Mode = mode })
			s.fleet.set(host, func(c *copier) { c.toner = 9 })
			stop := s.start(t)
			time.Sleep(6 * time.Hour)
			open := s.status(t).Orders
			if stop(); suggested == nil {
				suggested = open
				continue
			}
			sent := bodies[toner.Order](t, s.link, "order")
			if len(open) != 1 || open[0].State != "ordered" || len(sent) != 1 || sent[0].ID != suggested[0].ID {
				t.Errorf("suggested %+v, then %+v, sent %+v", suggested, open, sent)
			}
		}
	})
}
