package agent_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/collector"
)

// Requests and bytes are counted by device and day, those of failed reads too, cost no
// transaction of their own, and survive a restart.
func TestTrafficIsCounted(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) { // it is midnight, and the first of January
		s := newSite(t, path)
		s.fleet.cost = collector.Traffic{Requests: 2, Sent: 100, Received: 900}
		stop := s.start(t)
		time.Sleep(30*time.Hour + time.Minute)
		if got := s.status(t).Devices[0].Today(time.Now()); got.Requests < 12 || got.Received != 450*got.Requests {
			t.Errorf("counted %+v", got)
		}
		s.fleet.set(host, func(c *copier) { c.off = true })
		time.Sleep(2 * time.Hour)
		before, asked := s.status(t).Devices[0].Traffic, int64(s.fleet.times(host))
		stop()
		s = newSite(t, path)
		after := s.status(t).Devices[0].Traffic
		if len(before) != 2 || before[0].Requests+before[1].Requests != 2*asked {
			t.Errorf("counted %+v, asked %d times", before, asked)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("before the restart and after it (-before +after):\n%s", diff)
		}
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What a search asks of a device that is known counts for that, too.
func TestTrafficOfSearches(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = append(c.Networks[0].Addresses, "10.0.1.0/24")
		})
		s.fleet.finds = []collector.Find{{Address: "10.0.0.1", Port: 161, Printer: true, Traffic: collector.Traffic{Requests: 2, Sent: 300, Received: 150}}}
		stop := s.start(t)
		time.Sleep(s.parts.Config.Discovery.Every + 3*time.Hour) // the first search was before the first reading
		want := collector.Traffic{Requests: 2, Sent: 300, Received: 150}
		if got := s.status(t).Devices[0].Today(time.Now()); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		s.fleet.mu.Lock()
		s.fleet.finds = nil
		s.fleet.silent = map[netip.AddrPort]collector.Traffic{netip.MustParseAddrPort(host): {Requests: 4, Sent: 600}, netip.MustParseAddrPort("10.0.1.9:161"): {Requests: 4}}
		s.fleet.mu.Unlock()
		time.Sleep(s.parts.Config.Discovery.Every)
		want = collector.Traffic{Requests: 4, Sent: 600}
		if got := s.status(t).Devices[0].Today(time.Now()); got != want {
			t.Errorf("counted %+v of a search in vain, want %+v", got, want)
		}
		stop()
	})
}

// In quiet hours nothing is asked; what is due comes after them and is the full round.
func TestQuietHoursAreKept(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Poll.Meters, c.Poll.Supplies = 4*time.Hour, time.Hour
			c.Poll.Quiet = config.Hours{From: 2*60 + 30, To: 8 * 60}
			c.Networks[0].Addresses = append(c.Networks[0].Addresses, "10.0.1.0/24")
		})
		stop := s.start(t)
		midnight := time.Now()
		time.Sleep(2*time.Hour + 30*time.Minute)
		evening := s.fleet.times(host)
		time.Sleep(5*time.Hour + 29*time.Minute)
		if n := s.fleet.times(host); n != evening || evening < 2 {
			t.Errorf("asked %d times before, %d times in quiet hours", evening, n-evening)
		}
		if d := s.status(t).Devices[0]; d.Less != "quiet" || d.Next.Before(midnight.Add(8*time.Hour)) {
			t.Errorf("the status says %q, next %s", d.Less, d.Next)
		}
		waiting := len(bodies[collector.Reading](t, s.link, "reading"))
		time.Sleep(15 * time.Minute)
		all := bodies[collector.Reading](t, s.link, "reading")
		if len(all) != waiting+1 || len(all[waiting].Inputs) == 0 {
			t.Errorf("%d readings after the quiet hours, want a full one", len(all)-waiting)
		}
		stop()
	})
}

// A copier that sleeps counts as one that answers, and is read once a day.
func TestASleepingCopier(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.asleep = true })
		stop := s.start(t)
		time.Sleep(47 * time.Hour)
		if n := len(bodies[collector.Reading](t, s.link, "reading")); n != 2 {
			t.Errorf("%d readings in two days, want 2", n)
		}
		if d := s.status(t).Devices[0]; d.State != "asleep" || d.Less != "asleep" || s.fleet.times(host) < 40 {
			t.Errorf("the status says %q and %q, asked %d times", d.State, d.Less, s.fleet.times(host))
		}
		s.fleet.set(host, func(c *copier) { c.asleep = false })
		time.Sleep(2 * time.Hour)
		if n := len(bodies[collector.Reading](t, s.link, "reading")); n < 3 {
			t.Errorf("%d readings after it woke", n)
		}
		stop()
	})
}

// A reading that lacks tables is delivered as it is. What it lacks is not taken to be
// gone: the page shows it as it was, nothing is decided, and the full round is not done.
func TestAReadingThatLacksTables(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		stop := s.start(t)
		time.Sleep(10 * time.Minute)
		s.fleet.set(host, func(c *copier) { c.halts = true; c.toner = 5 })
		time.Sleep(9 * time.Hour)
		shown := s.status(t).Devices[0].Reading
		if len(shown.Supplies) != 1 || len(shown.Inputs) != 1 || *shown.Supplies[0].Level.Percent != 80 || shown.Meters[0].Value <= 1010 {
			t.Errorf("the status has %+v", shown)
		}
		readings := bodies[collector.Reading](t, s.link, "reading")
		if last := readings[len(readings)-1]; !last.Lacks("supplies") || last.Supplies != nil {
			t.Errorf("sent was %+v", last)
		}
		if n := s.link.kinds()["order"] + s.link.kinds()["alert"]; n != 0 {
			t.Errorf("%d orders and alerts from tables that were not read", n)
		}
		if said := s.status(t).Problems; len(said) != 0 {
			t.Errorf("after some hours it says %q", said)
		}
		time.Sleep(48 * time.Hour)
		if said := s.status(t).Problems; len(said) != 1 || !strings.Contains(said[0], "meteragent read "+host) {
			t.Errorf("after two days it says %q", said)
		}
		s.fleet.set(host, func(c *copier) { c.halts = false })
		time.Sleep(time.Hour + time.Minute)
		readings = bodies[collector.Reading](t, s.link, "reading")
		if last := readings[len(readings)-1]; last.Missing != nil || len(last.Inputs) == 0 {
			t.Errorf("the full round was not made up for: %+v", last)
		}
		if said := s.status(t).Problems; len(said) != 0 {
			t.Errorf("in the end it says %q", said)
		}
		stop()
	})
}
