package collector

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// The wait follows what the device needs, between the floor and what the target allows.
func TestPace(t *testing.T) {
	const most = 2 * time.Second
	many := func(took time.Duration) (p pace) {
		for range 50 {
			p.answered(took, p.first(most), false)
		}
		return p
	}
	late := many(20 * time.Millisecond)
	late.answered(time.Second, 900*time.Millisecond, true)
	for name, c := range map[string]struct {
		pace pace
		want time.Duration
	}{
		"unknown":         {pace{}, most},
		"quick":           {many(20 * time.Millisecond), leastWait},
		"slow":            {many(1200 * time.Millisecond), 1800 * time.Millisecond},
		"slower than may": {many(5 * time.Second), most},
		"once":            {func() (p pace) { p.answered(400*time.Millisecond, most, false); return p }(), 1200 * time.Millisecond},
		"after a repeat":  {late, 900 * time.Millisecond},
	} {
		if got := c.pace.first(most).Round(10 * time.Millisecond); got != c.want {
			t.Errorf("%s: waits %s, want %s", name, got, c.want)
		}
	}
}

// No network gets more packets than the rate in any second, but for the first burst;
// others do not wait for it.
func TestGate(t *testing.T) {
	for _, rate := range []int{1, 10, 200} {
		g := gate{rate: rate}
		now, start := time.Unix(0, 0), time.Unix(0, 0)
		var sent []time.Time
		for range 5 * rate {
			now = now.Add(g.reserve(netip.MustParseAddr("10.1.2.3"), now))
			sent = append(sent, now)
		}
		most := rate + rate/10 + 1
		for i := range sent {
			if i+most < len(sent) && sent[i+most].Sub(sent[i]) < time.Second {
				t.Fatalf("rate %d: more than %d packets in a second", rate, most)
			}
		}
		if took := now.Sub(start); took < 4*time.Second-100*time.Millisecond || took > 5*time.Second {
			t.Errorf("rate %d: 5 s of packets went in %s", rate, took)
		}
		for _, other := range []string{"10.1.3.3", "fd00::1"} {
			if wait := g.reserve(netip.MustParseAddr(other), start); wait != 0 {
				t.Errorf("rate %d: the first packet to %s waits %s", rate, other, wait)
			}
		}
		if rate == 10 {
			if g.reserve(netip.MustParseAddr("fd00::2"), start) == 0 || g.reserve(netip.MustParseAddr("fd00:0:0:1::2"), start) != 0 {
				t.Error("a link is a /64")
			}
		}
	}
	if free := (gate{}); free.reserve(netip.MustParseAddr("10.1.2.3"), time.Now()) != 0 {
		t.Error("without a rate there is no limit")
	}
}

// Waiting for the gate takes nothing from the time that a device has.
func TestDeadlineWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel, limit := within(context.Background(), 30*time.Second)
		defer cancel()
		time.Sleep(20 * time.Second)
		if err := limit.pause(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("the time was over after %s", took)
		}
		if err := limit.pause(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the end: %v", err)
		}
		stopped, stop := context.WithCancel(context.Background())
		ctx, cancel, limit = within(stopped, 30*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, stop)
		if err := limit.pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}
