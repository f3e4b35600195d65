package toner_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// A tally is what became of many lives under one rule.
type tally struct {
	lives, one, two, none    int // orders, of those that could be ordered
	empty, unseen, stood     int
	measured, early, foreign int
	left, fine               []float64 // percent, when the parcel came; of levels in small steps
	wrong                    []uint64  // seeds of copiers with an order too many
}

// The rules were tuned on the copiers of tuning, and are judged on those of judging,
// which nobody looks at while a rule is changed; where a judgement led to a change, as
// three times so far, other copiers judge it. No run is so long that they overlap.
const (
	tuning  = uint64(1)
	judging = uint64(12_000_000)
)

// lived lets cartridges live until there are enough whose life is over.
func lived(from uint64, enough int, b func() brain) (t tally) {
	for seed := from; t.lives < enough; seed++ {
		for _, l := range newWorld(seed, b).run(500) {
			if before := t.two + t.early + t.foreign; before < t.add(l) {
				t.wrong = append(t.wrong, seed)
			}
		}
	}
	return t
}

// add counts a life, and returns how many orders are wrong so far.
func (t *tally) add(l *life) int {
	t.early += l.early
	if !l.orderable() {
		t.foreign += l.orders
	}
	if l.orderable() && (l.over || !l.before) { // else never to be ordered, or not used up when the story ends
		t.ended(l)
	}
	return t.two + t.early + t.foreign
}

func (t *tally) ended(l *life) {
	t.lives++
	switch {
	case l.orders == 1:
		t.one++
	case l.orders > 1:
		t.two++
	default:
		t.none++
	}
	if l.measured() {
		t.measured++
		switch {
		case l.dry && l.unseen:
			t.unseen++
		case l.dry:
			t.empty++
		}
		if l.stood {
			t.stood++
		}
		if l.arrived {
			t.left = append(t.left, l.left)
			if l.kind == "measured" || l.kind == "tenths" {
				t.fine = append(t.fine, l.left)
			}
		}
	}
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func percentOf(n, of int) string { return fmt.Sprintf("%6.2f %%", 100*float64(n)/float64(max(1, of))) }

func (t tally) String() string {
	return fmt.Sprintf("%6d  %s  %5d  %6d  %s  %6d  %s  %5.1f %%  %5.1f %%", t.lives, percentOf(t.one, t.lives), t.two, t.early+t.foreign,
		percentOf(t.empty, t.measured), t.unseen, percentOf(t.stood, t.measured), median(t.left), median(t.fine))
}

// A hundred cartridges under four rules.
func TestLives(t *testing.T) { compare(t, 120) }

// Ten thousand take some minutes.
func TestSoakLives(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("METERAGENT_SOAK is not set")
	}
	compare(t, 10_000)
}

func compare(t *testing.T, enough int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s%6s  %8s  %5s  %6s  %8s  %6s  %8s  %7s  %7s\n", "", "lives", "one", "two", "false", "empty", "unseen", "stood", "left", "fine")
	mine := lived(judging, enough, func() brain { return &ours{policy: usual()} })
	fmt.Fprintf(&b, "%-18s%s\n", "meteragent", mine)
	twenty, careful := lived(judging, enough, newPeer(20, 0)), lived(judging, enough, newPeer(26, 0))
	fmt.Fprintf(&b, "%-18s%s\n", "15 %", lived(judging, enough, newPeer(15, 0)))
	fmt.Fprintf(&b, "%-18s%s\n", "20 %", twenty)
	fmt.Fprintf(&b, "%-18s%s\n", "26 %", careful)
	fmt.Fprintf(&b, "%-18s%s\n", "12 days or 5 %", lived(judging, enough, newPeer(5, 12)))
	t.Logf("orders for cartridges of known truth\n%s", &b)
	switch {
	case mine.early+mine.foreign > 0:
		t.Errorf("%d false orders, of copiers %d", mine.early+mine.foreign, mine.wrong)
	case mine.two > 0:
		t.Errorf("%d cartridges were ordered twice, of copiers %d", mine.two, mine.wrong)
	case float64(mine.empty) > max(1, 0.005*float64(mine.measured)):
		t.Errorf("%d of %d ran empty before their order", mine.empty, mine.measured)
	case median(mine.fine) > median(twenty.fine)/2:
		t.Errorf("%.1f %% are left at the median, the 20 %% rule leaves %.1f %%", median(mine.fine), median(twenty.fine))
	case median(mine.left) > median(careful.left)/2:
		t.Errorf("%.1f %% are left at the median of all, a percentage that is as careful leaves %.1f %%", median(mine.left), median(careful.left))
	}
}
