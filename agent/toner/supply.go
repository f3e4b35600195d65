package toner

import (
	"cmp"
	"slices"
	"time"
)

// after is the supply after one more observation, what happened to it, and whether it
// is to be ordered.
func (s Supply) after(o Observation, rule Rule, p Policy) (next Supply, happened []Event, order bool) {
	if !s.tells(o) {
		return s, nil, false
	}
	s.leap(o)
	s.remember(o)
	if proof := s.renewed(o, rule, p); proof != "" {
		next, e := s.fresh(o, proof, p)
		return next, e, false
	}
	if s.New.Count > 0 || !s.believe(o, p) {
		return s, nil, false // it may be another cartridge, or a slip
	}
	if s.ordered() && !s.unasked(p) {
		return s, nil, false
	}
	if s.low(o, rule, p) == "" {
		if !s.rests(o) {
			s.Low = Streak{}
			s.become(s.calm(o, rule))
		}
		return s, nil, false
	}
	s.Low = s.Low.and(o)
	s.become(Due)
	return s, nil, s.Low.lasted(p.Readings, p.Over, o.At)
}

// become is the state of a supply of which nothing waits, not even a suggestion.
func (s *Supply) become(state State) {
	if s.Waits() {
		return
	}
	if s.State = state; state != Due {
		s.Held = ""
	}
}

// unasked says that an order is a suggestion still, though the mode does not ask people any
// more: if the rule still says so, it is ordered.
func (s Supply) unasked(p Policy) bool {
	return s.Suggested && s.Waits() && p.Mode != Suggest && p.Mode != Off
}

// rests says that a device that told of a low supply has printed nothing since: if it does not
// say so again, it is asleep.
func (s Supply) rests(o Observation) bool {
	before, told := s.last(func(o Observation) bool { return o.Signal != "" })
	return s.Low.Count > 0 && o.Percent == nil && told && before.Pages != nil && equal(before.Pages, o.Pages)
}

// calm is the state of a supply that is not low.
func (s Supply) calm(o Observation, rule Rule) State {
	switch {
	case o.Percent == nil && o.Left == nil && o.Signal == "" || s.ghost(o):
		return Unknown
	case o.Percent != nil && *o.Percent < 2*float64(rule.OrderBelow):
		return Watch
	}
	return Fine
}

// Hold says why a supply that is low, as far as is known, is not ordered, or "".
func (s Supply) Hold() Hold {
	switch {
	case s.State != Due:
		return ""
	case s.New.Count > 0:
		return HeldOther
	case s.Jump.Count > 0:
		return HeldDoubted
	case s.Held == "":
		return HeldConfirm
	}
	return s.Held
}

// tells says whether an observation can be compared with the others. A level that is
// missing for once, as from a device asleep, interrupts no row; but where the device's own
// word led to an order, or it does not measure any more, its silence tells of the new cartridge.
func (s Supply) tells(o Observation) bool {
	return o.Percent != nil || o.Signal != "" || s.Highest == nil || o.Serial != "" && o.Serial != s.Serial ||
		s.ordered() && (!s.Order.Reason.measured() || o.At.Sub(s.Use.At) >= mostShaken)
}

// ghost says that a supply has always been at zero, such as the fifth toner of a
// device that has four. One with a colour of which an alert says that it is empty is
// none: it was empty when it was first seen. Nor is one of which the device has said that
// something is left.
func (s Supply) ghost(o Observation) bool {
	return s.Highest != nil && *s.Highest == 0 && !s.Some && (o.Signal == "" || s.Colour == "")
}

// leap notes that another counter tells what was printed, as after an update or while the
// device does not tell its own, or that a technician has set it: it has gone forward by what
// nobody prints in the time. Then it proves nothing of the toner, and what is counted from is
// moved along.
func (s *Supply) leap(o Observation) {
	if o.Pages == nil {
		return
	}
	another := s.Counter != "" && o.Counter != "" && s.Counter != o.Counter
	s.Counter = cmp.Or(o.Counter, s.Counter)
	before, found := s.last(func(o Observation) bool { return o.Pages != nil })
	if !found {
		return
	}
	by := *o.Pages - *before.Pages
	if !another && !s.Use.unprintable(by, o.At.Sub(before.At)) {
		return
	}
	for _, from := range []**int64{&s.LowestAt, &s.HigherAt, &s.New.Pages, &s.Use.Pages, &s.Use.Begun} {
		if *from != nil {
			moved := **from + by
			*from = &moved
		}
	}
}

