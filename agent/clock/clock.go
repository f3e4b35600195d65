// Package clock tells the time on machines whose clock may be wrong: one without a
// battery starts in 1970 or last week, and is set when it finds the network.
//
// Two clocks of a machine are held against one another. The one that people set can
// be anything; the one that counts since the machine's start is never set. As long as
// they run evenly, that is an [Era]. Each record names the era in which it was made, so
// that its place on the clock that is never set is known, and its time can be corrected
// as soon as one era of the same start of the machine is known to be right.
//
// The package is pure: it reads no clock and keeps nothing.
package clock

import (
	"slices"
	"time"

	"meteragent/collector"
)

const (
	even     = 2 * time.Second // by which the clocks may drift apart within an era
	jump     = time.Minute     // that is worth telling people
	slack    = time.Minute     // by which a clock may be behind after a start, and is believed
	believed = 24 * time.Hour  // after which a doubtful clock that nobody has set is believed
	seenEach = time.Hour       // how often the book notes the time
	keptEras = 64              // those that are of least use go first
)

// A Moment is what the machine's clocks say at one instant.
type Moment struct {
	Boot    string          // names this run of the machine: another one after each start
	Up      time.Duration   // since its start; goes on while the machine sleeps
	Wall    time.Time       // by the clock that people and NTP set
	Quality collector.Clock // synchronised, unsynchronised or unknown
}

// An Era is a stretch in which the clock was not set.
type Era struct {
	N       uint64          `json:"n"`       // its number, which records name; from 1
	Stream  string          `json:"stream"`  // the database whose records name it
	Boot    string          `json:"boot"`    // the run of the machine
	From    time.Duration   `json:"from"`    // when it began, since the machine's start
	Zero    time.Time       `json:"zero"`    // the time of the machine's start, in the agent's words
	Machine time.Time       `json:"machine"` // the same by the machine's clock; differs only in an estimated era
	Quality collector.Clock `json:"quality"` // of the times in it
}

// A Book is all that is remembered of a clock. Its zero value is empty.
type Book struct {
	Eras []Era     `json:"eras"` // oldest first; the last one is the present
	Seen time.Time `json:"seen"` // the time it was, to the hour
}

// A Setting is a jump of the machine's clock.
type Setting struct {
	From time.Time `json:"from"` // what the clock would have said
	To   time.Time `json:"to"`   // what it said
}

// Now is the time of a moment that the book has seen.
func (b Book) Now(m Moment) time.Time {
	if e := b.present(); e.Quality == collector.ClockEstimated {
		return e.Zero.Add(m.Up).UTC()
	}
	return m.Wall.UTC()
}

// Quality is that of the time now.
func (b Book) Quality() collector.Clock { return b.present().Quality }

// Since is how long the present era has lasted.
func (b Book) Since(m Moment) time.Duration { return m.Up - b.present().From }

// Era is the number of the present era; 0 if the book is empty.
func (b Book) Era() uint64 { return b.present().N }

func (b Book) present() Era {
	if len(b.Eras) == 0 {
		return Era{}
	}
	return b.Eras[len(b.Eras)-1]
}

// See enters a moment, and returns the book as it is then. A clock that is earlier than
// the program itself (built) is wrong, and so is one that is, after a start of the
// machine, earlier than it was before, unless something keeps it synchronised; then the
// time goes on from where it was last known. set is not nil if the clock has jumped.
func (b Book) See(m Moment, stream string, built time.Time) (next Book, set *Setting) {
	last := b.present()
	e := Era{
		N: last.N + 1, Stream: stream, Boot: m.Boot, From: m.Up,
		Machine: m.Wall.Add(-m.Up).UTC(), Quality: m.Quality,
	}
	e.Zero = e.Machine
	sameBoot := len(b.Eras) > 0 && last.Boot == m.Boot
	moved := e.Machine.Sub(last.Machine).Abs()
	if sameBoot && moved >= jump {
		set = &Setting{From: last.Machine.Add(m.Up), To: m.Wall.UTC()}
	}
	if b.doubt(m, built, sameBoot, moved > even) {
		e.Quality = collector.ClockEstimated
		e.Zero = last.Zero // the clock that is never set goes on
		if !sameBoot {
			e.Zero = latest(built, b.Seen).Add(-m.Up).UTC()
		}
	}
	same := sameBoot && last.Stream == stream && last.Quality == e.Quality && moved <= even
	if !same {
		b.Eras = append(slices.Clone(b.Eras), e)
		for len(b.Eras) > keptEras {
			i := b.leastUse()
			b.Eras = slices.Delete(b.Eras, i, i+1)
		}
	}
	if now := b.Now(m); !same || now.Sub(b.Seen) >= seenEach {
		b.Seen = now
	}
	return b, set
}

// doubt reports whether the clock is known to be wrong.
func (b Book) doubt(m Moment, built time.Time, sameBoot, set bool) bool {
	switch last := b.present(); {
	case m.Quality == collector.ClockSynchronised:
		return false
	case m.Wall.Before(built):
		return true
	case !sameBoot:
		return m.Wall.Before(b.Seen.Add(-slack))
	case last.Quality == collector.ClockEstimated:
		return !set && m.Up-last.From < believed // what somebody has set is believed
	}
	return false
}

// Correct returns how much is to be added to the times of an era, now that more is
// known; 0 if nothing, or nothing more, is known. Only an era that nothing kept
// synchronised is corrected: a machine that was put to sleep also finds its clock jumped,
// and the times before that were right.
func (b Book) Correct(stream string, era uint64) time.Duration {
	i := slices.IndexFunc(b.Eras, func(e Era) bool { return e.Stream == stream && e.N == era })
	if i < 0 {
		return 0
	}
	truth := b.truth(i)
	if truth < 0 {
		return 0
	}
	return correction(b.Eras[i], b.Eras[truth])
}

// truth is the place of the era by which another one is corrected; -1 if there is none.
func (b Book) truth(i int) int {
	e, truth := b.Eras[i], -1
	if e.Quality == collector.ClockSynchronised {
		return -1
	}
	for j, later := range b.Eras[i+1:] {
		switch {
		case later.Boot != e.Boot:
		case later.Quality == collector.ClockSynchronised:
			return i + 1 + j
		case e.Quality == collector.ClockEstimated && later.Quality != collector.ClockEstimated && truth < 0:
			truth = i + 1 + j // set by hand: better than an estimate
		}
	}
	return truth
}

// leastUse is the place of an era that can be forgotten: one that corrects nothing and never will be
// corrected or, if there is none, one that is believed as it is; of several the oldest.
func (b Book) leastUse() int {
	present := len(b.Eras) - 1
	use := make([]int, len(b.Eras))
	use[present] = 3
	for i, e := range b.Eras[:present] {
		truth := b.truth(i)
		switch {
		case truth >= 0 && correction(e, b.Eras[truth]) != 0:
			use[i], use[truth] = 2, max(use[truth], 2)
		case e.Boot != b.Eras[present].Boot, e.Quality == collector.ClockSynchronised, truth >= 0 && b.Eras[truth].Quality == collector.ClockSynchronised:
		case e.Quality == collector.ClockEstimated:
			use[i] = 2
		default:
			use[i] = max(use[i], 1)
		}
	}
	return slices.Index(use, slices.Min(use))
}

func correction(wrong, right Era) time.Duration {
	if d := right.Zero.Sub(wrong.Zero); d.Abs() > even {
		return d.Round(time.Second) // as the times of readings
	}
	return 0
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
