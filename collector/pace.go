package collector

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Traffic is what passed between this machine and a device. What the device sent
// counts even if it was no answer.
type Traffic struct {
	Requests int64 `json:"requests"` // packets to the device, repeated ones included
	Sent     int64 `json:"sent"`     // octets of UDP payload to the device
	Received int64 `json:"received"` // octets of UDP payload from the device
}

// Plus is the sum of both.
func (t Traffic) Plus(u Traffic) Traffic {
	return Traffic{t.Requests + u.Requests, t.Sent + u.Sent, t.Received + u.Received}
}

// leastWait is the shortest wait for an answer. A copier that is busy, or whose network
// card wakes up, needs more than its usual time; a second packet would disturb it more
// than the wait costs.
const leastWait = 500 * time.Millisecond

// A pace is how fast the device at an address answers, learnt as RFC 6298 does for
// TCP. The zero value is that of an address of which nothing is known.
type pace struct {
	smooth, deviation time.Duration // SRTT and RTTVAR
	wait              time.Duration // RTO; 0 if nothing was measured
	silent            bool          // nothing came the last time it was asked
	slumber           slumber
}

// first is how long to wait for the answer to a new question, at most most.
func (p *pace) first(most time.Duration) time.Duration {
	if p.wait == 0 {
		return most
	}
	return min(p.wait, most)
}

// answered notes that an answer took so long. After a repeated packet nobody knows
// which one was answered: then the wait that was long enough stays (Karn's rule).
func (p *pace) answered(took, waited time.Duration, repeated bool) {
	switch {
	case repeated:
		p.wait = max(p.wait, waited)
		return
	case p.smooth == 0:
		p.smooth, p.deviation = took, took/2
	default:
		p.deviation += ((p.smooth - took).Abs() - p.deviation) / 4
		p.smooth += (took - p.smooth) / 8
	}
	p.wait = max(p.smooth+max(4*p.deviation, p.smooth/2), leastWait)
}

// paceOf is what was learnt of an address.
func (c *Collector) paceOf(to netip.AddrPort) pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paces[to]
}

// keepPace remembers what a reading has learnt of an address.
func (c *Collector) keepPace(to netip.AddrPort, p pace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.paces) >= maxKnown {
		clear(c.paces)
	}
	c.paces[to] = p
}

// A gate lets so many packets a second through to each network of 256 addresses (/24),
// or with IPv6 of one link (/64), whoever sends them. It is safe for concurrent use.
type gate struct {
	mu   sync.Mutex
	rate int                        // packets a second; 0 is no limit
	next map[netip.Prefix]time.Time // when the next packet to a network would be on time
}

// reserve takes a place for a packet to an address, and returns how long from now the
// packet must wait for it. A tenth of a second's packets may go at once.
func (g *gate) reserve(to netip.Addr, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rate <= 0 {
		return 0
	}
	bits := 24
	if !to.Is4() {
		bits = 64
	}
	network, err := to.Prefix(bits)
	if err != nil {
		return 0 // not an address
	}
	if g.next == nil || len(g.next) >= maxKnown {
		g.next = map[netip.Prefix]time.Time{}
	}
	burst := 100*time.Millisecond - time.Second/time.Duration(g.rate)
	place := g.next[network]
	if place.Before(now) {
		place = now
	}
	g.next[network] = place.Add(time.Second / time.Duration(g.rate))
	return max(place.Sub(now)-max(burst, 0), 0)
}

// A deadline is the time that a device has for a reading. What a packet waits before
// it may be sent is not the device's fault, and does not count.
type deadline struct {
	timer  *time.Timer
	at     time.Time
	paused time.Duration
}

// within is a context that ends after a time, with context.DeadlineExceeded as its
// cause.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc, *deadline) {
	limited, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return limited, func() { timer.Stop(); cancel(nil) }, &deadline{timer: timer, at: time.Now().Add(d)}
}

// pause waits and moves the deadline by as much.
func (d *deadline) pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if !d.timer.Stop() {
		return context.Cause(ctx)
	}
	waiting := time.NewTimer(wait)
	defer waiting.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-waiting.C:
	}
	d.at, d.paused = d.at.Add(wait), d.paused+wait
	d.timer.Reset(time.Until(d.at))
	return nil
}