// last is the last observation of a kind.
func (s Supply) last(is func(Observation) bool) (o Observation, found bool) {
	for _, o := range slices.Backward(s.Readings) {
		if is(o) {
			return o, true
		}
	}
	return o, false
}

func (s *Supply) remember(o Observation) {
	if s.Serial == "" {
		s.Serial = o.Serial
	}
	if s.Part == "" {
		s.Part = o.Part
	}
	if o.Percent != nil && (s.Highest == nil || *s.Highest < *o.Percent) {
		s.Highest = o.Percent
	}
	o.Part = "" // of no use in the evidence, where the supply has it
	s.Readings = slices.Clone(s.Readings)
	if n := len(s.Readings); n > 1 && s.Readings[n-1].same(o) && s.Readings[n-2].same(o) {
		s.Readings[n-1] = o
		return
	}
	s.Readings = append(s.Readings, o)
	if len(s.Readings) > mostReadings {
		s.Readings = slices.Delete(s.Readings, 1, 2)
	}
}

// mostHidden is how long a copier may not have been read and cannot have used up a cartridge.
const mostHidden = 12 * time.Hour

const (
	floor      = 3  // percent: less is ordered whatever the forecast says
	mostAhead  = 40 // percent: more is never ordered because of a forecast
	mostCoarse = 25 // the same, where the level comes in large steps
	stepCoarse = 5  // percentage points: a device with larger steps is coarse
)

// settled is how long a level in large steps stands before it counts as reached, over a
// weekend too: noise moves it up and down between two steps. See stands.
const settled = 3 * 24 * time.Hour

// low says why an observation is one of a supply to be ordered, or "".
func (s Supply) low(o Observation, rule Rule, p Policy) Code {
	if rule.OrderBelow <= 0 || s.ghost(o) {
		return ""
	}
	if code := s.empty(o); code != "" {
		return code
	}
	if o.Percent == nil {
		if o.Left != nil && rule.PagesLeft > 0 && *o.Left < rule.PagesLeft {
			return PagesLeft
		}
		return ""
	}
	left := s.left(*o.Percent, o)
	below := float64(rule.OrderBelow)
	if left < min(floor, below) {
		return belowOr(LastStep, *o.Percent < below)
	}
	if rule.PagesLeft > 0 && *o.Percent <= mostAhead {
		if yield, ok := s.Use.yield(); ok && left*yield < float64(rule.PagesLeft) {
			return PagesLeft
		}
	}
	if rule.DaysLeft > 0 && *o.Percent <= s.Use.ahead() && s.confidence(o, p.History).sure() {
		switch {
		case walk(s.Use.week(), left, o.At) <= float64(rule.DaysLeft):
			return DaysLeft
		case s.Use.busy(p.Delivery+1, o.At) >= left: // a parcel is late now and then
			return Busy
		}
		return ""
	}
	since, _ := s.stands()
	if *o.Percent < below || s.Use.coarse() && *o.Percent <= s.Use.Step && o.At.Sub(since) >= settled {
		return belowOr(LastStep, *o.Percent < below)
	}
	return ""
}

// belowOr is LevelBelow if the level is below the rule's percentage, or else another code.
func belowOr(code Code, below bool) Code {
	if below {
		return LevelBelow
	}
	return code
}

// empty is the device's own word, where that counts: "empty" unless a level is measured
// that contradicts it, since alerts of a warning stay in the table for long (RFC 3805,
// prtAlertSeverityLevel); "nearly empty" only where the level is not measured.
func (s Supply) empty(o Observation) Code {
	switch {
	case slices.Contains(emptyWords(), o.Signal) && (o.Percent == nil || *o.Percent <= mostAhead):
		return SaysEmpty
	case o.Percent == nil && slices.Contains(almostEmptyWords(), o.Signal):
		return SaysAlmostEmpty
	}
	return ""
}

// plainLow says whether an observation looks like a supply that is used up.
func (s Supply) plainLow(o Observation, rule Rule) bool {
	return s.empty(o) != "" || o.Percent != nil && *o.Percent < float64(rule.OrderBelow)
}
