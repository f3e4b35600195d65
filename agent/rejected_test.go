package agent_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/transport"
)

// What was refused is listed with its reason, can be sent again, and given up.
func TestRejected(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.link.set(func(l *link) {
			l.reject = func(m transport.Message) bool { return m.Kind == "reading" && m.Seq < 5 }
		})
		stop := s.start(t)
		time.Sleep(10 * time.Hour)
		m := s.Memory()
		all, err := m.Rejected()
		if err != nil || len(all) < 2 || all[0].Reason != "no" || all[0].Kind != "reading" || all[0].Device != "ABC12345" {
			t.Fatalf("rejected are %+v, %v", all, err)
		}
		s.link.set(func(l *link) { l.reject = nil })
		if n, err := m.Retry(all[0].ID); n != 1 || err != nil {
			t.Errorf("retry: %d, %v", n, err)
		}
		tail := all[1].ID[len(m.Store.Stream())+1:] // as "bulk-3"
		if n, err := m.Drop(tail); n != 1 || err != nil {
			t.Errorf("drop %s: %d, %v", tail, n, err)
		}
		for _, id := range []string{all[1].ID, "", "bulk", "nonsense"} {
			if _, err := m.Retry(id); !errors.Is(err, agent.ErrNotRejected) {
				t.Errorf("retry %q: %v", id, err)
			}
		}
		time.Sleep(2 * time.Hour)
		left, err := m.Rejected()
		if err != nil || len(left) != len(all)-2 {
			t.Errorf("%d are left of %d, %v", len(left), len(all), err)
		}
		arrived := false
		for _, got := range s.link.got {
			arrived = arrived || got.ID() == all[0].ID
		}
		if !arrived {
			t.Errorf("%s was not sent again", all[0].ID)
		}
		stop()
	})
}
