package clock_test

import (
	"testing"
	"time"

	"meteragent/agent/clock"
	"meteragent/collector"
)

// noon is when, in truth, the first machine starts.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// A look is one time at which the clocks are looked at.
type look struct {
	boot  string
	up    time.Duration
	wall  time.Time
	synch bool // something keeps the clock right

	now     time.Time       // what the book makes of it
	quality collector.Clock // of that
	jumped  bool
}

func TestBook(t *testing.T) {
	const syn, uns, est = collector.ClockSynchronised, collector.ClockUnsynchronised, collector.ClockEstimated
	at, y1970 := noon(), time.Unix(0, 0).UTC()
	built := at.AddDate(0, -1, 0)
	for _, c := range []struct {
		name  string
		looks []look
		fixes []time.Duration // what is added in the end to times of each look
	}{
		{"a clock that is right", []look{
			{"a", time.Minute, at.Add(time.Minute), true, at.Add(time.Minute), syn, false},
			{"a", time.Hour, at.Add(time.Hour), true, at.Add(time.Hour), syn, false},
			{"b", time.Minute, at.Add(2 * time.Hour), true, at.Add(2 * time.Hour), syn, false},
		}, []time.Duration{0, 0, 0}},
		{"1970 on a new site, then NTP", []look{
			{"a", time.Minute, y1970.Add(time.Minute), false, built, est, false},
			{"a", time.Hour, y1970.Add(time.Hour), false, built.Add(59 * time.Minute), est, false},
			{"a", 2 * time.Hour, at.Add(2 * time.Hour), true, at.Add(2 * time.Hour), syn, true},
		}, []time.Duration{at.Add(time.Minute).Sub(built), at.Add(time.Minute).Sub(built), 0}},
		{"last week after a power cut, then NTP", []look{
			{"a", time.Hour, at.Add(time.Hour), true, at.Add(time.Hour), syn, false},
			{"b", time.Minute, at.AddDate(0, 0, -7), false, at.Add(time.Hour), est, false},
			{"b", 31 * time.Minute, at.Add(5 * time.Hour), true, at.Add(5 * time.Hour), syn, true},
		}, []time.Duration{0, 3*time.Hour + 30*time.Minute, 0}},
		{"never set before the power went again: nothing can be said", []look{
			{"a", time.Hour, at.Add(time.Hour), true, at.Add(time.Hour), syn, false},
			{"b", time.Minute, y1970.Add(time.Minute), false, at.Add(time.Hour), est, false},
			{"c", time.Minute, at.Add(9 * time.Hour), true, at.Add(9 * time.Hour), syn, false},
		}, []time.Duration{0, 0, 0}},
		{"ahead by years, then set back by NTP", []look{
			{"a", time.Minute, at.AddDate(4, 0, 0), false, at.AddDate(4, 0, 0), uns, false},
			{"a", time.Hour, at.Add(59 * time.Minute), true, at.Add(59 * time.Minute), syn, true},
			{"b", time.Minute, at.Add(3 * time.Hour), false, at.Add(3 * time.Hour), uns, false},
		}, []time.Duration{at.Sub(at.AddDate(4, 0, 0)), 0, 0}},
		{"asleep for a night: what was right stays", []look{
			{"a", time.Hour, at.Add(time.Hour), true, at.Add(time.Hour), syn, false},
			{"a", time.Hour + time.Minute, at.Add(9 * time.Hour), true, at.Add(9 * time.Hour), syn, true},
		}, []time.Duration{0, 0}},
		{"set by hand, and nobody knows which was right", []look{
			{"a", time.Hour, at.Add(time.Hour), false, at.Add(time.Hour), uns, false},
			{"a", 2 * time.Hour, at.Add(5 * time.Hour), false, at.Add(5 * time.Hour), uns, true},
		}, []time.Duration{0, 0}},
		{"1970, then set by hand, then by NTP", []look{
			{"a", time.Minute, y1970, false, built, est, false},
			{"a", time.Hour, at.Add(time.Hour + 10*time.Minute), false, at.Add(time.Hour + 10*time.Minute), uns, true},
			{"a", 2 * time.Hour, at.Add(2 * time.Hour), true, at.Add(2 * time.Hour), syn, true},
		}, []time.Duration{at.Add(time.Minute).Sub(built), -10 * time.Minute, 0}},
		{"set to nonsense while running: the time goes on", []look{
			{"a", time.Hour, at.Add(time.Hour), false, at.Add(time.Hour), uns, false},
			{"a", 2 * time.Hour, y1970, false, at.Add(2 * time.Hour), est, true},
			{"a", 3 * time.Hour, y1970.Add(time.Hour), false, at.Add(3 * time.Hour), est, false},
		}, []time.Duration{0, 0, 0}},
		{"earlier than before, and nobody sets it for a day: it was right", []look{
			{"a", time.Hour, at.AddDate(4, 0, 0), false, at.AddDate(4, 0, 0), uns, false},
			{"b", time.Minute, at.Add(time.Minute), false, at.AddDate(4, 0, 0), est, false},
			{"b", 25 * time.Hour, at.Add(25 * time.Hour), false, at.Add(25 * time.Hour), uns, false},
		}, []time.Duration{0, at.Add(time.Minute).Sub(at.AddDate(4, 0, 0)), 0}},
		{"it drifts, and NTP puts it right", []look{
			{"a", time.Hour, at.Add(time.Hour), false, at.Add(time.Hour), uns, false},
			{"a", 48 * time.Hour, at.Add(48*time.Hour + 5*time.Second), false, at.Add(48*time.Hour + 5*time.Second), uns, false},
			{"a", 49 * time.Hour, at.Add(49 * time.Hour), true, at.Add(49 * time.Hour), syn, false},
		}, []time.Duration{0, -5 * time.Second, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var book clock.Book
			var eras []uint64
			for i, l := range c.looks {
				m := clock.Moment{Boot: l.boot, Up: l.up, Wall: l.wall, Quality: uns}
				if l.synch {
					m.Quality = syn
				}
				for again := range 2 { // to look twice changes nothing
					next, set := book.See(m, "S", built)
					if book = next; again == 0 && (set != nil) != l.jumped || again == 1 && set != nil {
						t.Errorf("look %d: jumped %v", i, set)
					}
				}
				if now := book.Now(m); !now.Equal(l.now) || book.Quality() != l.quality {
					t.Errorf("look %d: it is %v (%s), want %v (%s)", i, now, book.Quality(), l.now, l.quality)
				}
				eras = append(eras, book.Era())
			}
			for i, want := range c.fixes {
				if got := book.Correct("S", eras[i]); got != want {
					t.Errorf("times of look %d: %v are added, want %v", i, got, want)
				}
			}
		})
	}
}

