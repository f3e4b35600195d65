package toner

import (
	"math"
	"slices"
	"time"
)

const (
	mostAbsent = 3 * 24 * time.Hour  // that a cartridge is taken out for and put in again
	mostRest   = 14 * 24 * time.Hour // that a copier rests; one that is empty does not print either
)

const (
	suddenPoints = 15 // percentage points that a level may change between two readings and be believed
	usualPerDay  = 3  // percentage points, of a place without history
	mostGained   = 20 // percentage points that shaking a cartridge gains
	mostStep     = 25 // percentage points: no device has larger steps
	longGap      = 60 // days without a reading after which the history is of another time
)

// believe takes a level into account, unless it jumps: such a level is believed when
// it has stayed for the policy's time, or when the device says so too.
func (s *Supply) believe(o Observation, p Policy) bool {
	if o.Percent == nil {
		return true
	}
	u := &s.Use
	now := *o.Percent
	u.fine(now)
	if s.bounces(o) {
		s.HigherOn, s.HigherAt = o.At, o.Pages
	}
	before := u.Level
	switch {
	case before == nil:
		u.begin(o)
	case p.Sudden > 0 && o.Signal == "" && (u.jumps(o) || now == 0 && *before > floor && (o.Absent || u.rests(o))):
		s.Jump = s.Jump.and(o)
		if !s.Jump.lasted(p.Readings, s.doubted(o, p), o.At) || now < *before && u.rests(o) && o.At.Sub(s.Jump.Since) < mostRest {
			return false
		}
		before = o.Percent
		u.note(o, 0) // nobody knows when it was used, or whether
	case p.Sudden > 0 && !u.Fine && now != *before && o.Signal == "":
		// A large step is as large as a slip of the sensor, so it needs confirmation.
		s.Jump = s.Jump.and(o)
		if !s.Jump.lasted(p.Readings, p.Over, o.At) {
			return false
		}
		u.note(o, *before-now)
	default:
		u.note(o, *before-now)
	}
	s.Jump = Streak{}
	if before == nil {
		return true
	}
	if confirmed := max(*before, now); s.Lowest == nil || confirmed < *s.Lowest {
		s.Lowest, s.LowestOn, s.LowestAt = &confirmed, o.At, o.Pages
	}
	return true
}

// doubted is how long a level that jumps must stay before it is believed. Without its cartridge
// a place has nothing, until it is put in again.
func (s Supply) doubted(o Observation, p Policy) time.Duration {
	if o.Absent {
		return max(p.Sudden, mostAbsent)
	}
	return p.Sudden
}

// bounces says that a level in large steps is one step above the lowest again: noise
// moves it so while the truth is at the border of the two, where nothing of the lower
// step has been used. Shaking gains as much as a smaller step, and is done when more
// of the step has been used; without pages nobody can tell.
func (s Supply) bounces(o Observation) bool {
	if !s.Use.coarse() || s.Use.Step <= mostGained || s.Lowest == nil ||
		*o.Percent <= *s.Lowest || *o.Percent > *s.Lowest+s.Use.Step {
		return false
	}
	_, from := s.stands()
	_, known := s.Use.yield()
	return known && s.Use.since(from, o) < s.Use.Step/4
}

// stands is since when, and since how many impressions in all, a device with large
// steps has told the lowest and nothing higher.
func (s Supply) stands() (since time.Time, pages *int64) {
	if s.HigherOn.After(s.LowestOn) {
		return s.HigherOn, s.HigherAt
	}
	return s.LowestOn, s.LowestAt
}

// begin starts with the first level of a cartridge.
func (u *Use) begin(o Observation) {
	u.Level, u.At, u.Pages = o.Percent, o.At, o.Pages
	u.Start, u.Begun = o.Percent, o.Pages
}

// restarted is the use of the place with a new cartridge.
func (u Use) restarted(o Observation, since Streak) Use {
	next := Use{Step: u.Step, Fine: u.Fine, Days: u.Days}
	if o.Percent != nil {
		next.begin(o)
		next.Begun = since.Pages
	}
	return next
}

func (u *Use) fine(level float64) {
	if math.Mod(level, stepCoarse) != 0 {
		u.Fine = true
	}
}

