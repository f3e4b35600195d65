package agent_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
)

// A long time without a portal: the database stays within its limit, no day of a copier
// is without its reading, orders are there, and all of it arrives, urgent first.
func TestLongOutage(t *testing.T) { longOutage(t, 4, 8, 300_000) }

// A twenty-fifth of a thousand copiers with a twenty-fifth of the room: all of them
// take hours.
func TestSoakLongOutage(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	longOutage(t, 40, 30, 10_000_000)
}

func longOutage(t *testing.T, copiers, days int, limit int64) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = []string{"10.0.0.0/16"}
			c.Poll.Supplies, c.Store.MaxBytes = 30*time.Minute, limit
		})
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		for i := range copiers {
			address := fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)
			s.fleet.copiers[address+":161"] = &copier{serial: fmt.Sprintf("SER%05d", i), total: 1000, toner: 9}
			s.fleet.finds = append(s.fleet.finds, collector.Find{Address: address, Port: 161, Printer: true})
		}
		stop := s.start(t)
		begin := time.Now()
		var most uint64
		for range days {
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			status := s.status(t)
			if used := status.Store.Used; used > limit+limit/8 {
				t.Errorf("%d bytes are in use, of %d", used, limit)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		status := s.status(t)
		if status.Store.Dropped == 0 || len(status.Problems) == 0 {
			t.Errorf("nothing was dropped, or nobody is told: %+v, %q", status.Store, status.Problems)
		}
		s.link.set(func(l *link) { l.err = nil })
		time.Sleep(2 * time.Hour)
		stop()
		checkArrived(t, s.link, copiers, days, begin)
		t.Logf("%d copiers, %d days: %d bytes in use of %d; %d readings dropped, %v arrived; heap at most %d MB",
			copiers, days, status.Store.Used, limit, status.Store.Dropped, s.link.kinds(), most>>20)
	})
}

func checkArrived(t *testing.T, l *link, copiers, days int, begin time.Time) {
	t.Helper()
	got := l.kinds()
	if got["order"] != copiers || got["gap"] == 0 {
		t.Errorf("arrived %v, want %d orders and gaps", got, copiers)
	}
	told := 0
	for _, g := range bodies[agent.GapEvent](t, l, "gap") {
		told += g.Records
	}
	if told == 0 {
		t.Error("the portal was not told of what was dropped")
	}
	per := map[string]int{}
	for _, r := range bodies[collector.Reading](t, l, "reading") {
		day := r.TakenAt.Format(time.DateOnly)
		if len(r.Inputs) > 0 {
			per[r.Device.ID+day+"full"]++
		}
		per[r.Device.ID+day]++
	}
	for i := range copiers {
		for d := range days {
			key := fmt.Sprintf("SER%05d%s", i, begin.Add(time.Duration(d)*24*time.Hour).UTC().Format(time.DateOnly))
			if per[key] == 0 || per[key+"full"] == 0 {
				t.Errorf("%s: %d readings arrived, %d full ones", key, per[key], per[key+"full"])
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bulk := false
	last := map[string]uint64{}
	for _, m := range l.got[:max(0, len(l.got)-4*copiers)] { // later ones are of the time after
		if m.Seq <= last[m.Lane] {
			t.Errorf("%s %d after %d", m.Lane, m.Seq, last[m.Lane])
		}
		last[m.Lane], bulk = m.Seq, bulk || m.Lane == "bulk"
		if bulk && m.Kind == "order" {
			t.Error("an order came behind the backlog")
		}
	}
}
