package toner

import (
	"math"
	"slices"
	"time"
)

// A Forecast says how long the rest of a cartridge lasts. It rests on what the place
// has used day by day, over at most 13 weeks and all its cartridges.
type Forecast struct {
	Confidence Confidence `json:"confidence"`
	History    int        `json:"history"`           // days it rests on
	Days       float64    `json:"days,omitempty"`    // likely; 0 unless the confidence is fair or good
	Soonest    float64    `json:"soonest,omitempty"` // days, if a busy stretch comes now
	Latest     float64    `json:"latest,omitempty"`  // days, if a quiet stretch comes now; at most 365
	Empty      time.Time  `json:"empty,omitzero"`    // likely, at that day
	Pages      *int64     `json:"pages,omitempty"`   // likely
	Arrival    *float64   `json:"arrival,omitempty"` // percent left when the parcel comes, likely
}

// Confidence says how far a forecast can be trusted.
type Confidence string

// The confidences. Thin and stale forecasts order nothing.
const (
	Thin  Confidence = "thin"  // too little history
	Stale Confidence = "stale" // pages were printed and the level has not moved
	Fair  Confidence = "fair"  // less than four weeks, or a level in large steps, or nearly nothing used
	Good  Confidence = "good"
)

func (c Confidence) sure() bool { return c == Fair || c == Good }

const (
	mostDaysAhead = 365
	fourWeeks     = 28
	leastUsed     = 2    // percentage points, for a forecast
	busyShare     = 0.95 // of all stretches of the past are quieter than a busy one
)

// confidence of a forecast made now.
func (s Supply) confidence(o Observation, history int) Confidence {
	u := s.Use
	switch {
	case len(u.Days) < max(history, 7) || len(u.Days) < fourWeeks && u.little():
		return Thin
	case s.stuck(o):
		return Stale
	case len(u.Days) < fourWeeks || u.coarse() || u.little():
		return Fair
	}
	return Good
}

// stuck says that the device tells the same level although far more has been printed
// than a step of it lasts.
func (s Supply) stuck(o Observation) bool {
	return s.Lowest != nil && s.Use.since(s.LowestAt, o) > 3*max(s.Use.Step, 1)+5
}

// since is how many percentage points' worth of pages were printed since so many
// impressions in all.
func (u Use) since(from *int64, o Observation) float64 {
	each, known := u.yield()
	printed, _ := pagesSince(from, o.Pages)
	if !known {
		return 0
	}
	return float64(printed) / each
}

func (u Use) used() (sum float64) {
	for _, d := range u.Days {
		sum += d.Used
	}
	return sum
}

// smooth are the days with what their pages say of them. The level tells how much was
// used in all, and the pages tell when: a level in large steps, noise and shaking put
// days of use into one. A fine level knows more of the day, so it counts half.
func (u Use) smooth() []Day {
	each, known := u.yield()
	if !known {
		return u.Days
	}
	days := slices.Clone(u.Days)
	for i, d := range days {
		days[i].Used = float64(d.Pages) / each
		if !u.coarse() {
			days[i].Used = (days[i].Used + d.Used) / 2
		}
	}
	return days
}

// perDay is what is used on an average day, in percentage points.
func (u Use) perDay() float64 {
	if len(u.Days) < 7 {
		return usualPerDay
	}
	used := u.used()
	if u.coarse() {
		used += u.Step // it may be about to step
	}
	return max(0, used/float64(len(u.Days)))
}

// yield is how many pages one percentage point lasts.
func (u Use) yield() (each float64, known bool) {
	pages, used := u.printed(), u.used()
	if used < 5 || pages < 100 {
		return 0, false
	}
	return float64(pages) / used, true
}

// left is what is left at the least. A device that tells large steps has told its
// level when it reached the step, perhaps rounded up; since then an unknown part of it
// was used.
func (s Supply) left(percent float64, o Observation) float64 {
	if !s.Use.coarse() || s.Lowest == nil {
		return percent
	}
	since, pages := s.stands()
	days := max(0, o.At.Sub(since).Hours()/24)
	used := 1.3 * max(days*s.Use.perDay(), s.Use.since(pages, o))
	return max(0, min(percent, *s.Lowest)-min(s.Use.Step, used))
}

// busy is what a busy stretch of so many days uses, in percentage points: more than
// 95 of 100 such stretches of the past did, and a reserve of one point. With less
// than four weeks of history a quarter is added. Where nearly nothing was used, the
// next step of the level might have come tomorrow, and all of it counts twice.
func (u Use) busy(days int, now time.Time) float64 {
	most := u.stretch(days, busyShare, now) * u.caution()
	if u.little() {
		most = max(most, 2*(u.used()+u.Step)/float64(max(1, len(u.Days)))*float64(days))
	}
	return most + 1
}

