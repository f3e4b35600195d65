package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"meteragent/store"
)

// Readings are written in groups, so that the flash memory of small machines lives:
// one transaction for what comes within a second. What raises an order or another
// urgent record is written at once, with all that waits.
//
// While the disk is full or broken, readings stay in memory, up to a bound (spill.go), and are
// tried again, those with urgent records first.

const (
	groupWithin = time.Second
	groupSize   = 256  // readings in one transaction
	maxInMemory = 2000 // readings: some 20 MB
	retryLeast  = time.Second
	retryMost   = time.Minute
)

// errMemoryFull: the disk cannot be written, and no more fits into memory, which holds only what
// is not to be dropped.
var errMemoryFull = errors.New("the database cannot be written, and memory is full")

// A writer stores readings. It is safe for concurrent use.
type writer struct {
	agent  *Agent
	update func(func(*store.Tx) error) error // the store's Update
	wake   chan struct{}                     // something has come; capacity 1

	writing sync.Mutex // held while a transaction runs

	mu      sync.Mutex // of what follows
	queue   []*unwritten
	disk    diskHealth
	wrote   uint64        // readings
	spilled store.Thinned // dropped from the queue, and not written down yet
	crowded bool          // something was, since the disk was written last: it is said once
}

// unwritten is a reading that is not in the database yet.
type unwritten struct {
	keeping  // its urges say which urgent records are to be expected
	came     time.Time
	underway bool // a transaction with it runs; guarded by mu
}

// diskHealth is how writing goes.
type diskHealth struct {
	since time.Time // it has failed since then; zero: it works
	err   error
	retry time.Time // of the next try
	wait  time.Duration
}

func newWriter(a *Agent) *writer {
	return &writer{agent: a, update: a.store.Update, wake: make(chan struct{}, 1)}
}

// add takes a reading. It finds out, by trying, whether the reading will lead to
// something urgent; a try that fails leaves that to write, since a reading is never
// given up for what stands beside it.
func (w *writer) add(k keeping) error {
	u := &unwritten{keeping: k, came: time.Now()}
	_ = w.agent.store.Try(func(tx *store.Tx) (err error) {
		u.urges, err = u.leads(tx)
		return err
	})
	w.mu.Lock()
	w.queue = append(w.queue, u)
	full := len(w.queue) > maxInMemory && !w.makeRoom()
	if full {
		w.queue = w.queue[:len(w.queue)-1]
		w.spill(one(u.reading.TakenAt))
	}
	w.mu.Unlock()
	if full {
		return errMemoryFull
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

// run writes what comes until ctx ends, and then what is left.
func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.agent.health.pulse("write", 2*time.Minute)
		wait := w.due(time.Now())
		if wait <= 0 {
			w.write()
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	w.flush()
}

// due is how long the next transaction can wait.
func (w *writer) due(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.queue) == 0:
		return time.Minute
	case !w.disk.since.IsZero():
		return min(w.disk.retry.Sub(now), time.Minute)
	case len(w.queue) >= groupSize, slices.ContainsFunc(w.queue, (*unwritten).urgent):
		return 0
	}
	return w.queue[0].came.Add(groupWithin).Sub(now)
}

// flush writes until nothing is left or the disk does not take it.
func (w *writer) flush() {
	for w.write() {
	}
}

// write writes one group, and reports whether there may be more to write. What is kept of a
// device can be unreadable: then of a reading that fails for it only the reading itself is
// written, in its place among the others. The bill needs it; the rest waits for whoever reads
// the log.
func (w *writer) write() bool {
	w.writing.Lock()
	defer w.writing.Unlock()
	group := w.group()
	if len(group) == 0 {
		return false
	}
	defer w.rest(group)
	bare := map[*unwritten]error{} // of those that are written without what is decided from them: why
	for len(group) > 0 {
		culprit, err := w.attempt(group, bare)
		_, again := bare[culprit]
		switch {
		case err == nil:
			return true
		case culprit == nil:
			w.failed(err)
			return false
		case again: // it can never be stored
			w.agent.log.Error("a reading was not stored", "device", culprit.reading.Device.ID, "host", culprit.host, "err", err)
			w.remove([]*unwritten{culprit})
			delete(bare, culprit)
			group = slices.DeleteFunc(slices.Clone(group), func(u *unwritten) bool { return u == culprit })
		default:
			bare[culprit] = err
		}
	}
	return true
}

