package agent

import (
	"container/heap"
	"hash/fnv"
	"net"
	"strconv"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
)

// A target is one address that is asked for readings.
type target struct {
	address string
	port    uint16
	network config.Network // how it is asked
	device  string         // id of the device that answered there last; "" if none ever did

	due     time.Time // of the next read
	fullDue time.Time // of the next read that asks for everything
	full    time.Time // of the last one
	fails   int       // reads in a row without an answer
	less    sparing   // why it is asked less than the configuration says; "" if it is not
	busy    bool      // a read is under way: a device is never asked twice at once
	index   int       // place in the heap
}

// host is the target as people write it.
func (t *target) host() string {
	return net.JoinHostPort(t.address, strconv.Itoa(int(t.port)))
}

// A sparing is a reason to ask a copier less.
type sparing string

// The reasons, as the status has them.
const (
	sparedSilent sparing = "silent" // it does not answer
	sparedSlow   sparing = "slow"   // reading it takes long
	sparedAsleep sparing = "asleep" // it sleeps
	sparedQuiet  sparing = "quiet"  // these are quiet hours
)

// A schedule says which target is due next. It belongs to one goroutine.
type schedule struct {
	cfg     config.Config
	poll    config.Poll // of cfg
	byHost  map[string]*target
	waiting queue         // targets that are not busy, soonest first
	planned func(*target) // told when it is known when a target is asked next
}

func newSchedule(cfg config.Config, planned func(*target)) *schedule {
	return &schedule{cfg: cfg, poll: cfg.Poll, byHost: map[string]*target{}, planned: planned}
}

// add makes a target known; one that is known already stays as it is. A target
// without a due time is due now.
func (s *schedule) add(t target) {
	if _, known := s.byHost[t.host()]; known {
		return
	}
	s.byHost[t.host()] = &t
	heap.Push(&s.waiting, &t)
}

// next is the target that is due soonest, nil if there is none. What is due in quiet
// hours comes after them, not all in one second.
func (s *schedule) next(now time.Time) *target {
	for len(s.waiting) > 0 {
		t := s.waiting[0]
		quiet := s.cfg.QuietOf(t.network)
		if t.due.After(now) || !quiet.Contains(now) {
			return t
		}
		t.due = quiet.End(now).Add(spread(t.host(), min(s.poll.Supplies, 10*time.Minute)))
		t.less = sparedQuiet
		heap.Fix(&s.waiting, t.index)
		s.planned(t)
	}
	return nil
}

// start takes t, which next returned, out of the queue until done.
func (s *schedule) start(t *target) {
	heap.Remove(&s.waiting, t.index)
	t.busy = true
}

// What a copier is spared. A read may take a hundredth of a copier's time, if it is
// more than a moment; and one that does not answer is tried every few hours all the
// same, since it may be on for a part of the day only.
const (
	shareOfTime   = 100
	moment        = 2 * time.Second
	longestSilent = 4 * time.Hour
	dayOfMeters   = 24 * time.Hour // a copier that sleeps is read so often
)

// done puts the target of a result back with its next due time. One that does not
// answer is asked less and less often; one that is slow, so often that reading it
// takes a hundredth of its time, but no less than every meters interval.
func (s *schedule) done(r result, now time.Time) {
	t := r.target
	t.busy, t.less = false, ""
	every := s.poll.Supplies
	if r.answered != "" {
		t.device, t.fails = r.answered, 0
		if r.asleep {
			t.less = sparedAsleep
		} else if r.scope == collector.Full && !r.partial {
			t.full, t.fullDue = now, now.Add(s.poll.Meters)
		}
		if enough := min(shareOfTime*r.took, s.poll.Meters); r.took > moment && enough > every {
			every, t.less = enough, sparedSlow
		}
	} else {
		t.fails++
		for i := 1; i < t.fails && every < s.poll.Meters; i++ {
			every *= 2
			t.less = sparedSilent
		}
		every = min(every, max(min(s.poll.Meters, longestSilent), s.poll.Supplies))
	}
	t.due = now.Add(every - spread(t.host(), every/20))
	heap.Push(&s.waiting, t)
	s.planned(t)
}

// sleeps says whether t may be left alone at now, if it sleeps.
func (s *schedule) sleeps(t *target, now time.Time) bool {
	since := now.Sub(t.full)
	return t.device != "" && !s.poll.Wake && since >= 0 && since < dayOfMeters
}

// scope says what a read of t at now asks for.
func (s *schedule) scope(t *target, now time.Time) collector.Scope {
	// A read that comes a little early for the full round is the full round.
	if t.device == "" || !now.Before(t.fullDue.Add(-s.poll.Supplies/2)) {
		return collector.Full
	}
	return collector.Supplies
}

// first sets the due times of a target, before it is added, whose device was last
// read at last and last read in full at full, before this start of the daemon. Times from the future (the clock was set back)
// and from too long ago mean now.
func (s *schedule) first(t *target, last, full, now time.Time) {
	at := func(last time.Time, every time.Duration) time.Time {
		if since := now.Sub(last); since >= 0 && since < every {
			return now.Add(every - since)
		}
		return now.Add(spread(t.host(), min(every/20, time.Minute)))
	}
	t.due = at(last, s.poll.Supplies)
	t.fullDue, t.full = at(full, s.poll.Meters), full
	if t.fullDue.Before(t.due) {
		t.due = t.fullDue
	}
}

// spread gives each host its own place in a span, so that a hundred copiers are
// not asked in the same second for ever.
func spread(host string, span time.Duration) time.Duration {
	if span <= 0 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(host)) // a hash's Write returns no error
	return time.Duration(int64(h.Sum32()) % int64(span))
}

// queue is the heap of container/heap's documentation.
type queue []*target

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is heap's.
func (q *queue) Push(x any) {
	t := x.(*target)
	t.index = len(*q)
	*q = append(*q, t)
}

// Pop is heap's.
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}
