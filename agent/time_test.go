package agent_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/clock"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// A machine is one whose clock can be set and which can be switched off and on. Its zero
// value has the right time, and nothing keeps it right.
type machine struct {
	boot  string
	start time.Time

	mu    sync.Mutex    // of what follows
	off   time.Duration // by which the clock is ahead
	synch bool
}

// findsTime puts the clock right, and keeps it right.
func (m *machine) findsTime() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off, m.synch = 0, true
}

// set sets the clock by hand.
func (m *machine) set(off time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = off
}

func (m *machine) moment() clock.Moment {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := clock.Moment{Boot: m.boot, Up: time.Since(m.start), Wall: time.Now().Add(m.off), Quality: collector.ClockUnsynchronised}
	if m.synch {
		now.Quality = collector.ClockSynchronised
	}
	return now
}

// A box without a battery starts in 1970, reads, and finds the time three days later:
// what has not been sent is put right, and the copiers were asked neither more often nor
// less.
func TestClockSetLate(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := &machine{boot: "a", start: start, off: -30 * 365 * 24 * time.Hour}
		s := newSiteOf(t, path, func(o *agent.Options) { o.Clock, o.Built = m.moment, start.AddDate(0, -1, 0) })
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		stop := s.start(t)
		time.Sleep(72*time.Hour + time.Minute)
		if status := s.status(t); status.Clock != "estimated" || len(status.Problems) != 1 {
			t.Errorf("the clock is %q, problems are %v", status.Clock, status.Problems)
		}
		before := s.fleet.times(host)
		m.findsTime()
		s.link.set(func(l *link) { l.err = nil })
		time.Sleep(24 * time.Hour)
		stop()
		if after := s.fleet.times(host) - before; before < 72 || before > 76 || after < 23 || after > 25 {
			t.Errorf("asked %d times in three days before and %d times in one day after the clock was set", before, after)
		}
		readings := bodies[collector.Reading](t, s.link, "reading")
		corrected := 0
		for i, r := range readings {
			due := start.Add(time.Duration(i) * time.Hour)
			if r.TakenAt.Sub(due).Abs() > 3*time.Hour {
				t.Errorf("reading %d is of %v, and was taken at about %v", i, r.TakenAt, due)
			}
			if i > 0 && !r.TakenAt.After(readings[i-1].TakenAt) {
				t.Errorf("reading %d is of %v, the one before of %v", i, r.TakenAt, readings[i-1].TakenAt)
			}
			if r.Correction != 0 {
				corrected++
			}
			if (r.Correction != 0) != (r.Clock == collector.ClockCorrected) {
				t.Errorf("reading %d: clock %q, corrected by %v", i, r.Clock, r.Correction)
			}
		}
		if corrected != before || len(s.link.holes()) > 0 {
			t.Errorf("%d of %d readings were corrected, want %d; holes %v", corrected, len(readings), before, s.link.holes())
		}
		if events := bodies[agent.AgentEvent](t, s.link, "agent"); len(events) < 3 || !told(events, "clock") {
			t.Errorf("events are %+v, want one about the clock", events)
		}
		for _, m := range s.link.got {
			if m.At.Before(start.Add(-time.Second)) {
				t.Errorf("%s: the record is of %v", m.ID(), m.At)
			}
		}
	})
}

// On a slow machine, too, readings are of the second in which they were taken, so that of two
// of one second none is of before the other.
func TestSlowClock(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		m := &machine{boot: "a", start: time.Now(), synch: true}
		s := newSiteOf(t, path, func(o *agent.Options) {
			o.Clock = func() clock.Moment {
				time.Sleep(2 * time.Millisecond)
				defer time.Sleep(2 * time.Millisecond)
				return m.moment()
			}
		})
		s.fleet.set(host, func(c *copier) { c.whole = true })
		stop := s.start(t)
		time.Sleep(24 * time.Hour)
		stop()
		readings := bodies[collector.Reading](t, s.link, "reading")
		for i, r := range readings {
			if r.TakenAt.Nanosecond() != 0 {
				t.Fatalf("reading %d is of %v", i, r.TakenAt)
			}
		}
		if len(readings) < 20 {
			t.Errorf("%d readings", len(readings))
		}
	})
}

// What is dropped while the clock is wrong is told with a time that is put right, too.
func TestGapWithoutClock(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := &machine{boot: "a", start: start, off: -30 * 365 * 24 * time.Hour}
		s := newSiteOf(t, path, func(o *agent.Options) { o.Clock, o.Built = m.moment, start.AddDate(0, -1, 0) },
			func(c *config.Config) { c.Store.MaxBytes = 60_000 })
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		stop := s.start(t)
		time.Sleep(72 * time.Hour)
		m.findsTime()
		s.link.set(func(l *link) { l.err = nil })
		time.Sleep(2 * time.Hour)
		stop()
		gaps := 0
		for _, m := range s.link.got {
			if m.Kind == "gap" {
				gaps++
			}
			if m.At.Before(start.Add(-time.Second)) || m.At.After(time.Now()) {
				t.Errorf("%s: the record is of %v", m.ID(), m.At)
			}
		}
		if gaps == 0 {
			t.Error("nothing was dropped: the test shows nothing")
		}
	})
}

