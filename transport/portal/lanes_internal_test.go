package portal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Spans behave like a set of numbers, in any order of arrival.
func TestSpans(t *testing.T) {
	for seed := range uint64(50) {
		source := rand.New(rand.NewPCG(seed, 1))
		set := map[uint64]bool{}
		var s spans
		for range 200 {
			n := 1 + source.Uint64N(100)
			set[n] = true
			s.add(n)
		}
		for n := range uint64(103) {
			if s.has(n) != set[n] {
				t.Fatalf("seed %d: has(%d) is %v", seed, n, s.has(n))
			}
		}
		for i := range s {
			if s[i].first > s[i].last || i > 0 && s[i].first <= s[i-1].last+1 {
				t.Fatalf("seed %d: %v", seed, s)
			}
		}
	}
}

func TestSpansAtTheEnds(t *testing.T) {
	var s spans
	for _, n := range []uint64{math.MaxUint64, 1, math.MaxUint64, math.MaxUint64 - 1} {
		s.add(n)
	}
	if got := fmt.Sprint(s); got != fmt.Sprintf("[{1 1} {%d %d}]", uint64(math.MaxUint64-1), uint64(math.MaxUint64)) {
		t.Errorf("got %s", got)
	}
}

// Memory for what was seen is bounded, whatever agents send.
func TestBounds(t *testing.T) {
	p := New(Options{})
	start := time.Unix(0, 0)
	for i := range mostLanes + 10 {
		p.lane(laneKey{stream: fmt.Sprint(i)}, start.Add(time.Duration(i)))
	}
	if len(p.lanes) != mostLanes || p.lanes[laneKey{stream: "0"}] != nil {
		t.Errorf("got %d lanes", len(p.lanes))
	}
	var s spans
	for n := uint64(1); n < 3*mostSpans; n += 2 {
		s.add(n)
	}
	if len(s) != mostSpans || !s.has(1) || !s.has(3*mostSpans-1) {
		t.Errorf("got %d spans", len(s))
	}
}
