package toner_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// A guess is what was said on one day of how long a cartridge lasts.
type guess struct {
	life                *life
	hour                int
	ours, line, average float64 // days
	soonest, latest     float64
}

// Forecasts of lives whose end is known, beside a straight line through the last week
// and beside what the same level lasts in an average copier, which is what a plain
// threshold supposes. The error is the median of the days by which a guess is wrong.
func TestForecasts(t *testing.T) { backtest(t, 3) }

func TestSoakForecasts(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("METERAGENT_SOAK is not set")
	}
	backtest(t, 8)
}

func backtest(t *testing.T, copiers int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s%8s%8s%10s%10s%10s%10s\n", "", "ahead", "guesses", "forecast", "line", "average", "in range")
	total := map[int][2][]float64{}
	for _, pattern := range []string{"office", "school", "shop", "moved", "hardly"} {
		guesses := guessed(pattern, copiers)
		for _, ahead := range []int{7, 14, 30} {
			var ours, line, average []float64
			within := 0
			for _, g := range guesses {
				truth := float64(g.life.emptied-g.hour) / 24
				if g.life.emptied == 0 || math.Abs(truth-float64(ahead)) > 1 {
					continue
				}
				ours, line = append(ours, math.Abs(g.ours-truth)), append(line, math.Abs(g.line-truth))
				average = append(average, math.Abs(g.average-truth))
				if truth >= g.soonest-1 && truth <= g.latest+1 {
					within++
				}
			}
			all := total[ahead]
			all[0], all[1] = append(all[0], ours...), append(all[1], line...)
			total[ahead] = all
			fmt.Fprintf(&b, "%-10s%6d d%8d%8.1f d%8.1f d%8.1f d%8.0f %%\n", pattern, ahead, len(ours),
				median(ours), median(line), median(average), 100*float64(within)/float64(max(1, len(ours))))
		}
	}
	t.Logf("how wrong forecasts are, so many days before the end\n%s", &b)
	for ahead, all := range total {
		if median(all[0]) >= median(all[1]) {
			t.Errorf("%d days ahead the forecast is wrong by %.1f days, a straight line by %.1f", ahead, median(all[0]), median(all[1]))
		}
	}
}

// guessed collects what was said of some copiers of one pattern that measure well.
func guessed(pattern string, copiers int) (all []*guess) {
	for seed, found := uint64(1), 0; found < copiers; seed++ {
		mine := &ours{policy: usual()}
		w := newWorld(seed, func() brain { return mine })
		p := w.places[len(w.places)-1]
		hardly := p.each < 100.0/20_001
		if p.kind != "measured" || hardly != (pattern == "hardly") || !hardly && w.pattern != pattern {
			continue
		}
		found++
		levels := []float64{}
		w.watch = func() {
			s := mine.ledger.Supplies[p.key]
			f := mine.ledger.Forecast(mine.policy, p.key)
			if s.Use.Level == nil {
				return
			}
			if levels = append(levels, *s.Use.Level); len(levels) < 8 || f.Days == 0 {
				return
			}
			line, slope := 365.0, (levels[len(levels)-8]-*s.Use.Level)/7
			if slope > 0 {
				line = min(365, *s.Use.Level/slope)
			}
			all = append(all, &guess{
				life: p.life, hour: w.hour, ours: f.Days, line: line, average: *s.Use.Level * 0.9,
				soonest: f.Soonest, latest: f.Latest,
			})
		}
		w.run(400)
	}
	return all
}