func told(events []agent.AgentEvent, event string) bool {
	for _, e := range events {
		if e.Event == event && e.Set != nil {
			return true
		}
	}
	return false
}

// history is how many days are kept, with the agent stopped.
func history(t *testing.T, s *site, path string) int {
	t.Helper()
	again, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	m := s.Memory()
	m.Store = again
	entries, err := m.Readings("")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// After a power cut the clock is a week behind. Nothing is asked twice for that, the
// times go on, and no day of the history is overwritten.
func TestClockBehindAfterPowerCut(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		m := &machine{boot: "a", start: time.Now(), synch: true}
		s := newSiteOf(t, path, func(o *agent.Options) { o.Clock = m.moment })
		stop := s.start(t)
		time.Sleep(30*time.Hour + 5*time.Minute)
		stop()
		got, seen := s.link.got, s.link.seen
		days := history(t, s, path)

		m = &machine{boot: "b", start: time.Now(), off: -7 * 24 * time.Hour}
		s = newSiteOf(t, path, func(o *agent.Options) { o.Clock = m.moment })
		s.link.got, s.link.seen = got, seen
		stop = s.start(t)
		time.Sleep(30 * time.Minute)
		if n := s.fleet.times(host); n != 0 {
			t.Errorf("asked %d times within half an hour of the last reading", n)
		}
		time.Sleep(2 * time.Hour)
		m.findsTime()
		time.Sleep(time.Hour)
		stop()
		var last time.Time
		for i, r := range bodies[collector.Reading](t, s.link, "reading") {
			if r.TakenAt.Before(last) {
				t.Errorf("reading %d is of %v, the one before of %v", i, r.TakenAt, last)
			}
			last = r.TakenAt
		}
		if holes := s.link.holes(); len(holes) > 0 {
			t.Errorf("holes %v", holes)
		}
		if after := history(t, s, path); after < days {
			t.Errorf("%d days of history, %d before", after, days)
		}
	})
}

// A clock that runs years ahead and is put right leaves no days in the future.
func TestClockAhead(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		m := &machine{boot: "a", start: time.Now(), off: 4 * 365 * 24 * time.Hour}
		s := newSiteOf(t, path, func(o *agent.Options) { o.Clock = m.moment })
		stop := s.start(t)
		time.Sleep(50 * time.Hour)
		m.findsTime()
		time.Sleep(5 * time.Hour)
		entries, err := s.Memory().Readings("")
		if err != nil || len(entries) == 0 || entries[0].At.After(time.Now()) {
			t.Errorf("the history is %v, %v", entries, err)
		}
		if n := s.fleet.times(host); n < 54 || n > 58 {
			t.Errorf("asked %d times in 55 hours", n)
		}
		stop()
	})
}

// A clock that is set back by a year, and nobody knows which time is right, takes no day of the history
// away: the days are there when it is put right, and go only when it has stayed so for a month.
func TestClockSetBack(t *testing.T) {
	for _, mended := range []bool{true, false} {
		path := database(t)
		synctest.Test(t, func(t *testing.T) {
			m := &machine{boot: "a", start: time.Now()}
			s := newSiteOf(t, path, func(o *agent.Options) { o.Clock = m.moment })
			days := func() (past, future int) {
				entries, err := s.Memory().Readings("")
				if err != nil {
					t.Error(err)
				}
				for _, e := range entries {
					if e.At.After(m.moment().Wall) {
						future++
					} else {
						past++
					}
				}
				return past, future
			}
			stop := s.start(t)
			time.Sleep(50 * time.Hour)
			before, _ := days()
			m.set(-365 * 24 * time.Hour)
			time.Sleep(5 * time.Hour)
			if _, future := days(); future < before {
				t.Errorf("%d days are left of %d", future, before)
			}
			if mended {
				m.set(0)
				time.Sleep(40 * 24 * time.Hour)
				if past, future := days(); past <= before+38 || future > 0 {
					t.Errorf("%d days, and %d that have not come yet", past, future)
				}
			} else {
				time.Sleep(40 * 24 * time.Hour)
				if past, future := days(); past < 38 || future > 0 {
					t.Errorf("after a month: %d days, and %d that have not come yet", past, future)
				}
			}
			stop()
		})
	}
}

// What was read while the clock was years ahead does not stand in the way when room must be made.
func TestRoomAfterClockAhead(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		const limit = 100_000
		m := &machine{boot: "a", start: time.Now(), off: 4 * 365 * 24 * time.Hour}
		s := newSiteOf(t, path, func(o *agent.Options) { o.Clock = m.moment },
			func(c *config.Config) { c.Store.MaxBytes = limit })
		s.link.set(func(l *link) { l.err = errors.New("no route") })
		stop := s.start(t)
		time.Sleep(3 * time.Hour)
		m.findsTime()
		time.Sleep(10 * 24 * time.Hour)
		if status := s.status(t); status.Store.Dropped == 0 || status.Store.Used > limit*9/8 {
			t.Errorf("%d bytes are in use, of %d; %d readings were dropped", status.Store.Used, limit, status.Store.Dropped)
		}
		stop()
	})
}
