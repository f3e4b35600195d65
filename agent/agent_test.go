package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// A fleet is copiers in memory: what answers at which host.
type fleet struct {
	mu      sync.Mutex
	copiers map[string]*copier // by host:port
	asked   map[string]int
	cost    collector.Traffic // of each read
	finds   []collector.Find
	silent  map[netip.AddrPort]collector.Traffic // who does not answer a search
}

type copier struct {
	serial string
	mac    string // tells who it is if there is no serial number
	total  int64
	toner  float64 // percent
	off    bool
	broken bool           // panics when read
	asleep bool           // says so, once it was read
	halts  bool           // stops answering before its supplies
	plan   collector.Plan // it was read by
	wordy  bool           // its panel shows 3 KB that cannot be packed
	whole  bool           // its readings are of whole seconds, as a collector's are

	cartridge string // serial number of its cartridge
	alerts    []collector.Alert
}

func (f *fleet) Read(ctx context.Context, t collector.Target) (collector.Reading, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	host := fmt.Sprintf("%s:%d", t.Address, t.Port)
	f.asked[host]++
	c := f.copiers[host]
	if c == nil || c.off {
		return collector.Reading{Traffic: f.cost}, fmt.Errorf("read %s: %w after 3 tries", host, collector.ErrNoAnswer)
	}
	if c.asleep && t.LetSleep {
		return collector.Reading{Traffic: f.cost}, fmt.Errorf("read %s: %w", host, collector.ErrAsleep)
	}
	if c.broken {
		panic("a table without end")
	}
	c.total += 10
	c.plan = t.Plan
	percent := c.toner
	capacity, level := int64(100), int64(percent)
	r := collector.Reading{
		Device:  collector.Device{ID: c.serial, Serial: c.serial, Manufacturer: "Canon", Model: "Test", MAC: c.mac, Address: t.Address, Port: t.Port},
		TakenAt: time.Now().UTC(), Origin: collector.Automatic, Profile: "printer-mib", Traffic: f.cost,
		Meters: []collector.Meter{{
			Name: "systemTotals.impressions.total", Value: c.total, Unit: "impressions", Format: collector.Life,
			Persistence: collector.Lifetime, OID: "1.3.6.1.2.1.43.10.2.1.4.1.1", Primary: true, Quality: collector.Good,
		}},
		Supplies: []collector.Supply{{
			Key: "1.1", Description: "Black toner", Class: "supplyThatIsConsumed", Type: "toner", Colorant: "black",
			Unit: "percent", Capacity: &capacity, Level: collector.Level{Kind: collector.Measured, Value: &level, Percent: &percent},
		}},
	}
	if c.serial == "" {
		r.Device.ID = "Canon:Test:" + c.mac
	}
	if c.whole {
		r.TakenAt = r.TakenAt.Truncate(time.Second)
	}
	r.Plan = collector.Plan("as " + r.Device.ID)
	if c.wordy {
		for range 120 {
			r.Status.Console = append(r.Status.Console, rand.Text())
		}
	}
	r.Supplies[0].SerialNumber, r.Alerts = c.cartridge, c.alerts
	if c.halts {
		r.Supplies, r.Missing = nil, []string{"inputs", "supplies"}
		return r, nil
	}
	if t.Scope == collector.Full {
		r.Inputs = []collector.Input{{Key: "1.1", Name: "Drawer 1", Level: collector.Level{Kind: collector.Unknown}}}
	}
	return r, nil
}

func (f *fleet) Discover(_ context.Context, s collector.Sweep, found func(collector.Find)) error {
	f.mu.Lock()
	finds, silent := f.finds, f.silent
	f.mu.Unlock()
	for to, spent := range silent {
		s.Silent(to, spent)
	}
	for _, one := range finds {
		found(one)
	}
	return nil
}

// times is how often a host was asked.
func (f *fleet) times(host string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[host]
}

func (f *fleet) set(host string, change func(*copier)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.copiers[host])
}

// A link is a portal in memory.
type link struct {
	mu       sync.Mutex
	err      error // of every Send
	reject   func(transport.Message) bool
	refuse   func(transport.Message) bool // the whole batch, if it holds one
	orders   []transport.OrderState       // told once
	hear     func(transport.Message)      // gets what arrives, instead of got
	got      []transport.Message          // accepted, each once
	seen     map[string]bool
	attempts int
	rejected int
}

