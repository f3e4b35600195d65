// Package collector reads printers and copiers over SNMP: who they are, their
// meters, supplies, inputs, alerts and state. It finds them in address ranges.
//
// Call New once, then Read for each device that is due, or Discover. The package
// only ever reads: it has no SET, opens no other connection to a device, and asks
// one device one question at a time. Everything a device says is bounded before it
// is believed.
//
// The package does not know what becomes of a reading, when a device is due, or
// whether a reading is plausible: it says what the device said.
package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Target is one device to read.
type Target struct {
	Address     string        // IP address or host name
	Port        uint16        // UDP; 0 means 161
	Credentials []Credential  // tried in order; none means community "public"
	Timeout     time.Duration // the longest wait for an answer; 0 means 2 s. See pace for shorter ones.
	Retries     int           // further tries of one question; 0 means 2, less than 0 none
	Deadline    time.Duration // of the whole device; 0 means 30 s
	Scope       Scope
	Plan        Plan // of the last reading of the device; nil if there is none

	// LetSleep leaves a device alone that sleeps, if it is known to, and has counted
	// nothing since it was last read: it is ErrAsleep. Whoever sets it must not set it
	// when a reading is needed in any case.
	LetSleep bool
}

// A Scope is how much of a device is read.
type Scope int

// The scopes. Without a plan both cost the same, since everything is read to make one.
const (
	Full     Scope = iota // everything
	Supplies              // identity, life counts, supplies, alerts and status: no inputs, console, contact, name or place
)

// A Collector reads devices. It remembers for each address how the device there
// could be read last, so that trying is paid for once. It is safe for concurrent
// use; reads of one address wait for each other.
type Collector struct {
	depot    depot
	profiles *Profiles

	mu    sync.Mutex
	busy  map[netip.AddrPort]chan struct{} // closed when the device is free
	known map[netip.AddrPort]approach
	paces map[netip.AddrPort]pace
	keys  map[place]keys
	gate  gate
}

// maxKnown bounds the memory of a collector; beyond it, it starts anew.
const maxKnown = 1 << 16

// An approach is a way in which a device has answered.
type approach struct {
	credential Credential // with a definite version
	limits     limits
	peer       *peer // of version 3; used by whoever has claimed the address
	place      int   // of the credential among those of the target

	misled uint8 // plans in a row that did not fit
	wary   uint8 // readings that follow no plan
}

// New makes a collector with the profiles the program comes with.
func New() *Collector {
	profiles, err := EmbeddedProfiles()
	if err != nil {
		profiles = &Profiles{} // a test sees to it that this does not happen
	}
	return NewWith(profiles)
}

// NewWith makes a collector with the given profiles.
func NewWith(profiles *Profiles) *Collector {
	return &Collector{
		profiles: profiles,

		busy:  map[netip.AddrPort]chan struct{}{},
		known: map[netip.AddrPort]approach{},
		paces: map[netip.AddrPort]pace{},
		keys:  map[place]keys{},
	}
}

// Limit sets how many packets a second may go to each network of 256 addresses (/24;
// with IPv6 /64), from reading and searching together; 0, as it is at first, is no
// limit. What exceeds it waits; nothing is lost. Call it before the first Read.
func (c *Collector) Limit(perSecond int) { c.gate.rate = perSecond }

// Read reads a device. It blocks until the device is read, its deadline has
// passed, or the context is done. A device that fails in the middle is a Reading
// with what was read, if that says who it is; Missing says what was not. The errors are
// ErrNoAnswer, ErrNotPrinter, ErrMalformed, ErrAsleep, those of version 3 (ErrUnknownUser and
// its neighbours), the context's, and those of looking up a host name; each names
// the address. With an error, of the Reading only Traffic and Took mean something.
func (c *Collector) Read(ctx context.Context, t Target) (r Reading, err error) {
	if err := c.readThen(ctx, t.withDefaults(), &r, nil); err != nil {
		return r, fmt.Errorf("read %s: %w", t.Address, err)
	}
	return r, nil
}

