package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"meteragent/collector"
)

// A job is one read that is due.
type job struct {
	target *target // owned by the scheduler: a worker only passes it back
	host   string
	device string // id that answered there last; "" if none ever did
	scope  collector.Scope
	what   collector.Target
}

// A result is what became of a job.
type result struct {
	job
	answered string // id of the device; "" if nobody usable answered
	asleep   bool   // it answered that it sleeps, and was not read
	partial  bool   // it was not read to the end
	took     time.Duration
	err      error
}

// schedulePolls hands due targets to the workers until ctx ends. It alone owns the
// schedule, so that no target needs a lock.
func (a *Agent) schedulePolls(ctx context.Context, s *schedule, jobs chan<- job, results <-chan result) {
	for {
		a.health.pulse("schedule", 2*time.Minute)
		wait := time.Minute // even with nothing due the pulse goes on
		var out chan<- job  // nil, which blocks, unless something is due
		var due job
		now := time.Now()
		if t := s.next(now); t != nil {
			if wait = min(wait, t.due.Sub(now)); wait <= 0 {
				out, due, wait = jobs, a.job(t, s.scope(t, now), s.sleeps(t, now)), time.Minute
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case out <- due:
			s.start(due.target)
		case r := <-results:
			s.done(r, time.Now())
			a.noteResult(r)
		case f := <-a.found:
			a.addFind(s, f)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// job is a read of t as the collector wants it.
func (a *Agent) job(t *target, scope collector.Scope, letSleep bool) job {
	return job{target: t, host: t.host(), device: t.device, scope: scope, what: collector.Target{
		Address: t.address, Port: t.port, Scope: scope,
		Credentials: credentials(t.network),
		Timeout:     a.cfg.Poll.Timeout, LetSleep: letSleep,
	}}
}

// work reads what is due until jobs is closed.
func (a *Agent) work(ctx context.Context, jobs <-chan job, results chan<- result) {
	for j := range jobs {
		r := a.pollOne(ctx, j)
		select {
		case results <- r:
		case <-ctx.Done(): // the scheduler has gone
		}
	}
}

// pollOne reads one device and keeps the reading. A panic while reading ends that
// reading only: a copier that sends nonsense must not stop the others. Nowhere else
// is recover used.
func (a *Agent) pollOne(ctx context.Context, j job) (r result) {
	r.job = j
	defer func() {
		if p := recover(); p != nil {
			r.answered, r.err = "", fmt.Errorf("read %s: panic: %v\n%s", j.host, p, debug.Stack())
			a.log.Error("a device's answers broke the reader", "host", j.host, "err", r.err)
		}
	}()
	j.what.Plan = a.plan(j.device)
	reading, err := a.copiers.Read(ctx, j.what)
	r.took, r.partial = reading.Took, reading.Missing != nil
	a.tally.add(cmp.Or(reading.Device.ID, j.device), time.Now(), reading.Traffic)
	if errors.Is(err, collector.ErrAsleep) {
		r.answered, r.asleep = j.device, true
		return r
	}
	if err != nil {
		r.err = err
		return r
	}
	if r.answered, r.err = a.keep(reading, j.host, j.scope); r.err != nil && !errors.Is(r.err, errMemoryFull) { // of that the writer tells
		a.log.Error("a reading was not stored", "host", j.host, "err", r.err)
	}
	return r
}

// noteResult remembers how a host behaves and says so once when that changes.
func (a *Agent) noteResult(r result) {
	if r.answered != "" {
		next := max(time.Until(r.target.due), a.cfg.Poll.Supplies) + a.cfg.Poll.Supplies
		if a.health.answered(r.host, r.answered, next) {
			a.log.Info("device answers again", "device", r.answered, "host", r.host)
			a.notice(Notice{What: DeviceBack, Device: r.answered, Host: r.host})
		}
		return
	}
	if errors.Is(r.err, context.Canceled) {
		return // the daemon stops; the copier is not to blame
	}
	if a.health.silent(r.host, r.err) {
		a.log.Warn("device does not answer", "device", r.target.device, "host", r.host, "err", r.err, "hint", hint(r.err))
		a.notice(Notice{What: DeviceSilent, Device: r.target.device, Host: r.host, Err: r.err})
		if r.target.device != "" {
			select {
			case a.lost <- struct{}{}:
			default: // a search is due already
			}
		}
	}
}