func (l *link) Send(_ context.Context, batch []transport.Message) (transport.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts++
	if l.err != nil {
		return transport.Receipt{}, l.err
	}
	for _, m := range batch {
		if l.refuse != nil && l.refuse(m) {
			return transport.Receipt{}, fmt.Errorf("portal: %w", transport.ErrRefused)
		}
	}
	receipt := transport.Receipt{Orders: l.orders}
	l.orders = nil
	for _, m := range batch {
		switch {
		case l.reject != nil && l.reject(m):
			l.rejected++
			receipt.Rejected = append(receipt.Rejected, transport.Rejection{ID: m.ID(), Problem: transport.Problem{Title: "no"}})
		case l.hear != nil:
			l.hear(m)
			receipt.Accepted++
		case l.seen[m.ID()]:
			receipt.Duplicates++
		default:
			l.seen[m.ID()] = true
			receipt.Accepted++
			m.Body = bytes.Clone(m.Body) // the batch is used again
			l.got = append(l.got, m)
		}
	}
	return receipt, nil
}

func (l *link) Close() error { return nil }

func (l *link) set(change func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *link) tries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.attempts
}

// kinds counts what arrived.
func (l *link) kinds() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := map[string]int{}
	for _, m := range l.got {
		n[m.Kind]++
	}
	return n
}

// holes says which numbers are missing in the lanes of what arrived.
func (l *link) holes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	highest := map[string]uint64{}
	there := map[string]bool{}
	for _, m := range l.got {
		highest[m.Lane] = max(highest[m.Lane], m.Seq)
		there[fmt.Sprint(m.Lane, m.Seq)] = true
	}
	var holes []string
	for lane, n := range highest {
		for seq := uint64(1); seq <= n; seq++ {
			if id := fmt.Sprint(lane, seq); !there[id] {
				holes = append(holes, id)
			}
		}
	}
	return holes
}

// A site is an agent with everything it stands on, in memory but for its database.
type site struct {
	*agent.Agent
	fleet *fleet
	link  *link
	store *store.Store
	parts agent.Options
}

// with is the same agent with other copiers.
func (s *site) with(copiers interface {
	Read(context.Context, collector.Target) (collector.Reading, error)
	Discover(context.Context, collector.Sweep, func(collector.Find)) error
}) *agent.Agent {
	o := s.parts
	o.Copiers = copiers
	return agent.New(o)
}

const host = "10.0.0.1:161"

func newSite(t *testing.T, path string, change ...func(*config.Config)) *site {
	t.Helper()
	return newSiteOf(t, path, func(*agent.Options) {}, change...)
}

func newSiteOf(t *testing.T, path string, more func(*agent.Options), change ...func(*config.Config)) *site {
	t.Helper()
	cfg := config.Default()
	cfg.Customer = "1234567"
	network := config.DefaultNetwork()
	network.Addresses = []string{"10.0.0.1"}
	cfg.Networks = []config.Network{network}
	cfg.Poll.Meters, cfg.Poll.Supplies = 4*time.Hour, time.Hour
	cfg.Toner.Confirm, cfg.Toner.Sudden = 2, 0
	for _, c := range change {
		c(&cfg)
	}
	s, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}, Salvage: true})
	if err != nil {
		t.Fatal(err)
	}
	it := &site{
		fleet: &fleet{copiers: map[string]*copier{host: {serial: "ABC12345", total: 1000, toner: 80}}, asked: map[string]int{}},
		link:  &link{seen: map[string]bool{}},
		store: s,
	}
	it.parts = agent.Options{
		Config: cfg, ID: "6f3c1d5e-0000-4000-8000-000000000001", Version: "test",
		Store: s, Copiers: it.fleet, Outputs: []agent.Output{{Name: agent.Portal, Link: it.link, Orders: true}},
	}
	more(&it.parts)
	it.Agent = agent.New(it.parts)
	return it
}

// start runs the agent; what it returns stops it and closes the database.
func (s *site) start(t *testing.T) (stop func()) {
	t.Helper()
	return start(t, s.Agent, s.store)
}

func start(t *testing.T, a *agent.Agent, db *store.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	ready := make(chan struct{})
	go func() { ended <- a.Run(ctx, func() { close(ready) }) }()
	<-ready
	return func() {
		t.Helper()
		cancel()
		if err := errors.Join(<-ended, db.Close()); err != nil {
			t.Error(err)
		}
	}
}

func (s *site) status(t *testing.T) page.Status {
	t.Helper()
	status, err := s.Memory().Status("")
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// bodies decodes what arrived of one kind.
func bodies[T any](t *testing.T, l *link, kind string) []T {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []T
	for _, m := range l.got {
		if m.Kind != kind {
			continue
		}
		var v T
		if err := json.Unmarshal(m.Body, &v); err != nil {
			t.Fatalf("%s: %v in %s", m.ID(), err, m.Body)
		}
		all = append(all, v)
	}
	return all
}

func database(t *testing.T) string { return filepath.Join(t.TempDir(), "agent.db") }
