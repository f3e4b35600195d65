package agent

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"meteragent/store"
	"meteragent/transport"
)

// Limits of what is on the way.
const (
	mostInFlight = 16                     // batches at once
	mostRecords  = 1000                   // of one batch
	mostBytes    = 512 << 10              // of one batch's bodies
	fewRecords   = 100                    // that travel in one batch, not in several at once; a backlog in as many as may be
	sendWithin   = time.Minute            // one send, until its answer
	quick        = 2 * time.Second        // an answer within it allows larger batches
	slow         = 10 * time.Second       // one after it wants smaller ones
	linger       = 500 * time.Millisecond // readings of one round travel together
	lastFlush    = 5 * time.Second        // what a stop may take to deliver what waits
)

// A body is unpacked behind those of its batch, which together must not exceed what a body may.
var _ [store.MaxBody - 2*mostBytes]struct{}

// A forwarder brings what the store keeps to one output, urgent before bulk, each device's
// records in order, and lets go of a record only when that has said what became of it.
// Many batches are on the way at once; how many and how large, the answers decide.
type forwarder struct {
	agent   *Agent
	to      Output
	backoff transport.Backoff

	bytes   int // in the next batch: halved by a slow answer, by none, and when one is too large
	flights int // at once: one after a failure, doubled by each answer

	lanes    []*window // urgent before bulk
	inFlight int
	texts    [][]byte // that were batches and can be again
	landed   chan *flight
	orders   []transport.OrderState // not yet written down

	writing bool // a settlement is being written down; what is answered meanwhile makes the next
	written chan *settlement
	broken  bool // one could not be written: what follows cannot either, until it is read again
}

// A settlement is what a portal said of the oldest records of each lane.
type settlement struct {
	done   [][]*unit
	orders []transport.OrderState
	err    error // why it is not on disk
}

func newForwarder(a *Agent, to Output) *forwarder {
	return &forwarder{
		agent: a, to: to, backoff: to.Backoff, bytes: mostBytes, flights: 1,
		landed: make(chan *flight, mostInFlight), written: make(chan *settlement, 1),
	}
}

// run delivers until ctx ends, and then for as long as lastFlush: what is on the way may
// land, and what waits may leave.
func (f *forwarder) run(ctx context.Context) {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastFlush, end) })()
	f.gather(ctx) // a fleet that was switched on together must not arrive together
	for ctx.Err() == nil {
		if err := f.deliver(late); err == nil {
			f.wait(ctx, time.Minute, f.agent.wakes[f.to.Name])
			f.gather(ctx)
		} else if ctx.Err() == nil {
			f.wait(ctx, f.failed(err), nil)
		}
	}
	if err := f.deliver(late); err != nil {
		f.agent.log.Info("what waits is delivered at the next start", "dest", f.to.Name, "err", err)
	}
}

// wait ends after d, with ctx, or when wake is kicked.
func (f *forwarder) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	f.agent.health.pulse("forward "+f.to.Name, d+2*sendWithin)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// gather waits for this agent's own moment, or at least a little for more readings, unless
// something urgent is there.
func (f *forwarder) gather(ctx context.Context) {
	now := time.Now()
	due := now.Add(max(linger, transport.Slot(f.agent.id, f.to.Spread, now)))
	for ctx.Err() == nil {
		urgent, err := f.agent.store.Pending(f.to.Name, store.Urgent, 1, 1)
		rest := time.Until(due)
		if err != nil || len(urgent) > 0 || rest <= 0 {
			return
		}
		f.wait(ctx, rest, f.agent.wakes[f.to.Name])
	}
}

// deliver sends until nothing waits any more, or until one batch was not answered; then
// those on the way still land. The next call begins again with what is not settled.
func (f *forwarder) deliver(ctx context.Context) error {
	defer func() { f.lanes, f.texts, f.broken = nil, nil, false }()
	for _, lane := range []string{store.Urgent, store.Bulk} {
		f.lanes = append(f.lanes, newWindow(f.agent.store.Reader(f.to.Name, lane), f.takes))
	}
	var failure error
	for {
		if failure == nil {
			failure = f.depart(ctx)
		}
		f.settle()
		if f.inFlight == 0 && !f.writing && (failure != nil || !f.waiting()) {
			return failure
		}
		failure = graver(failure, f.arrivals())
	}
}

// takes says whether a record goes to the output.
func (f *forwarder) takes(r store.Packed) bool { return f.agent.takes(f.to, r) }

// depart sends as many batches as may be on the way, urgent ones first: what can leave now is
// read and leaves before the rest of the window is read. The rest is not read for the one
// batch that finds out whether the portal answers.
func (f *forwarder) depart(ctx context.Context) error {
	for _, size := range []int{f.flights * mostBytes, math.MaxInt} {
		if f.flights == 1 && f.inFlight == 1 {
			break
		}
		for _, w := range f.lanes {
			if err := w.fill(size); err != nil {
				return err
			}
			for f.inFlight < f.flights {
				next := w.next(f.bytes)
				if next == nil {
					break
				}
				f.inFlight++
				if n := len(f.texts); n > 0 {
					next.text, f.texts = f.texts[n-1], f.texts[:n-1]
				}
				f.launch(ctx, next)
			}
		}
	}
	return nil
}

