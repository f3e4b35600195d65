package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/transport"
)

// Readings wait for the agent's own moment, from the first contact on; orders do not.
func TestSpread(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.parts.Outputs = []agent.Output{{Name: agent.Portal, Link: s.link, Orders: true, Spread: time.Hour}}
		stop := start(t, agent.New(s.parts), s.store)
		defer stop()
		moment := transport.Slot(s.parts.ID, time.Hour, time.Now())
		time.Sleep(moment - time.Second)
		if n := s.link.tries(); n != 0 {
			t.Errorf("%d sends before the moment, which is in %s", n, moment)
		}
		time.Sleep(2 * time.Second)
		if n := s.link.tries(); n == 0 {
			t.Error("no send at the moment")
		}
		time.Sleep(90*time.Minute - moment)
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		for range 8 * 60 { // readings every hour, of which two must say so
			before := s.link.kinds()["order"]
			time.Sleep(time.Minute)
			if s.link.kinds()["order"] > before {
				return
			}
		}
		t.Error("no order arrived")
	})
}
