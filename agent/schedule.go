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
	fails   int       // reads in a row without an answer
	busy    bool      // a read is under way: a device is never asked twice at once
	index   int       // place in the heap
}

// host is the target as people write it.
func (t *target) host() string {
	return net.JoinHostPort(t.address, strconv.Itoa(int(t.port)))
}

// A schedule says which target is due next. It belongs to one goroutine.
type schedule struct {
	poll    config.Poll
	byHost  map[string]*target
	waiting queue // targets that are not busy, soonest first
}

func newSchedule(poll config.Poll) *schedule {
	return &schedule{poll: poll, byHost: map[string]*target{}}
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

// next is the target that is due soonest, nil if there is none.
func (s *schedule) next() *target {
	if len(s.waiting) == 0 {
		return nil
	}
	return s.waiting[0]
}

// start takes t, which next returned, out of the queue until done.
func (s *schedule) start(t *target) {
	heap.Remove(&s.waiting, t.index)
	t.busy = true
}

// done puts t back with its next due time. A target that does not answer is asked
// less and less often, down to once in the meters interval.
func (s *schedule) done(t *target, scope collector.Scope, answered bool, now time.Time) {
	t.busy = false
	every := s.poll.Supplies
	if answered {
		t.fails = 0
		if scope == collector.Full {
			t.fullDue = now.Add(s.poll.Meters)
		}
	} else {
		t.fails++
		for i := 1; i < t.fails && every < s.poll.Meters; i++ {
			every *= 2
		}
		every = min(every, max(s.poll.Meters, s.poll.Supplies))
	}
	t.due = now.Add(every - spread(t.host(), every/20))
	heap.Push(&s.waiting, t)
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
	t.fullDue = at(full, s.poll.Meters)
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
