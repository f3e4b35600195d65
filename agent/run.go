package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// Run polls and delivers until ctx ends, then stops in order: no new reads, the
// reads under way end, what waits is delivered for a few seconds more. ready is
// called once everything has started. Each goroutine of the daemon starts here:
//
//	schedule   1             which copier is due
//	work       poll.parallel reads one copier at a time
//	discover   1             sweeps the configured ranges
//	forward    each output   brings the outbox there
//	launch     mostInFlight  carries one batch there
//	record     1             writes down what was answered
//	beat       1             a heartbeat record once a day
//	write      1             stores what was read, in groups
//	keepRoom   1             keeps the database within its limits
//	time       1             looks whether the clock was set
//	beside     each          what the caller wants to run as long, such as the page
func (a *Agent) Run(ctx context.Context, ready func(), beside ...func(context.Context)) error {
	if err := a.time.begin(); err != nil {
		return err
	}
	s, err := a.schedule()
	if err != nil {
		return err
	}
	if err := errors.Join(a.handOver(), a.despiteDisk(a.say("started")), a.despiteDisk(a.saySaved())); err != nil {
		return err
	}
	jobs, results := make(chan job), make(chan result)
	deliver, stopDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivering()

	var polling, writing, delivering sync.WaitGroup
	write, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	writing.Go(func() { a.writer.run(write) })
	for _, o := range a.outputs {
		delivering.Go(func() { newForwarder(a, o).run(deliver) })
	}
	polling.Go(func() { a.schedulePolls(ctx, s, jobs, results); close(jobs) })
	for range a.cfg.Poll.Parallel {
		polling.Go(func() { a.work(ctx, jobs, results) })
	}
	polling.Go(func() { a.discoverForEver(ctx) })
	polling.Go(func() { a.beat(ctx) })
	polling.Go(func() { a.keepRoom(ctx) })
	polling.Go(func() { a.time.run(ctx) })
	for _, run := range beside {
		polling.Go(func() { run(ctx) })
	}
	ready()

	<-ctx.Done()
	polling.Wait()
	stopWriting()
	writing.Wait()
	err = a.say("stopped")
	stopDelivering()
	delivering.Wait()
	return err
}

// despiteDisk lets a start go on whose first words cannot be written, since the disk fails: it would only be
// made again and again. Readings wait in memory, as when that happens later.
func (a *Agent) despiteDisk(err error) error {
	if Disk(err) == nil {
		return err
	}
	a.log.Error("the database cannot be written", "err", err, "hint", hint(err))
	return nil
}

// A Summary is what one round did.
type Summary struct {
	Devices   int           `json:"devices"`   // that answered
	Silent    int           `json:"silent"`    // that did not
	Readings  int           `json:"readings"`  // stored
	Delivered int           `json:"delivered"` // records the portal took
	Confirmed int           `json:"confirmed"` // of the delivered ones, accepted by the portal
	Pending   int           `json:"pending"`   // records that still wait
	Rejected  int           `json:"rejected"`  // records in quarantine
	Took      time.Duration `json:"-"`
}

// Once does one round: it finds the copiers, reads each, and delivers everything
// that waits. The error joins why records were not delivered and why copiers did not
// answer, each by itself; the summary is true either way.
func (a *Agent) Once(ctx context.Context) (Summary, error) {
	start := time.Now()
	if err := a.time.begin(); err != nil {
		return Summary{}, err
	}
	s, err := a.schedule()
	if err != nil {
		return Summary{}, err
	}
	if err := errors.Join(a.handOver(), a.saySaved()); err != nil {
		return Summary{}, err
	}
	if err := a.discoverOnce(ctx, searchMark{}, func(f collector.Find) { a.addFind(s, f) }); err != nil {
		return Summary{}, err
	}
	var writing sync.WaitGroup
	write, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	writing.Go(func() { a.writer.run(write) })
	sum, polled := a.pollAll(ctx, s)
	stopWriting()
	writing.Wait()
	if disk, left := a.writer.state(); left > 0 {
		return sum, fmt.Errorf("%d readings were not stored: %w", left, disk.err)
	}
	for _, o := range a.outputs {
		err := a.drain(ctx, o, &sum)
		polled = append([]error{err}, polled...)
	}
	sum.Delivered, sum.Took = sum.Confirmed+sum.Rejected, time.Since(start)
	return sum, errors.Join(polled...)
}