// jumps says whether a level is too far from the last one for what a place can use
// in the time between.
func (u Use) jumps(o Observation) bool {
	change := *u.Level - *o.Percent
	allowed := float64(suddenPoints)
	switch {
	case u.coarse():
		allowed = max(allowed, 1.2*u.Step)
	case !u.Fine:
		allowed = 30 // it may be a device with steps of 25
	}
	if change > 0 {
		allowed += 3 * u.possible(o)
	}
	return math.Abs(change) > allowed
}

// possible is what was probably used since the last level, in percentage points. The
// pages tell it better than the days, since a clock may jump.
func (u Use) possible(o Observation) float64 {
	printed, told := pagesSince(u.Pages, o.Pages)
	if each, known := u.yield(); told && known {
		return float64(printed) / each
	}
	days := min(longGap, max(0, o.At.Sub(u.At).Hours()/24))
	return days * max(usualPerDay, u.perDay())
}

// fastest is how many pages an hour no copier prints.
const fastest = 10_000

// unprintable says that a counter has gone forward by more than was printed in a time: by more
// than any copier prints, or by what uses up a cartridge within hours, or, over a longer time,
// five times as fast as usual.
func (u Use) unprintable(pages int64, over time.Duration) bool {
	if float64(pages) > fastest*max(1, over.Hours()) {
		return true
	}
	each, known := u.yield()
	if !known || float64(pages) < beyond*each {
		return false
	}
	usual := u.printed() / int64(len(u.Days))
	return over < mostHidden || float64(pages) > 5*float64(usual)*(over.Hours()/24+1)
}

func (u Use) printed() (pages int64) {
	for _, d := range u.Days {
		pages += d.Pages
	}
	return pages
}

// leftAt is what was probably left in a cartridge when another one was seen; nobody may have
// looked for long before.
func (u Use) leftAt(new Streak) *float64 {
	if u.Level == nil || new.Since.Sub(u.At) < mostHidden {
		return u.Level
	}
	left := round(max(0, *u.Level-u.possible(Observation{At: new.Since, Pages: new.Pages})))
	return &left
}

// rests says that the device counts pages, and has printed none since the last level: then
// nothing was used.
func (u Use) rests(o Observation) bool {
	printed, told := pagesSince(u.Pages, o.Pages)
	return told && printed == 0 && u.printed() > 0
}

// coarse says whether the device tells its levels in large steps only.
func (u Use) coarse() bool { return !u.Fine && u.Step >= stepCoarse }

// ahead is the level above which no forecast orders.
func (u Use) ahead() float64 {
	if u.coarse() {
		return mostCoarse
	}
	return mostAhead
}

// note adds what was used since the last level that was believed, spread over the
// days between.
func (u *Use) note(o Observation, used float64) {
	if used != 0 && (u.Step == 0 || math.Abs(used) < u.Step) {
		u.Step = min(mostStep, math.Abs(round(used)))
	}
	pages, _ := pagesSince(u.Pages, o.Pages)
	u.Level, u.At, u.Pages = o.Percent, o.At, o.Pages
	u.Days = slices.Clone(u.Days)
	today := dayOf(o.At)
	for n := len(u.Days); n > 0 && u.Days[n-1].Day > today; n-- {
		u.Days = u.Days[:n-1] // the clock was wrong
	}
	gap := 1
	if n := len(u.Days); n > 0 {
		gap = today - u.Days[n-1].Day
	}
	if gap > longGap {
		u.Days, gap = nil, 1
	}
	for i := gap - 1; i >= 0; i-- {
		u.Days = append(u.Days, Day{Day: today - i})
	}
	share := max(1, gap)
	for i := len(u.Days) - share; i < len(u.Days); i++ {
		u.Days[i].Used = round(u.Days[i].Used + used/float64(share))
		u.Days[i].Pages += pages / int64(share)
	}
	if extra := len(u.Days) - mostDays; extra > 0 {
		u.Days = slices.Delete(u.Days, 0, extra)
	}
}

// pagesSince is how many pages were printed, and whether the device told. A counter
// that went back tells nothing.
func pagesSince(from, to *int64) (pages int64, told bool) {
	if from == nil || to == nil || *to < *from {
		return 0, false
	}
	return min(*to-*from, 10_000_000), true
}

func dayOf(t time.Time) int { return int(t.Unix() / (24 * 60 * 60)) }

func round(v float64) float64 { return math.Round(v*1000) / 1000 }
