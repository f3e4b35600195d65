package agent_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/alert"
	"meteragent/agent/config"
	"meteragent/agent/toner"
	"meteragent/collector"
)

func jammed() []collector.Alert {
	return []collector.Alert{{
		Severity: "critical", Group: "mediaPath", GroupIndex: 1, Location: 12, Code: "jam",
		Description: "Paper jam in the fixing unit", Training: "untrained",
	}}
}

// A jam reaches the portal ahead of readings, stands in the status while it lasts, and
// its end has the same id.
func TestComplaints(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.alerts = jammed() })
		stop := s.start(t)
		time.Sleep(3 * time.Hour)
		if got := s.status(t).Alerts; len(got) != 1 || got[0].Class != alert.Jam || got[0].Device != "ABC12345" {
			t.Errorf("the status has %+v", got)
		}
		s.fleet.set(host, func(c *copier) { c.alerts = nil })
		time.Sleep(4 * time.Hour)
		if got := s.status(t).Alerts; len(got) != 0 {
			t.Errorf("the status has %+v", got)
		}
		stop()
		all := bodies[alert.Event](t, s.link, "alert")
		if len(all) != 2 || all[0].Event != "alertRaised" || all[1].Event != "alertCleared" || all[0].ID != all[1].ID {
			t.Fatalf("the portal has %+v", all)
		}
		for _, m := range s.link.got {
			if m.Kind == "alert" && m.Lane != "urgent" {
				t.Errorf("%s is in lane %s", m.ID(), m.Lane)
			}
			if m.Kind == "alert" {
				golden(t, filepath.Join("testdata", "wire", "v1", "alert.json"), m.Body)
				break
			}
		}
	})
}

// What was not read is not known to be gone.
func TestComplaintsNotRead(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.alerts = jammed() })
		stop := s.start(t)
		time.Sleep(3 * time.Hour)
		s.fleet.set(host, func(c *copier) { c.alerts, c.halts = nil, true })
		time.Sleep(4 * time.Hour)
		if got := s.status(t).Alerts; len(got) != 1 {
			t.Errorf("the status has %+v", got)
		}
		s.fleet.set(host, func(c *copier) { c.halts = false })
		time.Sleep(4 * time.Hour)
		stop()
		if all := bodies[alert.Event](t, s.link, "alert"); len(all) != 2 || all[1].Event != "alertCleared" {
			t.Errorf("the portal has %+v", all)
		}
	})
}

// A request for a technician arrives at once, once, and not without end.
func TestRequest(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		stop := s.start(t)
		time.Sleep(time.Minute)
		first, err := s.Request(" abc12345", "grey\x00 stripes\n")
		if err != nil || first.Device != "ABC12345" || first.Text != "grey  stripes" {
			t.Errorf("request %+v, %v", first, err)
		}
		if again, err := s.Request("ABC12345", "grey  stripes"); err != nil || again.ID != first.ID {
			t.Errorf("again: %+v, %v; want the same", again, err)
		}
		for _, text := range []string{"b", "c", "d", "e"} {
			if _, err := s.Request("ABC12345", text); err != nil {
				t.Error(err)
			}
		}
		for _, test := range []struct {
			device, text string
			want         error
		}{
			{"ABC12345", "f", agent.ErrTooMany},
			{"ABC12345", " \n", agent.ErrNoWords},
			{"ABC12345", strings.Repeat("x", 501), agent.ErrTooLong},
			{"ABC99999", "x", agent.ErrNoDevice},
		} {
			if _, err := s.Request(test.device, test.text); !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.device, err, test.want)
			}
		}
		time.Sleep(25 * time.Hour)
		if _, err := s.Request("ABC12345", "f"); err != nil {
			t.Errorf("a day later: %v", err)
		}
		time.Sleep(time.Minute)
		stop()
		all := bodies[agent.Request](t, s.link, "alert")
		if len(all) != 6 || all[0] != first {
			t.Errorf("the portal has %d requests: %+v", len(all), all)
		}
	})
}

// What is due and held back stands in the status, with the reason.
func TestHeld(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) { c.Toner.Quiet = []string{"ABC*"} })
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(4 * time.Hour)
		if got := s.status(t).Held; len(got) != 1 || got[0].Why != string(toner.HeldQuiet) || got[0].Name != "Black toner" {
			t.Errorf("held: %+v", got)
		}
		stop()
	})
}

// A site may order so many a day and no more; the others follow the next day.
func TestOrdersOfADay(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Toner.PerSite = 1
			c.Networks[0].Addresses = []string{"10.0.0.1", "10.0.0.2"}
		})
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		s.fleet.copiers["10.0.0.2:161"] = &copier{serial: "ABC12346", total: 5, toner: 9}
		stop := s.start(t)
		time.Sleep(20 * time.Hour)
		if n := s.link.kinds()["order"]; n != 1 {
			t.Errorf("%d orders on the first day, want 1", n)
		}
		if got := s.status(t).Held; len(got) != 1 || got[0].Why != string(toner.HeldSite) {
			t.Errorf("held: %+v", got)
		}
		time.Sleep(10 * time.Hour)
		stop()
		if n := s.link.kinds()["order"]; n != 2 {
			t.Errorf("%d orders in two days, want 2", n)
		}
	})
}

// A cartridge with its number in another device was moved; a number that two devices
// tell at once is no cartridge's.
func TestMovedCartridge(t *testing.T) {
	for name, leaves := range map[string]bool{"moved": true, "shared": false} {
		path := database(t)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, path, func(c *config.Config) { c.Networks[0].Addresses = []string{"10.0.0.1", "10.0.0.2"} })
			s.fleet.set(host, func(c *copier) { c.cartridge = "CRUM-000123" })
			s.fleet.copiers["10.0.0.2:161"] = &copier{serial: "ABC12346", total: 5, toner: 60, cartridge: "CRUM-000456"}
			stop := s.start(t)
			time.Sleep(6 * time.Hour)
			if leaves {
				s.fleet.set(host, func(c *copier) { c.cartridge = "CRUM-000789" })
			}
			s.fleet.set("10.0.0.2:161", func(c *copier) { c.cartridge = "CRUM-000123" })
			time.Sleep(12 * time.Hour)
			stop()
			moved := 0
			for _, e := range bodies[toner.Event](t, s.link, "alert") {
				if e.Event == "supplyMoved" {
					moved++
					if e.Device != "ABC12346" || e.From != "ABC12345" || e.Serial != "CRUM-000123" {
						t.Errorf("%s: %+v", name, e)
					}
				}
			}
			if want := map[bool]int{true: 1}[leaves]; moved != want {
				t.Errorf("%s: %d events, want %d", name, moved, want)
			}
		})
	}
}
