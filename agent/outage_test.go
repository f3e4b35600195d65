package agent_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// Three days without internet lose nothing and order nothing twice.
func TestOutage(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(72*time.Hour + time.Minute) // costs nothing

		if got := s.status(t).Portals[0]; got.State != "failing" || got.Bulk < 70 {
			t.Errorf("during the outage the portal is %q with %d waiting, want failing with 70 or more", got.State, got.Bulk)
		}
		if tries := s.link.tries(); tries > 1000 {
			t.Errorf("%d tries in 72 hours hammer the portal", tries)
		}
		s.link.set(func(l *link) { l.err = nil })
		time.Sleep(20 * time.Minute) // longer than the longest wait
		stop()

		got := s.link.kinds()
		if got["reading"] < 72 || got["order"] != 1 || len(s.link.holes()) > 0 {
			t.Errorf("arrived %v with holes %v, want at least 72 readings, 1 order and no hole", got, s.link.holes())
		}
	})
}

// A restart neither repeats an order nor begins the numbers again, and does not ask
// a copier again that was asked a moment ago.
func TestRestart(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		var got []transport.Message
		for round := range 4 {
			s := newSite(t, path)
			s.fleet.set(host, func(c *copier) { c.toner = 9 })
			s.link.got = got
			stop := s.start(t)
			time.Sleep(90 * time.Minute)
			stop()
			got = s.link.got
			if round > 0 && s.fleet.times(host) > 2 {
				t.Errorf("round %d asked %d times in 90 minutes", round, s.fleet.times(host))
			}
			if holes := s.link.holes(); len(holes) > 0 {
				t.Errorf("round %d: holes %v", round, holes)
			}
			if round == 3 && s.link.kinds()["order"] != 1 {
				t.Errorf("%d orders after three restarts, want 1", s.link.kinds()["order"])
			}
		}
	})
}

// A copier that is switched off is asked less and less, and found again.
func TestSilentCopier(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.off = true })
		stop := s.start(t)
		time.Sleep(24*time.Hour + time.Minute)
		synctest.Wait()
		if asked := s.fleet.times(host); asked > 10 {
			t.Errorf("asked %d times in a day of silence, want at most 10", asked)
		}
		if silent := s.status(t).Silent; len(silent) != 1 || silent[0].Hint != "hint.device.silent" {
			t.Errorf("the status says %+v of the silent address", silent)
		}
		s.fleet.set(host, func(c *copier) { c.off = false })
		time.Sleep(5 * time.Hour)
		if devices := s.status(t).Devices; len(devices) != 1 || devices[0].State != "online" {
			t.Errorf("after it came back the status says %+v", devices)
		}
		stop()
	})
}

// A record the portal refuses is set aside with its reason, and the next ones pass.
func TestRefused(t *testing.T) {
	for name, refuse := range map[string]func(*link){
		"one by one": func(l *link) {
			l.reject = func(m transport.Message) bool { return m.Kind == "reading" && m.Seq%5 == 0 }
		},
		"whole batches": func(l *link) {
			l.refuse = func(m transport.Message) bool { return m.Kind == "reading" && m.Seq%5 == 0 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := database(t)
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, path)
				s.link.set(refuse)
				stop := s.start(t)
				time.Sleep(30*time.Hour + time.Minute)
				status := s.status(t)
				if p := status.Portals[0]; p.Bulk != 0 || p.Urgent != 0 {
					t.Errorf("%d + %d records still wait", p.Urgent, p.Bulk)
				}
				if status.Rejected < 5 {
					t.Errorf("%d records in quarantine, want 5 or more", status.Rejected)
				}
				stop()
			})
		})
	}
}

// Moves, replacements and conflicts are events, and readings go on.
func TestIdentity(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = []string{"10.0.0.1", "10.0.0.2"}
		})
		stop := s.start(t)
		time.Sleep(3 * time.Hour)
		s.fleet.mu.Lock() // the copier moves to the other socket
		s.fleet.copiers["10.0.0.2:161"], s.fleet.copiers[host] = s.fleet.copiers[host], nil
		s.fleet.mu.Unlock()
		time.Sleep(10 * time.Hour)
		s.fleet.mu.Lock() // another one is put into its first place
		s.fleet.copiers[host] = &copier{serial: "XYZ99999", toner: 50}
		s.fleet.mu.Unlock()
		time.Sleep(10 * time.Hour)
		s.fleet.set(host, func(c *copier) { c.serial = "ABC12345" }) // and lies about its serial
		time.Sleep(10 * time.Hour)
		if got := s.states(t); got != "ABC12345 online, also at 10.0.0.1:161; XYZ99999 replaced" {
			t.Errorf("in the end: %s", got)
		}
		stop()

		var events []string
		for _, e := range bodies[agent.DeviceEvent](t, s.link, "device") {
			events = append(events, e.Event+" "+e.Device.Serial)
		}
		want := "found ABC12345, moved ABC12345, found XYZ99999, replaced ABC12345, conflict ABC12345"
		if got := strings.Join(events, ", "); got != want {
			t.Errorf("events are %s, want %s", got, want)
		}
	})
}