func (t Target) withDefaults() Target {
	if t.Port == 0 {
		t.Port = 161
	}
	if len(t.Credentials) == 0 {
		t.Credentials = []Credential{{Community: "public"}}
	}
	if t.Timeout <= 0 {
		t.Timeout = 2 * time.Second
	}
	switch {
	case t.Retries == 0:
		t.Retries = 2
	case t.Retries < 0:
		t.Retries = 0
	}
	if t.Deadline <= 0 {
		t.Deadline = 30 * time.Second
	}
	return t
}

// readThen reads a device and, if that went well, calls then, which may be nil, while
// the device is still ours alone. A reading is large, and so is filled in place: hundreds
// of stacks may wait at once.
func (c *Collector) readThen(ctx context.Context, t Target, r *Reading, then func(context.Context, *query) error) error {
	address, err := lookup(ctx, t.Address)
	if err != nil {
		return err
	}
	to := netip.AddrPortFrom(address, t.Port)
	free, err := c.claim(ctx, to)
	if err != nil {
		return err
	}
	defer free()

	started := time.Now()
	limited, cancel, limit := within(ctx, t.Deadline)
	defer cancel()
	w, err := dial(limited, to, &c.depot, c.paceOf(to))
	if err != nil {
		return err
	}
	defer w.close()
	w.timeout, w.tries, w.gate, w.limit = t.Timeout, 1+t.Retries, &c.gate, limit

	q, err := c.converse(limited, w, to, t)
	if err == nil && then != nil {
		err = then(limited, q)
	}
	took := time.Since(started) - limit.paused
	if err == nil && ctx.Err() == nil { // half a reading that nobody waits for is none
		*r = q.found.reading(time.Now(), q.profile)
		r.lack(q.missing)
		r.Device.Address, r.Device.Port, r.Plan = t.Address, t.Port, q.planned(t.Plan)
		w.pace.slumber = w.pace.slumber.noted(q.found, r.Asleep())
	}
	r.Traffic, r.Took = w.traffic, took
	if ctx.Err() == nil {
		w.pace.silent = w.traffic.Received == 0
		c.keepPace(to, w.pace)
	}
	took = took.Round(100 * time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnheard):
		return fmt.Errorf("%w after %d tries (%s): %w", ErrNoAnswer, w.traffic.Requests, took, ErrUnheard)
	case errors.Is(err, errSilent):
		return fmt.Errorf("%w after %d tries (%s)", ErrNoAnswer, w.traffic.Requests, took)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w within %s", ErrNoAnswer, t.Deadline)
	}
	return err
}

// converse reads the device in the first way in which it answers, and remembers
// that. What worked last comes first; if it does not work any more, it is forgotten,
// and the next reading tries every way again. A device that refuses every user says
// more with that than by its silence about the rest. One whose profile wants version 1
// is asked from the beginning in that, unless another version is configured.
func (c *Collector) converse(ctx context.Context, w *wire, to netip.AddrPort, t Target) (*query, error) {
	failure := errSilent
	p := parsePlan(t.Plan)
	if p != nil && !p.fits(c.profiles, time.Now()) {
		p = nil
	}
	ways := c.approaches(to, t.Credentials, p)
	for i := 0; i < len(ways); i++ {
		a := ways[i]
		s := &conversation{wire: w, credential: a.credential, codec: newCodec(a.credential, a.peer)}
		a.limits.relax()
		q := &query{session: s, scope: t.Scope, limits: &a.limits, profiles: c.profiles, room: w.loan.room}
		q.older = a.credential.Version == V2c && t.Credentials[a.place].Version == Auto
		var err error
		if t.LetSleep {
			err = q.stillAsleep(ctx, w.pace.slumber)
		}
		follows := err == nil && i == 0 && p != nil && p.version == a.credential.Version && a.wary == 0
		kept := false
		if follows {
			kept, err = q.follow(ctx, p, time.Now())
		}
		if err == nil && !kept {
			w.buffer, q.found = w.loan.largeRoom(), make(harvest, 40)
			err = q.read(ctx)
		}
		if errors.Is(err, errOlder) {
			a.credential = a.credential.in(V1)
			ways = slices.Insert(ways, i+1, a)
			continue
		}
		a.judge(q, follows)
		refused := isRefusal(err)
		if len(q.found) == 0 && (refused || errors.Is(err, errSilent)) {
			if c.forget(to); follows { // it may be the plan's question that the device does not take
				c.remember(to, a)
			}
			switch {
			case refused && !isRefusal(failure):
				failure = err
			case a.peer != nil && a.peer.met() && failure == errSilent:
				failure = ErrUnheard
			}
			continue
		}
		// A first question that was put only once may have been lost: what answers then
		// may know a better version.
		if len(q.found) > 0 && !(w.pace.silent && a.credential.Version == V1) {
			c.remember(to, a)
		}
		return q, err
	}
	return nil, failure
}

