package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// What one reading may cost at most. A large copier needs about 6 questions and
// 500 values; the bounds are for devices that never come to an end.
const (
	maxQuestions = 128
	maxValues    = 4096
	maxFailures  = 10 // in a row; finding one bad object among 32 takes 7
	maxSilences  = 16 // while the device answers something else; finding a column that it never tells takes up to 8
)

// errUnruly is a device that answers, but so that nothing comes of it.
var errUnruly = errors.New("the device does not keep to the protocol")

// limits are what one device can take. They are learnt from its refusals and kept
// from reading to reading.
type limits struct {
	names   int  // in one question
	values  int  // in one answer
	rowWise bool // GETNEXT only

	unordered bool // rows may come in another order

	mute  []string // columns that the device has passed over in silence in this reading
	known []string // and in the full one before
}

// startingLimits are those of a device of which nothing is known. An answer of 56
// values has about 1,400 octets, which fits an Ethernet frame.
func startingLimits() limits { return limits{names: 32, values: 56} }

// relax lets limits that were learnt once grow again, so that a passing trouble
// does not make a device slow to read for ever.
func (l *limits) relax() {
	start := startingLimits()
	l.names = min(l.names+l.names/4+1, start.names)
	l.values = min(l.values+l.values/4+1, start.values)
}

// news are the columns about which the device was silent for the first time. What it passes over
// in two full readings in a row it does not have.
func (l *limits) news() []string {
	var news []string
	for _, column := range l.mute {
		if !slices.Contains(l.known, column) {
			news = append(news, column)
		}
	}
	return news
}

// A walker reads several spans at once, with as few questions as it can.
type walker struct {
	session  session
	walks    []walk
	limits   *limits
	before   limits // those before the trouble that is being looked into; names is 0 if there is none
	values   int
	heard    bool // some answer was of use
	ends     bool // the device says noSuchName where it has nothing more, and can be believed
	failures int  // in a row
	silences int
	learn    func(harvest) ([]span, error) // nil if there is nothing more to learn
}

