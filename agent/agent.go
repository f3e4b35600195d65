// Package agent is the daemon's life: which copier is asked when, what is decided
// from its answer, what is kept, and how what is kept leaves for the portal.
//
// It is the only room that knows its siblings. It does not know SNMP, bbolt, MQTT
// or HTTP: those are behind collector, store and transport. Every goroutine of the
// program starts in run.go.
package agent

import (
	"context"
	"log/slog"
	"time"

	"meteragent/agent/clock"
	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/agent/toner"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// A reader reads copiers: the edge towards the network.
type reader interface {
	Read(context.Context, collector.Target) (collector.Reading, error)
	Discover(context.Context, collector.Sweep, func(collector.Find)) error
}

// Options are the parts an Agent is made of. The caller opens and closes them.
type Options struct {
	Config   config.Config
	ID       string                                 // the agent id, a UUID; see LoadID
	Version  string                                 // of this program, told to the portal
	Store    *store.Store                           // opened with the names of the outputs as its destinations
	Copiers  reader                                 // usually a *collector.Collector
	Outputs  []Output                               // at least one
	Clock    func() clock.Moment                    // what the machine's clocks say; nil means that the clock is believed
	Built    time.Time                              // no clock that is right says an earlier time; zero means none does
	Log      *slog.Logger                           // nil discards
	Problems []text.Sentence                        // what is wrong around it, such as a configuration that the last good one stands in for; one may say nothing, for now
	Attached func() ([]collector.Attachment, error) // the networks of this machine, usually collector.Attached; nil: they are not asked for what is new
	Notice   func(what Notice)                      // told of what happened, for the demo; may be nil; must not block
}

// Portal is the name of the destination that a configuration with one portal has.
const Portal = "portal"

// An Output is a receiver with a memory of its own: whatever the others have, it gets
// every record, in order, and a record stays until every output has answered for it.
type Output struct {
	Name   string // of the destination in the store
	Link   transport.Link
	Orders bool                    // it gets the orders; only one output may, since two receivers would send two cartridges
	Spread time.Duration           // readings wait for the agent's own moment in a span of this length; 0 for none
	Left   *Outgoing               // told what leaves; nil if nobody wants to see it
	Doors  func() []transport.Door // how each of its portals is, in the order of the configuration; nil if it has one

	Backoff transport.Backoff // how long it is left alone after an error; the zero value is for people, others for tests
}

// An Agent is the daemon. Run may be called once.
type Agent struct {
	cfg      config.Config
	id       string
	version  string
	store    *store.Store
	copiers  reader
	outputs  []Output
	log      *slog.Logger
	notice   func(Notice)
	problems []text.Sentence
	policy   toner.Policy
	acts     acting    // who gets what somebody acts upon
	doubt    time.Time // until then orders may be on their way that a damaged database has forgotten

	health   *health
	writer   *writer
	time     *timekeeper
	tally    *tally
	wakes    map[string]chan struct{} // something was stored, by output; capacity 1 each
	found    chan collector.Find
	attached func() ([]collector.Attachment, error)
	lost     chan struct{} // a known device has gone silent; capacity 1
}

// New makes an agent of its parts.
func New(o Options) *Agent {
	a := &Agent{
		cfg: o.Config, id: o.ID, version: o.Version,
		store: o.Store, copiers: o.Copiers, outputs: o.Outputs,
		attached: o.Attached, log: o.Log, notice: o.Notice, problems: o.Problems,
		policy: tonerPolicy(o.Config),
		health: newHealth(),
		tally:  newTally(),
		wakes:  map[string]chan struct{}{},
		found:  make(chan collector.Find),
		lost:   make(chan struct{}, 1),
	}
	for _, o := range o.Outputs {
		a.wakes[o.Name] = make(chan struct{}, 1)
	}
	a.writer, a.time = newWriter(a), newTimekeeper(a, o.Clock, o.Built)
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.notice == nil {
		a.notice = func(Notice) {}
	}
	return a
}

// A Notice is something that happened, for whoever watches the agent at work.
type Notice struct {
	What   Happening
	Output string // its name, of a delivery
	Device string // its id, where there is one
	Model  string
	Host   string        // host:port
	Count  int           // of records or devices
	Took   time.Duration // of an outage that has ended
	Err    error
	Order  *OrderEntry
}

// Happening says what a Notice is about.
type Happening int

// What a Notice can be about.
const (
	DeviceFound Happening = iota + 1
	DeviceMoved
	DeviceReplaced
	DeviceIdentified
	DeviceConflict
	DeviceLost
	DeviceReturned
	DeviceSilent
	DeviceBack
	ReadingStored
	OrderRaised
	Delivered
	DeliveryFailing
	DeliveryBack
)

// kick tells the forwarders that there is something to send. It never blocks.
func (a *Agent) kick() {
	for _, wake := range a.wakes {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
