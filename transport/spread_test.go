package transport_test

import (
	"fmt"
	"testing"
	"time"

	"meteragent/transport"
)

// A fleet fills a span evenly, and an agent keeps its place.
func TestSpread(t *testing.T) {
	var tenths [10]int
	for i := range 100_000 {
		at := transport.Spread(fmt.Sprintf("5d3c9ab4-6f0e-4c1b-9a57-%012x", i), time.Hour)
		tenths[at/(6*time.Minute)]++
	}
	for i, n := range tenths {
		if n < 9500 || n > 10500 {
			t.Errorf("tenth %d holds %d of 100000 agents", i, n)
		}
	}
	if transport.Spread("a", 0) != 0 {
		t.Error("no span, but a place")
	}
}

func TestSlot(t *testing.T) {
	start := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	for _, agent := range []string{"a", "b", "c"} {
		first := start.Add(transport.Slot(agent, time.Minute, start))
		for i := range 200 {
			now := start.Add(time.Duration(i) * 777 * time.Millisecond)
			wait := transport.Slot(agent, time.Minute, now)
			if wait <= 0 || wait > time.Minute || now.Add(wait).Sub(first)%time.Minute != 0 {
				t.Errorf("%s: at %s the next moment is in %s; the first was at %s", agent, now, wait, first)
			}
		}
		if wait := transport.Slot(agent, time.Minute, first); wait != time.Minute {
			t.Errorf("%s: at its moment the next one is in %s", agent, wait)
		}
	}
}