// Nonsense from one device ends the reading of that device only.
func TestPanicWhileReading(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = []string{"10.0.0.1", "10.0.0.2"}
		})
		s.fleet.copiers["10.0.0.2:161"] = &copier{serial: "BAD00000", broken: true}
		stop := s.start(t)
		time.Sleep(5 * time.Hour)
		stop()
		if got := s.link.kinds()["reading"]; got < 5 {
			t.Errorf("%d readings of the good copier arrived, want 5 or more", got)
		}
	})
}

// What a sweep finds is read; what is no printer is not.
func TestDiscovered(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) { c.Networks[0].Addresses = []string{"10.0.0.0/24"} })
		s.fleet.finds = []collector.Find{
			{Address: "10.0.0.1", Port: 161, Printer: true},
			{Address: "10.0.0.9", Port: 161},
		}
		stop := s.start(t)
		time.Sleep(time.Hour)
		stop()
		if s.fleet.times(host) == 0 || s.fleet.times("10.0.0.9:161") > 0 {
			t.Errorf("asked %v, want the printer and nothing else", s.fleet.asked)
		}
	})
}

// The state of an order comes back with receipts.
func TestOrderStates(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(3 * time.Hour)
		orders, err := s.Memory().Orders()
		if err != nil || len(orders) != 1 || orders[0].State != "ordered" {
			t.Fatalf("orders are %+v, %v; want one that is ordered", orders, err)
		}
		s.link.set(func(l *link) { l.orders = []transport.OrderState{{ID: orders[0].ID, State: "shipped"}} })
		time.Sleep(3 * time.Hour)
		if orders, _ = s.Memory().Orders(); orders[0].State != "shipped" {
			t.Errorf("the order is %q after the portal shipped it", orders[0].State)
		}
		s.fleet.set(host, func(c *copier) { c.toner = 100 })
		time.Sleep(5 * time.Hour)
		if orders, _ = s.Memory().Orders(); len(orders) != 1 || orders[0].State != "replaced" {
			t.Errorf("after the new cartridge orders are %+v, want one that is replaced", orders)
		}
		stop()
	})
}

// What is kept and cannot be read any more costs no reading, orders nothing twice, holds up no
// delivery, and is shown as long as it is so.
func TestUnreadableValues(t *testing.T) {
	for _, bucket := range []string{"ledger", "device", "host", "last", "daily", "complaint", "order", "told", "traffic", "plan"} {
		t.Run(bucket, func(t *testing.T) {
			path := database(t)
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, path)
				s.fleet.set(host, func(c *copier) { c.toner = 9 })
				stop := s.start(t)
				time.Sleep(3 * time.Hour)
				orders, err := s.Memory().Orders()
				if err != nil || len(orders) != 1 {
					t.Fatalf("orders are %+v, %v; want one", orders, err)
				}
				day := "ABC12345|" + time.Now().UTC().Format(time.DateOnly)
				key := map[string]string{"host": host, "order": orders[0].ID, "told": "clock", "daily": day}[bucket]
				stop()
				arrived := s.link

				s = newSite(t, path)
				s.link.seen, s.link.got = arrived.seen, arrived.got
				err = s.store.Update(func(tx *store.Tx) error { return tx.Put(bucket, cmp.Or(key, "ABC12345"), -1.5) })
				if err != nil {
					t.Fatal(err)
				}
				if bucket != "told" && bucket != "plan" && bucket != "host" && bucket != "traffic" && bucket != "daily" {
					if got := s.status(t).Problems; len(got) == 0 || !strings.Contains(got[0], bucket) {
						t.Errorf("problems %q do not name what cannot be read", got)
					}
				}
				s.fleet.set(host, func(c *copier) { c.toner = 8 })
				s.link.set(func(l *link) { l.orders = []transport.OrderState{{ID: orders[0].ID, State: "accepted"}} })
				before := s.link.kinds()["reading"]
				stop = s.start(t)
				time.Sleep(3 * time.Hour)
				status := s.status(t)
				stop()
				got := s.link.kinds()
				if got["order"] != 1 || got["reading"] < before+3 || len(s.link.holes()) > 0 {
					t.Errorf("arrived %v with holes %v, want one order and %d readings or more", got, s.link.holes(), before+3)
				}
				if p := status.Portals[0]; p.Bulk != 0 || p.Urgent != 0 {
					t.Errorf("%d + %d records still wait", p.Urgent, p.Bulk)
				}
				if bucket != "order" && (len(status.Problems) > 0 || status.Orders[0].State != "accepted") {
					t.Errorf("in the end problems are %q and the order is %q", status.Problems, status.Orders[0].State)
				}
			})
		})
	}
}