// send delivers one part of a batch, within its time.
func (f *forwarder) send(ctx context.Context, records []store.Record) (transport.Receipt, error) {
	batch := make([]transport.Message, len(records))
	f.agent.time.now() // a clock that was just set by the network that is back
	for i, r := range records {
		batch[i] = f.agent.time.message(r)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	f.agent.health.pulse("forward "+f.to.Name, 2*sendWithin)
	return f.to.Link.Send(ctx, batch)
}

// arrivals waits for a batch to land or a settlement to be written, and takes in all there is.
func (f *forwarder) arrivals() (failure error) {
	for first := true; first || len(f.landed)+len(f.written) > 0; first = false {
		select {
		case landed := <-f.landed:
			f.inFlight--
			f.texts = append(f.texts, landed.text)
			f.learn(landed)
			landed.land()
			f.orders = append(f.orders, landed.orders...)
			failure = graver(failure, landed.err)
		case s := <-f.written:
			f.writing = false
			if s.err != nil {
				f.orders = append(s.orders, f.orders...)
				f.broken = true
				failure = graver(failure, s.err)
				break
			}
			f.confirmed(slices.Concat(s.done...))
		}
	}
	return failure
}

// graver is the first of two errors, unless the second says how long to stay away.
func graver(first, second error) error {
	if _, asked := transport.RetryAfter(second); first == nil || asked {
		return second
	}
	return first
}

// learn takes from an answer how much to send. What was too much halves the batches at once;
// they grow again by little, so that it is rarely too much again.
func (f *forwarder) learn(landed *flight) {
	noAnswer := errors.Is(landed.err, transport.ErrNoReceipt) || errors.Is(landed.err, transport.ErrTimeout)
	switch {
	case landed.tooLarge > 0:
		f.bytes = landed.tooLarge / 2
	case noAnswer, landed.took > slow: // a slow line, or a broker that drops what is too large for it without a word
		f.bytes = len(landed.text) / 2
	case landed.err == nil && landed.took < quick:
		f.bytes = min(f.bytes+f.bytes/64+64, mostBytes)
	}
	f.flights = min(2*f.flights, mostInFlight)
	if landed.err != nil {
		f.flights = 1
	}
}

// waiting says whether anything is to be sent or settled.
func (f *forwarder) waiting() bool {
	for _, w := range f.lanes {
		if len(w.units) > 0 {
			return true
		}
	}
	return false
}

// settle has written down what the portal said of the oldest records, in each lane as far as
// none is left out. What is answered while it is written is written next, in one transaction.
func (f *forwarder) settle() {
	if f.writing || f.broken {
		return
	}
	s := &settlement{done: make([][]*unit, len(f.lanes))}
	n := 0
	for i, w := range f.lanes {
		s.done[i] = w.settled()
		n += len(s.done[i])
	}
	if n == 0 && (len(f.orders) == 0 || f.inFlight > 0) {
		return
	}
	s.orders, f.orders = f.orders, nil
	f.writing = true
	f.record(s)
}

// write writes a settlement down, all or nothing.
func (f *forwarder) write(s *settlement) error {
	return f.agent.store.Update(func(tx *store.Tx) error {
		if f.to.Orders { // nobody else has a say in them
			now, _, _ := f.agent.time.now()
			if err := f.agent.applyOrderStates(tx, s.orders, now); err != nil {
				return err
			}
		}
		for _, units := range s.done {
			answered, rejected, err := verdict(units)
			if err != nil {
				return err
			}
			if err := tx.Settle(f.to.Name, answered, rejected); err != nil {
				return err
			}
		}
		return nil
	})
}

// verdict is what the portal said of records, as the store wants it.
func verdict(units []*unit) (answered []store.Record, rejected []store.Rejection, err error) {
	for _, u := range units {
		if u.damaged {
			continue
		}
		answered = append(answered, u.Record)
		if u.problem == nil {
			continue
		}
		reason, err := json.Marshal(u.problem)
		if err != nil {
			return nil, nil, err
		}
		rejected = append(rejected, store.Rejection{Record: u.Record, Reason: reason})
	}
	return answered, rejected, nil
}

// confirmed tells of what was settled.
func (f *forwarder) confirmed(done []*unit) {
	a := f.agent
	taken, rejected := 0, 0
	for _, u := range done {
		switch {
		case u.problem != nil:
			rejected++
			a.log.Error("the portal refused a record", "dest", f.to.Name, "record", u.id(), "reason", u.problem.Title, "err", u.problem.Detail)
		case !u.passed && !u.damaged:
			taken++
		}
	}
	if taken+rejected == 0 {
		return // it was only passed over
	}
	f.backoff.Reset()
	if outage := a.health.sent(f.to.Name, taken); outage > 0 {
		a.log.Info("delivery works again", "dest", f.to.Name, "took", outage)
		a.notice(Notice{What: DeliveryBack, Output: f.to.Name, Took: outage})
	}
	a.notice(Notice{What: Delivered, Output: f.to.Name, Count: taken})
}

// failed says once why nothing is delivered and how long to wait for the next try.
func (f *forwarder) failed(err error) time.Duration {
	a := f.agent
	wait := f.backoff.Next(err)
	if a.health.failed(f.to.Name, err, wait) {
		a.log.Warn("delivery fails; everything is kept", "dest", f.to.Name, "err", err, "next", wait.Round(time.Millisecond), "hint", hint(err))
		a.notice(Notice{What: DeliveryFailing, Output: f.to.Name, Err: err})
	}
	return wait
}