// drain delivers everything that waits for an output, and counts it.
func (a *Agent) drain(ctx context.Context, to Output, sum *Summary) error {
	drained := newForwarder(a, to).deliver(ctx)
	waiting, err := a.store.Waiting(to.Name)
	if err != nil {
		return err
	}
	rejected, err := a.store.Quarantine(to.Name)
	if err != nil {
		return err
	}
	sum.Confirmed += int(a.health.copyPortal(to.Name).delivered)
	sum.Rejected += len(rejected)
	sum.Pending += waiting.Urgent + waiting.Bulk
	return drained
}

// launch carries a batch to its output. The forwarder waits for it to land.
func (f *forwarder) launch(ctx context.Context, batch *flight) {
	go func() {
		batch.carry(ctx, f.send)
		f.landed <- batch
	}()
}

// record writes a settlement down. The forwarder waits until it is written.
func (f *forwarder) record(s *settlement) {
	go func() {
		s.err = f.write(s)
		f.written <- s
	}()
}

// pollAll reads every target once, several at a time.
func (a *Agent) pollAll(ctx context.Context, s *schedule) (Summary, []error) {
	jobs, results := make(chan job), make(chan result)
	var workers sync.WaitGroup
	for range a.cfg.Poll.Parallel {
		workers.Go(func() { a.work(ctx, jobs, results) })
	}
	var all []*target
	for _, t := range s.byHost {
		all = append(all, t)
	}
	var sum Summary
	var failures []error
	for sent, done := 0, 0; done < len(all) && ctx.Err() == nil; {
		var out chan<- job
		var next job
		if sent < len(all) {
			out, next = jobs, a.job(all[sent], collector.Full, false)
		}
		select {
		case <-ctx.Done():
		case out <- next:
			sent++
		case r := <-results:
			done++
			a.noteResult(r)
			if r.answered == "" {
				sum.Silent++
				failures = append(failures, r.err)
				continue
			}
			sum.Devices++
			if r.err != nil {
				failures = append(failures, r.err)
				continue
			}
			sum.Readings++
		}
	}
	close(jobs)
	workers.Wait()
	return sum, failures
}

// schedule starts with what the configuration names and the database remembers.
func (a *Agent) schedule() (*schedule, error) {
	s := newSchedule(a.cfg, func(t *target) { a.health.planned(t.host(), t.due, t.less) })
	now := time.Now()
	believed, _, _ := a.time.now()
	off := now.Sub(believed) // due times are on the clock that is never set
	err := a.store.View(func(tx *store.Tx) error {
		return a.eachDevice(tx, func(d Device) error {
			n, ok := a.networkOf(d.Device.Address, d.Device.Port)
			if !ok {
				return nil // no longer in the configuration: it is not asked
			}
			t := target{address: d.Device.Address, port: n.Port, network: n, device: d.Device.ID}
			s.first(&t, d.LastRead.Add(off), d.LastFull.Add(off), now)
			s.add(t)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("known devices: %w", err)
	}
	for _, t := range a.named() {
		s.add(t)
	}
	return s, nil
}

// beat stores a heartbeat record once a day, so that a portal can tell a quiet site
// from a dead agent.
func (a *Agent) beat(ctx context.Context) {
	for {
		timer := time.NewTimer(transport.Slot(a.id, 24*time.Hour, time.Now())) // not all agents at once
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			if err := a.say("heartbeat"); err != nil {
				a.log.Error("no heartbeat was stored", "err", err)
			}
		}
	}
}

// Alive says whether every loop of a running agent makes progress.
func (a *Agent) Alive() bool { return a.health.alive() }

// Each calls do with 0 to n-1, up to parallel of them at once, and returns when all
// have returned.
func Each(n, parallel int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, parallel) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// Together runs every function until the first returns, then ends the context of
// the others and waits for them. It returns what the first one returned.
func Together(ctx context.Context, run ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, f := range run {
		all.Go(func() { cancel(f(ctx)) })
	}
	all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