// attempt writes a group in one transaction, or nothing. If it fails not for the disk, but for what
// is kept of one device, it says for which reading: the others must not suffer.
func (w *writer) attempt(group []*unwritten, bare map[*unwritten]error) (culprit *unwritten, err error) {
	var happened []Notice
	var noted func()
	counted, spilled := w.agent.tally.take(), w.takeSpilled()
	err = w.update(func(tx *store.Tx) (err error) {
		if noted, err = w.agent.time.save(tx); err != nil {
			return err
		}
		for _, u := range group {
			_, alone := bare[u]
			done, err := u.run(tx, alone)
			if err != nil {
				culprit = u
				return err
			}
			happened = append(happened, done.happened...)
		}
		culprit = nil
		if spilled.Records > 0 {
			if err := w.agent.noteGap(tx, "memory", spilled); err != nil {
				return err
			}
		}
		return putTraffic(tx, counted)
	})
	if err != nil {
		w.agent.tally.back(counted)
		w.backSpilled(spilled)
		return culprit, err
	}
	noted()
	for u, cause := range bare {
		w.agent.log.Error("only the reading itself was stored", "device", u.reading.Device.ID, "host", u.host, "err", cause)
	}
	w.written(group, happened)
	return nil, nil
}

// group is what is written next: the oldest, but after a failure devices with urgent
// records come first. The readings of one device stay in order.
func (w *writer) group() []*unwritten {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := w.queue
	if !w.disk.since.IsZero() {
		urgent := map[string]bool{}
		for _, u := range w.queue {
			urgent[u.reading.Device.ID] = urgent[u.reading.Device.ID] || u.urgent()
		}
		first := slices.DeleteFunc(slices.Clone(w.queue), func(u *unwritten) bool { return !urgent[u.reading.Device.ID] })
		if len(first) > 0 {
			group = first
		}
	}
	group = slices.Clone(group[:min(len(group), groupSize)])
	for _, u := range group {
		u.underway = true
	}
	return group
}

// rest is the opposite of group: the transaction is over.
func (w *writer) rest(group []*unwritten) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range group {
		u.underway = false
	}
}

func (w *writer) remove(group []*unwritten) {
	gone := map[*unwritten]bool{}
	for _, u := range group {
		gone[u] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = slices.DeleteFunc(w.queue, func(u *unwritten) bool { return gone[u] })
}

// written tells whoever watches, now that it is true.
func (w *writer) written(group []*unwritten, happened []Notice) {
	w.remove(group)
	w.mu.Lock()
	was := w.disk
	w.disk, w.crowded = diskHealth{}, false
	w.wrote += uint64(len(group))
	w.mu.Unlock()
	if !was.since.IsZero() {
		w.agent.log.Info("the database can be written again", "took", time.Since(was.since))
	}
	for _, n := range happened {
		w.agent.notice(n)
	}
	w.agent.kick()
}

// failed keeps everything for another try.
func (w *writer) failed(err error) {
	now := time.Now()
	w.mu.Lock()
	news := w.disk.since.IsZero()
	if news {
		w.disk.since = now
	}
	w.disk.wait = min(max(2*w.disk.wait, retryLeast), retryMost)
	w.disk.err, w.disk.retry = err, now.Add(w.disk.wait)
	w.mu.Unlock()
	if news {
		w.agent.log.Error("the database cannot be written; readings stay in memory", "err", err)
	}
}

// count is how many readings were written.
func (w *writer) count() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrote
}

// state is how writing goes and how many readings are only in memory.
func (w *writer) state() (diskHealth, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk, len(w.queue)
}

// run does the work of one reading in a transaction, or stores the reading alone. It can be run again.
func (u *unwritten) run(tx *store.Tx, alone bool) (keeping, error) {
	k := u.keeping
	k.tx, k.urges = tx, nil
	if alone {
		return k, k.record()
	}
	return k, k.all()
}

// urgent says whether an urgent record is to be expected.
func (u *unwritten) urgent() bool { return len(u.urges) > 0 }

// leads returns what the urgent records are about that the reading leads to. Nothing of it is to be kept.
func (u *unwritten) leads(tx *store.Tx) (urges []string, err error) {
	k := u.keeping
	k.tx, k.urges = tx, nil
	err = k.conclude()
	return k.urges, err
}
