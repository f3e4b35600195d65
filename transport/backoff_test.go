package transport_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"meteragent/transport"
)

func TestBackoff(t *testing.T) {
	unreachable := errors.New("no route to host")
	unauthorised := fmt.Errorf("send: %w", transport.ErrUnauthorized)
	busy := fmt.Errorf("send: %w", &transport.Error{Wait: 2 * time.Minute})
	for _, c := range []struct {
		name string
		errs []error
		luck float64 // what the random source gives
		want []time.Duration
	}{
		{"the first wait is not doubled", []error{unreachable, unreachable, unreachable}, 0.5, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		{"bounded", []error{unreachable, unreachable, unreachable, unreachable, unreachable}, 1, []time.Duration{2, 4, 8, 10, 10}},
		{"full jitter", []error{unreachable, unreachable}, 0, []time.Duration{0, 0}},
		{"unauthorised is slow at once", []error{unauthorised, unauthorised}, 0.5, []time.Duration{7500 * time.Millisecond, 7500 * time.Millisecond}},
		{"never sooner than asked", []error{busy}, 0, []time.Duration{2 * time.Minute}},
		{"nor all at once", []error{busy}, 0.5, []time.Duration{2*time.Minute + time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := transport.Backoff{First: 2 * time.Second, Max: 10 * time.Second, Rand: func() float64 { return c.luck }}
			for i, err := range c.errs {
				want := c.want[i]
				if want < time.Second {
					want *= time.Second
				}
				if got := b.Next(err); got != want {
					t.Errorf("wait %d: got %v, want %v", i+1, got, want)
				}
			}
			b.Reset()
			if got, bound := b.Next(unreachable), 2*time.Second; got > bound {
				t.Errorf("after Reset: got %v, want at most %v", got, bound)
			}
		})
	}
}

// Neither a long outage nor the defaults lead out of the bounds.
func TestBackoffBounds(t *testing.T) {
	var b transport.Backoff
	for i := range 100_000 {
		if got := b.Next(nil); got < 0 || got > 15*time.Minute {
			t.Fatalf("wait %d: got %v", i+1, got)
		}
	}
}

func TestBackoffSpreads(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	var sum time.Duration
	for range 1000 {
		b := transport.Backoff{First: time.Second, Rand: source.Float64}
		sum += b.Next(nil)
	}
	if mean := sum / 1000; mean < 450*time.Millisecond || mean > 550*time.Millisecond {
		t.Errorf("a thousand agents wait %v on average, want about half a second", mean)
	}
}
