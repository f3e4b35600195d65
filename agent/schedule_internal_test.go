package agent

import (
	"testing"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
)

func testSchedule(change func(*config.Config)) (*schedule, *target) {
	cfg := config.Default()
	cfg.Poll.Meters, cfg.Poll.Supplies = 24*time.Hour, 30*time.Minute
	if change != nil {
		change(&cfg)
	}
	s := newSchedule(cfg, func(*target) {})
	s.add(target{address: "10.0.0.1", port: 161, network: config.DefaultNetwork(), device: "ABC12345"})
	return s, s.byHost["10.0.0.1:161"]
}

// done ends a read of t, and returns the time until the next, in whole minutes.
func (s *schedule) ended(t *target, r result, now time.Time) time.Duration {
	s.start(t)
	r.target = t
	s.done(r, now)
	return (t.due.Sub(now) + spread(t.host(), t.due.Sub(now)/19)).Round(5 * time.Minute)
}

// A copier that does not answer or is slow is asked less, within bounds; one that
// sleeps is asked as often, for less.
func TestAskedLess(t *testing.T) {
	now := time.Date(2026, 1, 10, 9, 0, 0, 0, time.UTC)
	s, to := testSchedule(nil)
	for i, want := range []time.Duration{30, 60, 120, 240, 240, 240} {
		if got := s.ended(to, result{}, now); got != want*time.Minute || (to.less == sparedSilent) != (i > 0) {
			t.Errorf("after %d silent reads: %s, %q; want %d min", i+1, got, to.less, want)
		}
	}
	for _, c := range []struct {
		r    result
		want time.Duration
		less sparing
	}{
		{result{answered: "ABC12345", took: time.Second}, 30, ""},
		{result{answered: "ABC12345", took: 12 * time.Second}, 30, ""},
		{result{answered: "ABC12345", took: 27 * time.Second}, 45, sparedSlow},
		{result{answered: "ABC12345", took: time.Hour}, 24 * 60, sparedSlow},
		{result{answered: "ABC12345", asleep: true}, 30, sparedAsleep},
	} {
		if got := s.ended(to, c.r, now); got != c.want*time.Minute || to.less != c.less {
			t.Errorf("%+v: %s, %q; want %d min, %q", c.r, got, to.less, c.want, c.less)
		}
	}
}

// A copier that sleeps is left alone for a day at most, and never before it is known.
func TestSleepersAreReadOnceADay(t *testing.T) {
	now := time.Date(2026, 1, 10, 9, 0, 0, 0, time.UTC)
	s, to := testSchedule(nil)
	if s.sleeps(to, now) {
		t.Error("it has never been read in full")
	}
	s.ended(to, result{answered: "ABC12345", job: job{scope: collector.Full}}, now)
	for after, want := range map[time.Duration]bool{-time.Hour: false, time.Minute: true, 23 * time.Hour: true, 24 * time.Hour: false} {
		s.ended(to, result{answered: "ABC12345", asleep: true, job: job{scope: collector.Full}}, now.Add(time.Hour))
		if got := s.sleeps(to, now.Add(after)); got != want {
			t.Errorf("after %s: %v", after, got)
		}
	}
	s.poll.Wake = true
	if s.sleeps(to, now.Add(time.Minute)) {
		t.Error("poll.wake says otherwise")
	}
}

// What is due in quiet hours comes after them, on days with a change of the clock too.
func TestQuietHours(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	s, to := testSchedule(func(c *config.Config) { c.Poll.Quiet = config.Hours{From: 22 * 60, To: 6 * 60} })
	for _, c := range []struct{ now, want string }{
		{"2026-01-10T20:30:00Z", "2026-01-10T20:30:00Z"},
		{"2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"},
		{"2026-03-28T21:30:00Z", "2026-03-29T04:00:00Z"},
		{"2026-10-24T20:30:00Z", "2026-10-25T05:00:00Z"},
	} {
		now, err := time.ParseInLocation(time.RFC3339, c.now, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		now = now.In(vienna)
		want, _ := time.Parse(time.RFC3339, c.want)
		to.due, to.less = now.Add(-time.Second), ""
		next := s.next(now)
		if late := next.due.Sub(want); late < -time.Second || late > 10*time.Minute {
			t.Errorf("at %s: due at %s", now, next.due)
		}
		if (to.less == sparedQuiet) != (c.now != c.want) {
			t.Errorf("at %s: %q", now, to.less)
		}
	}
	to.network.Quiet = &config.Hours{}
	to.due = time.Date(2026, 1, 10, 23, 0, 0, 0, vienna)
	if next := s.next(to.due); next.due != to.due {
		t.Error("this network has no quiet hours")
	}
}
