package agent_test

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// A copier that has been gone for longer than days are kept leaves none behind, however
// often the agent was off, and nothing else of it goes: what waits, its order, its last reading.
func TestGone(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		site := func() *site {
			s := newSite(t, path, func(c *config.Config) {
				c.Networks[0].Addresses, c.Poll.Supplies, c.Store.MaxAge = []string{"10.0.0.0/24"}, 4*time.Hour, 10*365*24*time.Hour
			})
			s.link.set(func(l *link) { l.err = errors.New("no route") })
			s.fleet.copiers["10.0.0.2:161"] = &copier{serial: "STAYS001", total: 5, toner: 80}
			for _, address := range []string{"10.0.0.1", "10.0.0.2"} {
				s.fleet.finds = append(s.fleet.finds, collector.Find{Address: address, Port: 161, Printer: true})
			}
			return s
		}
		s := site()
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(3 * 24 * time.Hour)
		before := s.kept(t)
		if before.days < 3 || before.recent < 16 || before.waiting["reading"] < 16 || before.waiting["order"] != 1 {
			t.Fatalf("kept %+v: too little", before)
		}
		stop()

		time.Sleep(20 * 24 * time.Hour) // in which the agent does not run
		s = site()
		s.fleet.set(host, func(c *copier) { c.off = true })
		stop = s.start(t)
		time.Sleep(4 * 24 * time.Hour)
		if now := s.kept(t); now.days != before.days {
			t.Errorf("after %d days %d days are kept, of %d", 27, now.days, before.days)
		}
		stop()

		time.Sleep(400 * 24 * time.Hour)
		s = site()
		s.fleet.set(host, func(c *copier) { c.off = true })
		stop = s.start(t)
		time.Sleep(2 * 24 * time.Hour)
		if now := s.kept(t); now.days != before.days {
			t.Error("the days of a copier that is silent, and not yet lost, are gone")
		}
		time.Sleep(7 * 24 * time.Hour)
		after := s.kept(t)
		if after.days != 0 || after.raw != 0 {
			t.Errorf("%d days and %d raw ones are still kept", after.days, after.raw)
		}
		delete(before.waiting, "device") // that it is lost is one more
		delete(after.waiting, "device")
		if !maps.Equal(after.waiting, before.waiting) || after.orders != 1 || !after.last {
			t.Errorf("kept %+v, want as it was: %+v", after, before)
		}
		if entries, err := s.Memory().Readings("STAYS001"); err != nil || len(entries) < 9 {
			t.Errorf("of the other one %d days are kept, %v", len(entries), err)
		}
		stop()
	})
}

// kept is what a database has of the first copier.
type kept struct {
	days, recent, raw int // raw: days of which all readings are kept
	orders            int
	last              bool
	waiting           map[string]int // records by kind
}

func (s *site) kept(t *testing.T) kept {
	t.Helper()
	const device = "ABC12345"
	k := kept{waiting: map[string]int{}}
	m := s.Memory()
	days, err := m.Readings(device)
	recent, recentErr := m.Recent(device)
	orders, ordersErr := m.Orders()
	if err := errors.Join(err, recentErr, ordersErr); err != nil {
		t.Fatal(err)
	}
	k.days, k.recent, k.orders = len(days), len(recent), len(orders)
	for _, d := range s.status(t).Devices {
		k.last = k.last || d.ID == device && d.Reading != nil
	}
	err = s.store.View(func(tx *store.Tx) error {
		return tx.Each("recent", device+"|", func(string, []byte) error { k.raw++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range []string{store.Urgent, store.Bulk} {
		batch, err := s.store.Pending(agent.Portal, lane, 1<<20, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if r.Subject == device {
				k.waiting[r.Kind]++
			}
		}
	}
	return k
}
