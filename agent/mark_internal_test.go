package agent

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// walker sweeps one address a second.
type walker struct {
	reader
	first []netip.Addr // of each sweep
	asked int
}

func (w *walker) Discover(ctx context.Context, s collector.Sweep, found func(collector.Find)) error {
	w.first = append(w.first, s.Targets[0].Addr())
	for i, to := range s.Targets {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		w.asked++
		s.Progress(collector.Progress{Asked: i + 1, Of: len(s.Targets), Through: to})
	}
	return nil
}

// A search that a restart interrupts goes on where it was, unless it was another
// search, or long ago.
func TestAnInterruptedSearchGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meteragent.db")
	synctest.Test(t, func(t *testing.T) {
		run := func(lasts time.Duration, addresses ...string) *walker {
			db, err := store.Open(path, store.Options{Destinations: []string{Portal}})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var networks []config.Network
			for _, text := range addresses {
				n := config.DefaultNetwork()
				n.Addresses = []string{text}
				networks = append(networks, n)
			}
			w := &walker{}
			a := New(Options{Config: config.Config{Networks: networks, Discovery: config.Discovery{Every: 24 * time.Hour}}, Copiers: w, Store: db})
			ctx, stop := context.WithTimeout(t.Context(), lasts)
			defer stop()
			if err := a.discoverOnce(ctx, a.searched(), nil); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			return w
		}
		const one, two = "192.168.10.0/24", "192.168.20.0/24"
		if w := run(400*time.Second, one, two); len(w.first) != 2 || w.asked > 400 {
			t.Errorf("searched from %v", w.first)
		}
		w := run(time.Hour, one, two) // 254 + 146 had been asked, the last mark is at most half a minute old
		if len(w.first) != 1 || w.first[0].Less(netip.MustParseAddr("192.168.20.110")) || w.asked > 254-110 {
			t.Errorf("goes on at %v, and asked %d", w.first, w.asked)
		}
		if w := run(time.Hour, one, two); w.asked != 508 {
			t.Errorf("after a whole search %d were asked", w.asked)
		}
		run(100*time.Second, one)
		if w := run(100*time.Second, two); w.first[0] != netip.MustParseAddr("192.168.20.1") {
			t.Errorf("another search goes on at %s", w.first)
		}
		time.Sleep(25 * time.Hour)
		if w := run(time.Hour, two); w.asked != 254 {
			t.Errorf("a day later %d were asked", w.asked)
		}
	})
}
