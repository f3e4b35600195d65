package agent

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// sweeps counts the searches.
type sweeps struct {
	reader
	count atomic.Int32
}

func (s *sweeps) Discover(context.Context, collector.Sweep, func(collector.Find)) error {
	s.count.Add(1)
	return nil
}

// A device that has gone silent is searched for within the hour, not only on the next
// day; many that go silent, as at night, cost one search an hour.
func TestLostDevicesAreSearchedFor(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "meteragent.db"), store.Options{Destinations: []string{Portal}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	synctest.Test(t, func(t *testing.T) {
		n := config.DefaultNetwork()
		n.Addresses = []string{"192.168.10.0/24"}
		copiers := &sweeps{}
		a := New(Options{Config: config.Config{Networks: []config.Network{n}, Discovery: config.Discovery{Every: 24 * time.Hour}}, Copiers: copiers, Store: db})
		ctx, stop := context.WithCancel(t.Context())
		go a.discoverForEver(ctx)
		for _, step := range []struct {
			lost  int           // devices that go silent
			after time.Duration // that pass then
			want  int           // searches so far
		}{
			{0, time.Minute, 1},
			{100, 58 * time.Minute, 1},
			{0, time.Minute, 2},
			{0, 23 * time.Hour, 2},
			{1, 0, 3},
			{0, 24 * time.Hour, 4},
		} {
			for range step.lost {
				a.noteResult(result{job: job{host: time.Now().String(), target: &target{device: "serial"}}, err: collector.ErrNoAnswer})
				a.health.mu.Lock()
				clear(a.health.hosts) // each is another device
				a.health.mu.Unlock()
			}
			time.Sleep(step.after)
			synctest.Wait()
			if got := int(copiers.count.Load()); got != step.want {
				t.Errorf("%+v: %d searches", step, got)
			}
		}
		stop()
		synctest.Wait()
	})
}
