// Package portal is a small reference portal: it takes what agents send, over HTTPS
// and MQTT, holds them to the contract of docs/wire.md, answers record by record,
// and shows on a page what arrived.
//
// It is for demonstrations, tests and as a pattern for a real one. It keeps
// everything in memory, bounded, and forgets it at the end. It does not know where a
// record comes from beyond its envelope, and it is no place to bill from.
package portal

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"meteragent/transport"
)

// Options of a portal. The zero value lets everybody in.
type Options struct {
	Token transport.Secret // what agents must present over HTTPS; "" for none
	Keep  int              // how many events are kept to be looked at; 0 means 1000

	// Authority gives agents certificates, which let them in without the token; nil for none.
	Authority *Authority
}

// A Portal takes records. It is an http.Handler and safe for concurrent use.
type Portal struct {
	options Options
	mux     *http.ServeMux

	mu      sync.Mutex // guards what follows
	down    bool
	counts  Counts
	events  []Event // oldest first
	lanes   map[laneKey]*lane
	devices map[deviceKey]*device
	orders  []Order       // oldest first
	alerts  []Alert       // oldest first
	changed chan struct{} // closed, and replaced, at each change
}

// Counts says what arrived since the start, in records.
type Counts struct {
	Received int `json:"received"` // new, and taken
	Repeats  int `json:"repeats"`  // had been taken before, dropped
	Refused  int `json:"refused"`  // against the contract, or below the last reading
	Batches  int `json:"batches"`  // batches answered, whatever the answer was
}

// New returns an empty portal.
func New(o Options) *Portal {
	if o.Keep <= 0 {
		o.Keep = 1000
	}
	p := &Portal{
		options: o,
		mux:     http.NewServeMux(),
		lanes:   map[laneKey]*lane{},
		devices: map[deviceKey]*device{},
		changed: make(chan struct{}),
	}
	p.mux.HandleFunc("POST /events", p.post)
	if o.Authority != nil {
		o.Authority.serve(p.mux)
	}
	p.mux.HandleFunc("GET /{$}", p.page)
	p.mux.HandleFunc("GET /style.css", p.style)
	p.mux.HandleFunc("GET /received.json", p.received)
	return p
}

// ServeHTTP answers POST /events to agents, and GET / and GET /received.json to
// people.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Down makes the portal answer 503 to every batch, and nothing over MQTT, until it
// is called with false. The page stays.
func (p *Portal) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	p.change()
}

// Counts returns what arrived so far.
func (p *Portal) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// Received returns the newest events, oldest first: each once, without the refused.
func (p *Portal) Received() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Orders returns the orders that arrived, oldest first, as they stand.
func (p *Portal) Orders() []Order {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.orders)
}

// SetOrder gives an order a new state, "shipped" or "cancelled". The agent learns of
// it with its next receipt. It reports whether there is such an order.
func (p *Portal) SetOrder(id, state string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.orders {
		if p.orders[i].ID == id {
			p.orders[i].State = state
			p.change()
			return true
		}
	}
	return false
}

// Until returns nil as soon as done says so; it asks at once, and again after each
// change of the portal. It returns the context's error if that ends first.
func (p *Portal) Until(ctx context.Context, done func() bool) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change wakes those who wait in Until. The caller holds mu.
func (p *Portal) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// take holds a batch to the contract and answers it. via is "https" or "mqtt"; topic
// is nil over HTTPS. The records are taken in the order of the batch.
func (p *Portal) take(events []Event, via string) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.change()
	now := time.Now().UTC()
	p.counts.Batches++
	a := answer{Results: make([]result, 0, len(events))}
	agents := map[string]bool{}
	for _, e := range events {
		e.ReceivedAt, e.Via = now, via
		agents[e.Source] = true
		a.Results = append(a.Results, p.record(e))
	}
	a.Orders = p.states(agents)
	return a
}

// record takes one event. The caller holds mu.
func (p *Portal) record(e Event) result {
	lane := p.lane(laneKey{e.Source, e.Stream, e.Lane}, e.ReceivedAt)
	if e.problem == nil && lane.taken.has(e.Seq) {
		p.counts.Repeats++
		return result{ID: e.ID, Status: "duplicate"}
	}
	problem := e.problem
	if problem == nil {
		problem = p.understand(e)
	}
	if problem != nil {
		lane.refused.add(e.Seq)
		p.counts.Refused++
		return result{ID: e.ID, Status: "rejected", Problem: problem}
	}
	lane.taken.add(e.Seq)
	p.counts.Received++
	p.events = append(p.events, e)
	if extra := len(p.events) - p.options.Keep; extra > 0 {
		p.events = slices.Delete(p.events, 0, extra)
	}
	return result{ID: e.ID, Status: "accepted"}
}

// understand takes from a body what the page shows, and returns what is wrong with
// it. The caller holds mu.
func (p *Portal) understand(e Event) *transport.Problem {
	switch e.Kind() {
	case "reading":
		return p.reading(e)
	case "order":
		return p.order(e)
	case "alert":
		p.alert(e)
	}
	return nil
}
