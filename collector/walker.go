package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// What one reading may cost at most. A large copier needs about 6 questions and
// 500 values; the bounds are for devices that never come to an end.
const (
	maxQuestions = 128
	maxValues    = 4096
	maxFailures  = 8 // in a row
)

// limits are what one device can take. They are learnt from its refusals and kept
// from reading to reading.
type limits struct {
	names   int  // in one question
	values  int  // in one answer: a value takes about 25 octets with its name
	rowWise bool // GETNEXT only
}

// An answer of 56 values has about 1,400 octets and fits an Ethernet frame; 32
// names fit the 484 octets that every agent must accept.
var startingLimits = limits{names: 32, values: 56}

// relax lets limits that were learnt once grow again, so that a passing trouble
// does not make a device slow to read for ever.
func (l *limits) relax() {
	l.names = min(l.names+l.names/4+1, startingLimits.names)
	l.values = min(l.values+l.values/4+1, startingLimits.values)
}

func (l *limits) halve() {
	l.names = max(l.names/2, 1)
	l.values = max(l.values/2, 1)
}

// A walker reads several spans at once, with as few questions as it can.
type walker struct {
	session  session
	limits   *limits
	walks    []walk
	values   int
	heard    bool // some answer was of use
	failures int  // in a row
	silences int
}

// walkAll reads the spans into found. After an error, found has what was read
// before it.
func walkAll(ctx context.Context, s session, spans []span, found harvest, l *limits) error {
	if l.names == 0 {
		*l = startingLimits
	}
	w := &walker{session: s, limits: l, walks: make([]walk, len(spans))}
	for i, s := range spans {
		w.walks[i] = newWalk(s)
	}
	defer func() {
		for _, one := range w.walks {
			found.add(one.entry, one.values)
		}
	}()
	if l.rowWise || !s.bulk() {
		w.goRowWise()
	}
	for range maxQuestions {
		q, asked := w.next()
		if len(asked) == 0 {
			return nil
		}
		if err := w.put(ctx, q, asked); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: no end after %d questions", errUnruly, maxQuestions)
}

// errUnruly is a device that answers, but so that nothing comes of it.
var errUnruly = errors.New("the device does not keep to the protocol")

// put asks one question and makes what it can of the answer.
func (w *walker) put(ctx context.Context, q question, asked []*walk) error {
	a, err := w.session.ask(ctx, q)
	switch {
	case errors.Is(err, errSilent):
		// A device that has answered before may have dropped a question that was
		// too large for it; that is worth one more, smaller question.
		if w.silences++; !w.heard || w.silences > 1 {
			return err
		}
		w.limits.halve()
		return nil
	case err != nil && !errors.Is(err, errGarbled):
		return err
	case err == nil && w.settle(q, asked, a):
		w.heard, w.failures = true, 0
		if w.values > maxValues {
			return fmt.Errorf("%w: more than %d values", errUnruly, maxValues)
		}
		return nil
	}
	if w.failures++; w.failures == maxFailures {
		return fmt.Errorf("%w: %d answers of no use, the last with error status %d", errUnruly, maxFailures, a.status)
	}
	w.yield(q, asked, a)
	return nil
}

// settle hands the answer out to the walks that asked for it, and returns whether
// it brought any of them on.
func (w *walker) settle(q question, asked []*walk, a answer) bool {
	if a.status == noSuchName && a.index >= 1 && a.index <= len(asked) {
		asked[a.index-1].done = true // version 1 has nothing after this name
		return true
	}
	if a.status != noError {
		return false
	}
	onward := false
	over := make([]bool, len(asked))
	for i, v := range a.variables[:min(len(a.variables), q.values())] {
		k := i
		if i >= len(asked) {
			k = q.nonRepeaters + (i-q.nonRepeaters)%(len(asked)-q.nonRepeaters)
		}
		if !over[k] {
			over[k] = !asked[k].take(v)
			onward = true
			w.values++
		}
	}
	return onward
}

// yield makes the next question easier than the one that was refused.
func (w *walker) yield(q question, asked []*walk, a answer) {
	switch {
	case len(asked) == 1 && q.repetitions > 1:
		w.limits.values = max(q.repetitions/2, 1)
	case len(asked) == 1:
		asked[0].skip()
	case a.index >= 1 && a.index <= len(asked) && a.status != tooBig && w.failures == 1:
		asked[a.index-1].alone = true
	case w.failures == 2 && !w.heard && !w.limits.rowWise:
		w.goRowWise()
	default:
		w.limits.halve()
	}
}

// goRowWise reads every column by itself from now on, a row of all of them with
// each question: the way for version 1, and for devices that get GETBULK wrong.
func (w *walker) goRowWise() {
	w.limits.rowWise = true
	for i := range w.walks {
		w.walks = append(w.walks, w.walks[i].split()...)
	}
}

// next makes the question that brings the reading on most, and returns it with
// the walk that asks for each of its names.
func (w *walker) next() (question, []*walk) {
	live := make([]*walk, 0, len(w.walks))
	var alone []*walk
	for i := range w.walks {
		switch one := &w.walks[i]; {
		case one.done:
		case one.alone:
			alone = append(alone, one)
		default:
			live = append(live, one)
		}
	}
	if len(live) == 0 {
		live = alone[:min(len(alone), 1)]
	}
	if w.limits.rowWise {
		// The longest columns first: the number of questions is that of their rows.
		slices.SortStableFunc(live, func(a, b *walk) int { return cmp.Compare(b.want(), a.want()) })
		live = live[:min(len(live), w.limits.names)]
		return question{names: lastNames(live)}, live
	}
	slices.SortStableFunc(live, func(a, b *walk) int { return cmp.Compare(a.want(), b.want()) })
	live = live[:min(len(live), w.limits.names)]
	return bulkQuestion(live, w.limits.values)
}

// bulkQuestion asks for the walks, which are sorted by what they want. GETBULK
// follows all repeated names equally far, so that walks of unequal length waste the
// answer. So neighbours in that order are repeated, those of which most come to
// their end within the room there is, or that bring most values; of all others one
// value is asked for.
func bulkQuestion(live []*walk, room int) (question, []*walk) {
	type choice struct{ from, to, repetitions, finished, useful int }
	var best choice
	for from := range live {
		for to := from + 1; to <= len(live) && live[from].want() > 1; to++ {
			c := choice{from: from, to: to}
			c.repetitions = min(live[to-1].want(), max((room-len(live))/(to-from)+1, 1))
			for _, w := range live[from:to] {
				c.useful += min(w.want(), c.repetitions) - 1 // one would come without repetition
				if w.want() <= c.repetitions {
					c.finished++
				}
			}
			if c.finished > best.finished || c.finished == best.finished && c.useful > best.useful {
				best = c
			}
		}
	}
	asked := slices.Concat(live[:best.from], live[best.to:], live[best.from:best.to])
	q := question{names: lastNames(asked)}
	if best.repetitions > 1 {
		q.nonRepeaters, q.repetitions = len(asked)-(best.to-best.from), best.repetitions
	}
	return q, asked
}

func lastNames(walks []*walk) []string {
	names := make([]string, len(walks))
	for i, w := range walks {
		names[i] = w.last
	}
	return names
}