// walkAll reads the spans into found. After an error, found has what was read
// before it. As soon as the device has said what it is, learn, which may be nil, is
// called once, and what it returns is read along with the rest; its error ends the walk.
func walkAll(ctx context.Context, s session, spans []span, found harvest, l *limits, learn func(harvest) ([]span, error)) (err error) {
	w := &walker{session: s, limits: l, walks: make([]walk, len(spans)), learn: learn}
	for i, s := range spans {
		w.walks[i] = newWalk(s)
		w.walks[i].unordered = l.unordered
	}
	defer func() {
		for _, one := range w.walks {
			if l.unordered {
				slices.SortStableFunc(one.values, func(a, b variable) int { return compareOID(a.name, b.name) })
			}
			found.add(one.entry, one.values)
		}
		if err != nil {
			err = w.unread(err)
		}
	}()
	if l.rowWise || !s.bulk() {
		w.goRowWise()
	}
	w.beWary(w.walks)
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

// put asks one question and makes what it can of the answer.
func (w *walker) put(ctx context.Context, q question, asked []*walk) error {
	a, err := w.session.ask(ctx, q)
	switch {
	case errors.Is(err, errPassedOver):
		return w.unanswered(q, asked)
	case err != nil && !errors.Is(err, errGarbled):
		return err
	case err == nil && a.status == noError && w.settle(q, asked, a.variables):
		w.heard, w.failures = true, 0
		if err := w.extend(); err != nil {
			return err
		}
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

// extend adds what else is to be read of a device, once it is known what it is.
func (w *walker) extend() error {
	if w.learn == nil {
		return nil
	}
	told := harvest{}
	for _, one := range w.walks {
		if !one.identifies() {
			continue
		}
		if !one.done {
			return nil
		}
		told.add(one.entry, one.values)
	}
	more, err := w.learn(told)
	before := len(w.walks)
	for _, s := range more {
		added := newWalk(s)
		added.unordered = w.limits.unordered
		if w.limits.rowWise {
			w.walks = append(w.walks, added.split()...)
		}
		w.walks = append(w.walks, added)
	}
	w.beWary(w.walks[before:])
	w.learn = nil
	return err
}

// beWary remembers of walks about which columns the device was silent before.
func (w *walker) beWary(walks []walk) {
	for i := range walks {
		walks[i].wary = slices.ContainsFunc(w.limits.known, walks[i].comesAcross)
	}
}

// settle hands the values out to the walks that asked for them. It returns false
// and does nothing if none of them can be an answer to its question.
func (w *walker) settle(q question, asked []*walk, values []variable) bool {
	values = values[:min(len(values), q.values())]
	sensible := false
	for i, v := range values[:min(len(values), len(asked))] {
		asked[i].unordered = w.limits.unordered
		sensible = sensible || v.kind == end || asked[i].isNext(v.name)
	}
	if !sensible {
		return false
	}
	over := make([]bool, len(asked))
	for i, v := range values {
		if i >= len(asked) {
			i = q.nonRepeaters + (i-q.nonRepeaters)%(len(asked)-q.nonRepeaters)
		}
		if !over[i] {
			over[i] = !asked[i].take(v)
			w.values++
		}
	}
	if asked[0].suspect {
		asked[0].suspect = false // it is innocent: the question was too large
		w.halve()
	}
	asked[0].silent = false
	return true
}

// unanswered makes what it can of a question on which a device was silent that answers others.
// The question was too large for it, or for the way to it. Or there is an object that it never
// tells, as happens: then the columns are asked for one by one, until that one is found, and
// done without.
func (w *walker) unanswered(q question, asked []*walk) error {
	w.silences++
	switch {
	case w.silences > maxSilences:
		return errSilent
	case w.silences == 1 && len(asked) > 1:
		w.halve()
	case len(asked) > 1:
		for _, one := range asked {
			one.silent = true
		}
	case q.repetitions > 1:
		asked[0].silent, asked[0].wary, asked[0].room = false, true, max(q.repetitions/4, 1)
	default:
		w.mute(asked[0])
	}
	return nil
}

// mute does without the column that a walk has come to, since the device is silent about it. The
// next one is another matter; after three in a row the rest is silence, too. (Two are one, if the
// end of a column cannot be seen since the next one begins behind it.)
func (w *walker) mute(one *walk) {
	name := func(column int) string { return one.entry + "." + strconv.Itoa(column) }
	last := one.column
	if slices.Contains(w.limits.mute, name(one.column-1)) && slices.Contains(w.limits.mute, name(one.column-2)) {
		last = one.end
	}
	for one.column < last {
		w.limits.mute = append(w.limits.mute, name(one.column))
		one.skip()
	}
	w.limits.mute = append(w.limits.mute, name(last))
	one.silent, one.wary, one.room = false, true, 0
	w.giveUp(one, noError)
}

// yield makes the next question easier than the one that was refused.
func (w *walker) yield(q question, asked []*walk, a answer) {
	named := a.index >= 1 && a.index <= len(asked)
	switch {
	case w.failures == 1 && a.status == noError:
		// Nonsense is worth asking again as it is: it may have been an accident.
	case len(asked) == 1 && q.repetitions > 1:
		w.remember()
		w.limits.values = q.repetitions / 2
	case len(asked) == 1:
		w.giveUp(asked[0], a.status)
	case named && a.status == noSuchName && w.ends:
		w.giveUp(asked[a.index-1], a.status)
	case named && a.status != tooBig:
		asked[a.index-1].suspect = true
	case w.failures > 1 && !w.heard && !w.limits.rowWise:
		w.goRowWise()
	default:
		w.halve()
	}
}

// giveUp does without the object that a walk has come to, since the device cannot
// tell it even by itself. With the culprit found, questions can be as large as
// before.
func (w *walker) giveUp(culprit *walk, why status) {
	if why == noSuchName { // version 1: there is nothing at all after this name
		w.ends, w.failures = true, 0
		for i := range w.walks {
			if compareOID(w.walks[i].last, culprit.last) > 0 {
				w.walks[i].done = true
			}
		}
	}
	culprit.suspect = false
	culprit.skip()
	if w.before.names > 0 {
		w.limits.names, w.limits.values = w.before.names, w.before.values
		w.before = limits{}
	}
}

// halve makes the questions half as large.
func (w *walker) halve() {
	w.remember()
	w.limits.names = max(w.limits.names/2, 1)
	w.limits.values = max(w.limits.values/2, 1)
}

func (w *walker) remember() {
	if w.before.names == 0 {
		w.before = *w.limits
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
	live := w.live()
	if w.limits.rowWise {
		// What the device is comes first, since its profile may say how it is to be asked. Then
		// the longest columns: the number of questions is that of their rows.
		urgency := func(one *walk) int {
			if w.learn != nil && one.identifies() {
				return maxValues
			}
			return one.want()
		}
		slices.SortStableFunc(live, func(a, b *walk) int { return cmp.Compare(urgency(b), urgency(a)) })
		live = live[:min(len(live), w.limits.names)]
		// In the order of the names, since where a device has nothing more it blames the first
		// name, and nothing is behind those after it either.
		slices.SortFunc(live, func(a, b *walk) int { return compareOID(a.last, b.last) })
		return question{names: lastNames(live)}, live
	}
	slices.SortStableFunc(live, func(a, b *walk) int { return cmp.Compare(a.want(), b.want()) })
	live = live[:min(len(live), w.limits.names)]
	room := w.limits.values
	if len(live) == 1 && live[0].room > 0 {
		room = min(room, live[0].room)
	}
	return bulkQuestion(live, room)
}

// live are the walks that the next question may ask for.
func (w *walker) live() []*walk {
	live, wary := make([]*walk, 0, len(w.walks)), []*walk(nil)
	for i := range w.walks {
		switch one := &w.walks[i]; {
		case one.done:
		case one.suspect || one.silent:
			return []*walk{one}
		case one.wary:
			wary = append(wary, one)
		default:
			live = append(live, one)
		}
	}
	if len(live) == 0 && len(wary) > 0 {
		return wary[:1]
	}
	return live
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