// An era belongs to its database: the numbers of another one mean nothing.
func TestStreams(t *testing.T) {
	var book clock.Book
	wrong := clock.Moment{Boot: "a", Up: time.Minute, Wall: time.Unix(0, 0), Quality: collector.ClockUnsynchronised}
	right := clock.Moment{Boot: "a", Up: time.Hour, Wall: noon(), Quality: collector.ClockSynchronised}
	book, _ = book.See(wrong, "old", noon().AddDate(0, 0, -1))
	book, _ = book.See(wrong, "new", noon().AddDate(0, 0, -1))
	book, _ = book.See(right, "new", noon().AddDate(0, 0, -1))
	for _, c := range []struct {
		stream string
		era    uint64
		fixed  bool
	}{{"old", 1, true}, {"new", 2, true}, {"new", 1, false}, {"new", 3, false}, {"new", 0, false}, {"other", 1, false}} {
		if got := book.Correct(c.stream, c.era); (got != 0) != c.fixed {
			t.Errorf("%s %d: %v are added", c.stream, c.era, got)
		}
	}
}

// A clock that is set all the time does not fill the database.
func TestManyEras(t *testing.T) {
	var book clock.Book
	for i := range 1000 {
		up := time.Duration(i) * time.Minute
		book, _ = book.See(clock.Moment{Boot: "a", Up: up, Wall: noon().Add(time.Duration(i%7) * time.Hour)}, "S", time.Time{})
	}
	if len(book.Eras) > 64 || book.Era() != 1000 {
		t.Errorf("%d eras are kept, the last is %d", len(book.Eras), book.Era())
	}
}

// However often a clock is set, or loses what keeps it right, times that are known to be wrong are
// corrected when the right one is known, and stay so.
func TestManyErasForgetNoWrongOne(t *testing.T) {
	const syn, uns = collector.ClockSynchronised, collector.ClockUnsynchronised
	built := noon().AddDate(0, -1, 0)
	wrong := clock.Moment{Boot: "a", Up: time.Minute, Wall: time.Unix(0, 0), Quality: uns}
	right := func(hours int, q collector.Clock) clock.Moment {
		up := time.Duration(hours) * time.Hour
		return clock.Moment{Boot: "a", Up: up, Wall: noon().Add(up), Quality: q}
	}
	want := noon().Add(time.Minute).Sub(built)
	for name, c := range map[string]struct {
		before, after func(i int) clock.Moment
	}{
		"set by hand again and again": {
			func(i int) clock.Moment {
				m := right(2+i, uns)
				m.Wall = m.Wall.Add(time.Duration(i%7) * time.Hour)
				return m
			},
			func(i int) clock.Moment { return right(1000+i, syn) },
		},
		"synchronised, and not, and again": {
			func(i int) clock.Moment { return wrong },
			func(i int) clock.Moment { return right(1000+i, []collector.Clock{syn, uns}[i%2]) },
		},
		"started again and again": {
			func(i int) clock.Moment { return right(2, syn) },
			func(i int) clock.Moment {
				m := right(1000+i, syn)
				m.Boot = string(rune('b' + i))
				return m
			},
		},
	} {
		var book clock.Book
		book, _ = book.See(wrong, "S", built)
		era := book.Era()
		for i := range 200 {
			book, _ = book.See(c.before(i), "S", built)
		}
		for i := range 200 {
			book, _ = book.See(c.after(i), "S", built)
		}
		if got := book.Correct("S", era); got != want || len(book.Eras) > 64 {
			t.Errorf("%s: %v are added, want %v; %d eras", name, got, want, len(book.Eras))
		}
	}
}
