package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Plan is what a full read of a device has taught: what the device has that changes,
// and the rest as it was. With it the next reading takes one question, as a rule, and
// is as complete. It is to be kept as it is; it has no secrets in it. One that does not
// fit any more, or is damaged, does no harm: the device is read in full, and the
// reading comes with a new one.
type Plan []byte

// maxPlanAge is how long a plan is followed. Some of what it takes for granted can
// change without a sign: a name, a place, the media in a tray.
const maxPlanAge = 24 * time.Hour

// plan is a Plan to work with.
type plan struct {
	print   uint64    // of the profiles it was made with
	learnt  time.Time // when the reading began that it was learnt from
	uptime  int64     // sysUpTime then, in hundredths of a second; 0 if it was not told
	version Version
	place   int    // of the credential among those of the target
	limits  limits // that the device has shown
	profile string // name of the profile; "" for none

	questions [2][]byte // by the scope, as they are written
	highest   int       // of the objects that a question asks for

	folded []byte // the contents, as they are written; nil once they are unfolded
	*contents
}

// contents are what a plan knows of the objects of a device. They are large, and not
// needed before there is an answer.
type contents struct {
	columns []planColumn
	objects []variable // in the order of their names, as they were told last
	marks   []planMark // one of each object
}

// A planColumn is a run of objects.
type planColumn struct {
	name     string
	from, to int // in objects
}

// A planMark is what a planned reading makes of an object. One that must be absent has
// as its name the branch, and follows what it would follow.
type planMark struct {
	role role
	low  int64 // of a level: the lowest there was
	step int64 // and by how much it may rise
}

// A role is what a planned reading makes of an object.
type role uint8

const (
	fixed   role = iota // it is not asked for
	varying             // it changes, and any value will do: counters, states, texts
	exact               // it must be what it was
	sinking             // a level: it falls, and if it rises, something was replaced
	running             // the time since the device was started
	absent              // nothing must be here: a row would be new
	roles               // how many there are
)

// fits says whether the plan is still good to follow, before the device is asked.
func (p *plan) fits(profiles *Profiles, now time.Time) bool {
	age := now.Sub(p.learnt)
	return age >= 0 && age < maxPlanAge && p.print == profiles.fingerprint() && (p.profile == "" || profiles.named(p.profile) != nil)
}

// follow reads the device by its plan. It returns false if anything is not as the plan
// has it: then what was read is to be forgotten.
func (q *query) follow(ctx context.Context, p *plan, now time.Time) (bool, error) {
	questions, ok := p.ask(q.scope)
	if !ok {
		return false, nil
	}
	for len(questions) > 0 {
		planned := questions[0]
		questions = questions[1:]
		a, err := q.askPlanned(ctx, &planned, p)
		switch {
		case errors.Is(err, errGarbled), errors.Is(err, errPassedOver):
			return false, nil
		case err != nil:
			return false, err
		case a.status != noError:
			return false, nil
		}
		var cut plannedQuestion // what a device leaves out of an answer that grows too long
		for i, object := range planned.objects {
			if object < 0 {
				continue
			}
			if i >= len(a.variables) {
				cut.names, cut.objects = append(cut.names, p.before(&planned, i)), append(cut.objects, object)
				continue
			}
			if !p.accepts(object, a.variables[i], now) {
				return false, nil
			}
			p.objects[object].num, p.objects[object].text = a.variables[i].num, a.variables[i].text
			q.lowered = p.marks[object].lower(a.variables[i].num) || q.lowered
		}
		switch {
		case len(cut.names) == 0:
		case len(a.variables) == 0:
			return false, nil
		default:
			questions = append(questions, cut)
		}
	}
	if q.found = make(harvest); q.room != nil {
		q.found = q.room().harvest()
	}
	for _, c := range p.columns {
		if !(q.scope == Supplies && onlyFull(c.name)) && c.to > c.from && p.marks[c.from].role != absent {
			q.found[c.name] = p.objects[c.from:c.to]
		}
	}
	q.profile, q.plan, q.kept = q.profiles.named(p.profile), p, true
	return true, nil
}

// before is the name that a value of an answer follows.
func (p *plan) before(q *plannedQuestion, value int) string {
	if value < len(q.names) {
		return q.names[value]
	}
	return p.objects[q.objects[value-(len(q.names)-q.nonRepeaters)]].name
}

// askPlanned asks a planned question, and unfolds the plan when it is answered. In version 1 a device says noSuchName for a name
// with nothing at all behind it: where nothing is to be, that is as it should be, and
// the question is asked again without it.
func (q *query) askPlanned(ctx context.Context, planned *plannedQuestion, p *plan) (answer, error) {
	for len(planned.names) > 0 {
		a, err := q.session.ask(ctx, planned.question)
		if err == nil && !p.unfold(q.room) {
			return answer{}, fmt.Errorf("%w by this plan", errGarbled)
		}
		i := a.index - 1
		if err != nil || a.status != noSuchName || planned.repetitions > 0 || i < 0 || i >= len(planned.names) || p.marks[planned.objects[i]].role != absent {
			return a, err
		}
		planned.names, planned.objects = slices.Delete(planned.names, i, i+1), slices.Delete(planned.objects, i, i+1)
	}
	return answer{}, nil
}

// accepts says whether an answer is what the plan expects of an object.
func (p *plan) accepts(object int, v variable, now time.Time) bool {
	o, m := &p.objects[object], &p.marks[object]
	if m.role == absent {
		return v.kind == end || !under(o.name, v.name)
	}
	if v.name != o.name || v.kind != o.kind {
		return false
	}
	switch m.role {
	case exact:
		return v.num == o.num && v.text == o.text
	case sinking:
		if v.num < 0 || m.low < 0 {
			return v.num == m.low
		}
		return v.num <= m.low+m.step
	case running:
		started := now.Add(-time.Duration(v.num) * 10 * time.Millisecond)
		return v.num >= p.uptime && (p.uptime == 0 || !started.After(p.learnt))
	}
	return true
}

// lower notes that a level has fallen, so that it is noticed when it rises again. To
// keep the plan as it is for most readings, only a clear fall counts.
func (m *planMark) lower(level int64) bool {
	if m.role != sinking || level < 0 || level >= m.low-2*m.step {
		return false
	}
	m.low = level
	return true
}

// planned is the plan for the next reading, given the one before this.
func (q *query) planned(before Plan) Plan {
	switch {
	case q.plan == nil:
		return nil
	case q.kept && !q.lowered:
		return before
	}
	return q.plan.write()
}
