package agent_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
)

// The database is damaged while the portal is away. Everything arrives all the same,
// nothing is ordered twice, and the portal is told, once.
func TestDamagedDatabase(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(24*time.Hour + time.Minute)
		stop()
		zeroPage(t, path, 1)

		sent := &link{seen: map[string]bool{}}
		for range 2 {
			s = newSite(t, path)
			s.fleet.set(host, func(c *copier) { c.toner = 9 })
			s.link.seen, s.link.got = sent.seen, sent.got
			sent = s.link
			stop = s.start(t)
			time.Sleep(time.Hour + time.Minute)
			status := s.status(t)
			if len(status.Problems) != 1 || !strings.Contains(status.Problems[0], "damaged-") {
				t.Errorf("problems %q, want where the damaged file lies", status.Problems)
			}
			stop()
		}
		got := sent.kinds()
		if got["order"] != 1 || got["reading"] < 25 {
			t.Errorf("arrived %v, want the one order and all readings", got)
		}
		told := 0
		for _, e := range bodies[agent.AgentEvent](t, sent, "agent") {
			if e.Event == "salvaged" && e.Saved.Records > 24 && e.Saved.Complete {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times that the database was damaged, want once", told)
		}
	})
}

func zeroPage(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(make([]byte, 4096), page*4096)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Any page of the database is lost after an order has left. It is not placed again while its
// parcel is on its way, and the copier is read on.
func TestOrderAndAnyPageLost(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(12 * time.Hour)
		stop()
		if got := s.link.kinds(); got["order"] != 1 {
			t.Fatalf("arrived %v, want an order", got)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		salvaged := 0
		for page := range int64(len(whole) / 4096) {
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			zeroPage(t, path, page)
			s = newSite(t, path)
			saved, err := s.store.Saved()
			if err != nil {
				t.Fatal(err)
			}
			if saved == nil { // a free page
				if err := s.store.Close(); err != nil {
					t.Error(err)
				}
				continue
			}
			salvaged++
			s.fleet.set(host, func(c *copier) { c.toner = 8 })
			stop = s.start(t)
			time.Sleep(6 * time.Hour)
			stop()
			if got := s.link.kinds(); got["order"] != 0 || got["reading"] < 5 {
				t.Errorf("without page %d arrived %v, want no second order, and readings", page, got)
			}
		}
		t.Logf("%d of %d pages were missed", salvaged, len(whole)/4096)
		if salvaged < 5 {
			t.Errorf("only %d pages were missed", salvaged)
		}
	})
}
