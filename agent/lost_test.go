package agent_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
)

// deviceEvents are what was told of devices.
func deviceEvents(t *testing.T, l *link) (events []string) {
	for _, e := range bodies[agent.DeviceEvent](t, l, "device") {
		text := e.Event + " " + e.Device.Serial
		if e.Rival != "" {
			text += "/" + e.Rival
		}
		events = append(events, text)
	}
	slices.Sort(events)
	return events
}

// states are the devices of a status, what is said of them and with whom they quarrel.
func (s *site) states(t *testing.T) string {
	t.Helper()
	var all []string
	for _, d := range s.status(t).Devices {
		state := d.ID + " " + d.State
		if d.Conflict != "" {
			state += ", also at " + d.Conflict
		}
		if d.Rival != "" {
			state += " beside " + d.Rival
		}
		all = append(all, state)
	}
	return strings.Join(all, "; ")
}

// A copier that does not answer any more is lost after a day in which the agent ran,
// once, and back when it answers; one that answers elsewhere has only moved.
func TestLostAndReturned(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = []string{"10.0.0.0/24"}
			c.Discovery.LostAfter, c.Poll.Supplies = 24*time.Hour, 4*time.Hour
		})
		find := func(address string) collector.Find {
			return collector.Find{Address: address, Port: 161, Printer: true}
		}
		s.fleet.copiers["10.0.0.2:161"] = &copier{serial: "MOVED001", total: 5, toner: 80}
		s.fleet.finds = []collector.Find{find("10.0.0.1"), find("10.0.0.2")}
		stop := s.start(t)
		time.Sleep(5 * time.Hour)
		s.fleet.set(host, func(c *copier) { c.off = true })
		s.fleet.mu.Lock()
		s.fleet.copiers["10.0.0.77:161"] = s.fleet.copiers["10.0.0.2:161"]
		s.fleet.copiers["10.0.0.2:161"] = nil
		s.fleet.finds = []collector.Find{find("10.0.0.77")}
		s.fleet.mu.Unlock()
		time.Sleep(20 * time.Hour)
		want := "found ABC12345, found MOVED001, moved MOVED001"
		if got := strings.Join(deviceEvents(t, s.link), ", "); got != want {
			t.Errorf("after 20 hours: %s, want %s", got, want)
		}
		stop()
		s = resume(t, s, path)
		s.fleet.set(host, func(c *copier) { c.off = true })
		time.Sleep(7 * 24 * time.Hour) // in which the agent does not run
		stop = s.start(t)
		time.Sleep(6 * time.Hour)
		if got := strings.Join(deviceEvents(t, s.link), ", "); got != want {
			t.Errorf("after the restart: %s, want %s", got, want)
		}
		time.Sleep(20 * time.Hour)
		want = "found ABC12345, found MOVED001, lost ABC12345, moved MOVED001"
		if got := strings.Join(deviceEvents(t, s.link), ", "); got != want {
			t.Errorf("after a day more: %s, want %s", got, want)
		}
		if got := s.states(t); got != "ABC12345 lost; MOVED001 online" {
			t.Errorf("after a day more: %s", got)
		}
		s.fleet.set(host, func(c *copier) { c.off = false })
		time.Sleep(5 * time.Hour)
		if got := s.states(t); got != "ABC12345 online; MOVED001 online" {
			t.Errorf("in the end: %s", got)
		}
		stop()
		want += ", returned ABC12345"
		if got := strings.Join(deviceEvents(t, s.link), ", "); got != want {
			t.Errorf("in the end: %s, want %s", got, want)
		}
		for _, e := range bodies[agent.DeviceEvent](t, s.link, "device") {
			if told := e.Event == "lost" || e.Event == "returned"; told == e.LastRead.IsZero() || told && e.At.Sub(e.LastRead) < 24*time.Hour {
				t.Errorf("%s: last read at %s", e.Event, e.LastRead)
			}
		}
	})
}

// resume is the same site after a restart of the agent.
func resume(t *testing.T, s *site, path string) *site {
	t.Helper()
	again := newSite(t, path, func(c *config.Config) { *c = s.parts.Config })
	again.fleet.copiers, again.fleet.finds, again.link.got, again.link.seen = s.fleet.copiers, s.fleet.finds, s.link.got, s.link.seen
	return again
}

// Two copiers with one address answer by turns. That is told once, not at each turn.
func TestOneAddressForTwo(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		stop := s.start(t)
		for turn := range 12 {
			s.fleet.set(host, func(c *copier) { c.serial = []string{"ABC12345", "XYZ99999"}[turn%2] })
			time.Sleep(2 * time.Hour)
		}
		if got := s.states(t); got != "ABC12345 online beside XYZ99999; XYZ99999 online beside ABC12345" {
			t.Errorf("by turns: %s", got)
		}
		s.fleet.set(host, func(c *copier) { c.serial = "ABC12345" }) // the other one goes
		time.Sleep(30 * time.Hour)
		s.fleet.set(host, func(c *copier) { c.serial = "XYZ99999" }) // and is put in the first one's place
		time.Sleep(30 * time.Hour)
		if got := s.states(t); got != "ABC12345 replaced; XYZ99999 online" {
			t.Errorf("in the end: %s", got)
		}
		stop()
		got := strings.Join(deviceEvents(t, s.link), ", ")
		if want := "conflict ABC12345/XYZ99999, found ABC12345, found XYZ99999, replaced XYZ99999, replaced XYZ99999"; got != want {
			t.Errorf("events are %s, want %s", got, want)
		}
	})
}
