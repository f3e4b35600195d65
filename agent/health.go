package agent

import (
	"maps"
	"sync"
	"time"

	"meteragent/packaging/update"
)

// health is what the running daemon knows beyond its database: who answers and
// whether deliveries succeed. It is lost at a restart, and rebuilt by the first
// round. Safe for concurrent use.
type health struct {
	mu      sync.Mutex
	started time.Time
	hosts   map[string]hostHealth
	portals map[string]portalHealth // by the output's name
	plans   map[string]plan
	pulses  map[string]time.Time // loop: until when it may be silent
	update  update.Outcome       // the last one; zero if there was none
}

// A plan is when a host is asked next, and why not sooner.
type plan struct {
	next time.Time
	less sparing // "" if it is asked as often as the configuration says
}

// hostHealth is how one address behaves.
type hostHealth struct {
	device  string // id that answered last
	answers bool
	since   time.Time // when answers last changed
	until   time.Time // when the next answer is expected at the latest
	err     error     // why it does not answer
}

// portalHealth is how deliveries go.
type portalHealth struct {
	delivered, batches uint64
	lastSent           time.Time
	failingSince       time.Time // zero: not failing
	err                error
	nextTry            time.Time
}

func newHealth() *health {
	return &health{started: time.Now(), hosts: map[string]hostHealth{}, plans: map[string]plan{}, portals: map[string]portalHealth{}, pulses: map[string]time.Time{}}
}

// updated notes what became of an update of the program.
func (h *health) updated(o update.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.update = o
}

// lastUpdate is what became of the last update.
func (h *health) lastUpdate() update.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.update
}

// answered notes that a device answered at a host, and tells whether that is news.
func (h *health) answered(host, device string, next time.Duration) (back bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	was, known := h.hosts[host]
	is := hostHealth{device: device, answers: true, since: was.since, until: now.Add(next)}
	if !known || !was.answers {
		is.since = now
	}
	h.hosts[host] = is
	return known && !was.answers
}

// silent notes that nobody usable answered at a host, and tells whether that is news.
func (h *health) silent(host string, err error) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was, known := h.hosts[host]
	is := hostHealth{device: was.device, since: was.since, err: err}
	if !known || was.answers {
		is.since = time.Now()
	}
	h.hosts[host] = is
	return !known || was.answers
}

// planned notes when a host is asked next.
func (h *health) planned(host string, next time.Time, less sparing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.plans[host] = plan{next: next, less: less}
}

// plan is when a host is asked next.
func (h *health) plan(host string) plan {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.plans[host]
}

// deviceAt is the id of the device that answered at a host last, "" if none has.
func (h *health) deviceAt(host string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hosts[host].device
}

// answersStill says whether a host has lately answered as device, so that another
// host with that device is a conflict and not a move.
func (h *health) answersStill(host, device string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.hosts[host]
	return was.answers && was.device == device && time.Now().Before(was.until)
}

// sent notes a confirmed delivery, and returns how long deliveries had failed.
func (h *health) sent(to string, records int) (outage time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	p := h.portals[to]
	if !p.failingSince.IsZero() {
		outage = now.Sub(p.failingSince)
	}
	h.portals[to] = portalHealth{delivered: p.delivered + uint64(records), batches: p.batches + 1, lastSent: now}
	return outage
}

// failed notes a delivery that did not succeed, and tells whether that is news.
func (h *health) failed(to string, err error, wait time.Duration) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	p := h.portals[to]
	news = p.failingSince.IsZero() || p.err == nil || p.err.Error() != err.Error()
	if p.failingSince.IsZero() {
		p.failingSince = now
	}
	p.err, p.nextTry = err, now.Add(wait)
	h.portals[to] = p
	return news
}

// pulse says that a loop is alive and will say so again within limit.
func (h *health) pulse(loop string, limit time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pulses[loop] = time.Now().Add(limit)
}

// alive says whether every loop has kept its promise.
func (h *health) alive() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for _, until := range h.pulses {
		if now.After(until) {
			return false
		}
	}
	return true
}

// copyHosts is how every host behaves at the moment.
func (h *health) copyHosts() map[string]hostHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.hosts)
}

// copyPortal is how deliveries go at the moment.
func (h *health) copyPortal(name string) portalHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.portals[name]
}
