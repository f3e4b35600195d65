package agent

import (
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
	scope  collector.Scope
	what   collector.Target
}

// A result is what became of a job.
type result struct {
	job
	device string // id; "" if nobody usable answered
	err    error
}

// schedulePolls hands due targets to the workers until ctx ends. It alone owns the
// schedule, so that no target needs a lock.
func (a *Agent) schedulePolls(ctx context.Context, s *schedule, jobs chan<- job, results <-chan result) {
	for {
		a.health.pulse("schedule", 2*time.Minute)
		wait := time.Minute // even with nothing due the pulse goes on
		var out chan<- job  // nil, which blocks, unless something is due
		var due job
		if t := s.next(); t != nil {
			now := time.Now()
			if wait = min(wait, t.due.Sub(now)); wait <= 0 {
				out, due, wait = jobs, a.job(t, s.scope(t, now)), time.Minute
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
			a.noteResult(r)
			if r.device != "" {
				r.target.device = r.device
			}
			s.done(r.target, r.scope, r.device != "", time.Now())
		case f := <-a.found:
			a.addFind(s, f)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// job is a read of t as the collector wants it.
func (a *Agent) job(t *target, scope collector.Scope) job {
	return job{target: t, host: t.host(), scope: scope, what: collector.Target{
		Address: t.address, Port: t.port, Scope: scope,
		Credentials: credentials(t.network),
		Timeout:     a.cfg.Poll.Timeout,
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
			r.device, r.err = "", fmt.Errorf("read %s: panic: %v\n%s", j.host, p, debug.Stack())
			a.log.Error("a device's answers broke the reader", "host", j.host, "err", r.err)
		}
	}()
	reading, err := a.copiers.Read(ctx, j.what)
	if err != nil {
		r.err = err
		return r
	}
	if r.device, r.err = a.keep(reading, j.host, j.scope); r.err != nil {
		a.log.Error("a reading was not stored", "host", j.host, "err", r.err)
	}
	return r
}

// noteResult remembers how a host behaves and says so once when that changes.
func (a *Agent) noteResult(r result) {
	if r.device != "" {
		if a.health.answered(r.host, r.device, 2*a.cfg.Poll.Supplies) {
			a.log.Info("device answers again", "device", r.device, "host", r.host)
			a.notice(Notice{What: DeviceBack, Device: r.device, Host: r.host})
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