// little says that too little was used for its days to be told apart.
func (u Use) little() bool { return u.used() < max(leastUsed, 2*u.Step) }

func (u Use) caution() float64 {
	if len(u.Days) < fourWeeks {
		return 1.25
	}
	return 1
}

// stretch is what so many days in a row use: the share's quantile of all such
// stretches of the past. Today is not over, so it is none of them.
func (u Use) stretch(days int, share float64, now time.Time) float64 {
	past := u.smooth()
	if n := len(past); n > 1 && past[n-1].Day == dayOf(now) {
		past = past[:n-1]
	}
	wide := min(days, max(1, len(past)/2))
	sums := make([]float64, 0, mostDays)
	sum := 0.0
	for i, d := range past {
		sum += d.Used
		if i >= wide {
			sum -= past[i-wide].Used
		}
		if i >= wide-1 {
			sums = append(sums, sum)
		}
	}
	if len(sums) == 0 {
		return 0
	}
	slices.Sort(sums)
	at := min(len(sums)-1, int(math.Ceil(share*float64(len(sums)))))
	return max(0, sums[at]) * float64(days) / float64(wide)
}

// forecast looks ahead from an observation.
func (s Supply) forecast(o Observation, p Policy) Forecast {
	f := Forecast{Confidence: s.confidence(o, p.History), History: len(s.Use.Days)}
	if o.Percent == nil || !f.Confidence.sure() {
		return f
	}
	left := s.left(*o.Percent, o)
	f.Soonest = lasts(func(days int) bool { return s.Use.busy(days, o.At) >= left })
	f.Latest = lasts(func(days int) bool { return s.Use.stretch(days, 1-busyShare, o.At) >= left })
	week := s.Use.week()
	f.Days = walk(week, left, o.At)
	f.Latest, f.Soonest = max(f.Latest, f.Days), min(f.Soonest, f.Days)
	f.Empty = o.At.Truncate(24*time.Hour).AddDate(0, 0, int(f.Days))
	arrival := left
	for i := range p.Delivery {
		arrival -= week[weekday(o.At, i+1)]
	}
	arrival = round(max(0, arrival))
	f.Arrival = &arrival
	if each, known := s.Use.yield(); known {
		pages := int64(math.Round(left * each))
		f.Pages = &pages
	}
	return f
}

// Forecast looks ahead from the last reading of a supply. The zero value says that
// there is none.
func (l Ledger) Forecast(p Policy, key string) (f Forecast) {
	s := l.Supplies[key]
	if n := len(s.Readings); n > 0 {
		return s.forecast(s.Readings[n-1], p)
	}
	return f
}

// lasts is the first number of days for which empty is true. It is true for all later
// ones too, nearly enough.
func lasts(empty func(days int) bool) float64 {
	low, high := 1, mostDaysAhead
	for low < high {
		if mid := (low + high) / 2; empty(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return float64(low)
}

// week is what each weekday uses, Sunday first: the mean of that day in the weeks that
// were not idle. A week is idle if it used less than a fifth of the median week.
func (u Use) week() (mean [7]float64) {
	past := u.smooth()
	if len(past) > 1 {
		past = past[:len(past)-1]
	}
	past = past[max(0, len(past)-8*7):]
	var weeks []float64
	for i := len(past); i >= 7; i -= 7 {
		weeks = append(weeks, total(past[i-7:i]))
	}
	sorted := slices.Sorted(slices.Values(weeks))
	var days [7]int
	for i, d := range past {
		w := (len(past) - 1 - i) / 7
		if w < len(weeks) && weeks[w] < sorted[len(sorted)/2]/5 {
			continue
		}
		day := (d.Day + 4) % 7 // 1970-01-01 was a Thursday
		mean[day] += d.Used
		days[day]++
	}
	all := total(past) / float64(max(1, len(past)))
	for i := range mean {
		if days[i] == 0 {
			mean[i] = max(0, all)
			continue
		}
		mean[i] = max(0, mean[i]/float64(days[i]))
	}
	return mean
}

func total(days []Day) (sum float64) {
	for _, d := range days {
		sum += d.Used
	}
	return sum
}

// walk is how many days something lasts, day by day from the day after now.
func walk(week [7]float64, left float64, now time.Time) float64 {
	for i := range mostDaysAhead {
		use := week[weekday(now, i+1)]
		if use >= left {
			return round(float64(i) + left/max(use, 1e-9))
		}
		left -= use
	}
	return mostDaysAhead
}

func weekday(now time.Time, later int) int { return (dayOf(now) + later + 4) % 7 }