// judge learns from a reading whether plans are worth following. Each one in a row that
// did not fit makes a device be read in full for longer, so that one whose plans never
// fit does not pay for them with each reading.
func (a *approach) judge(q *query, followed bool) {
	if q.plan != nil && !q.kept {
		q.plan.version, q.plan.place = a.credential.Version, a.place
	}
	switch {
	case q.kept:
		a.misled = 0
	case followed && len(q.found) == 0:
		a.wary = 1
	case followed:
		a.misled = min(a.misled+1, 6)
		a.wary = 1<<(a.misled-1) - 1
	case a.wary > 0:
		a.wary--
	}
}

// approaches lists the ways to try: the one that worked last, or else all of them,
// beginning with that of the plan, which may be nil.
func (c *Collector) approaches(to netip.AddrPort, credentials []Credential, p *plan) []approach {
	c.mu.Lock()
	known, ok := c.known[to]
	c.mu.Unlock()
	var list []approach
	for i, credential := range credentials {
		versions := []Version{credential.Version}
		if credential.Version == Auto {
			versions = []Version{V2c, V1}
		}
		for _, v := range versions {
			if ok && credential.in(v) == known.credential {
				known.place = i
				return []approach{known}
			}
			a := c.approach(credential.in(v))
			a.place = i
			list = append(list, a)
		}
	}
	for i, a := range list {
		if p != nil && a.place == p.place && a.credential.Version == p.version {
			a.limits = p.limits
			copy(list[1:i+1], list[:i])
			list[0] = a
		}
	}
	return list
}

// approach is the way of a credential with a definite version, of which nothing is known yet.
func (c *Collector) approach(credential Credential) approach {
	a := approach{credential: credential, limits: startingLimits()}
	if credential.Version == V3 {
		a.peer = &peer{user: credential.User, keysAt: c.keysAt}
	}
	return a
}

func (c *Collector) remember(to netip.AddrPort, a approach) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[to] = a
}

func (c *Collector) forget(to netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, to)
}

// claim waits until no other read talks to the device, so that it never has two
// questions at once.
func (c *Collector) claim(ctx context.Context, to netip.AddrPort) (free func(), err error) {
	for {
		c.mu.Lock()
		other, taken := c.busy[to]
		if !taken {
			done := make(chan struct{})
			c.busy[to] = done
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.busy, to)
				c.mu.Unlock()
				close(done)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reading says whether a read talks to the device.
func (c *Collector) reading(to netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, taken := c.busy[to]
	return taken
}

// lookup returns the address of a host, which may be given as an address or a name.
func lookup(ctx context.Context, host string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap(), nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, address := range addresses {
		if address.Unmap().Is4() {
			return address.Unmap(), nil
		}
	}
	return addresses[0], nil
}
