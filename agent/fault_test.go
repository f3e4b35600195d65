package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/store"
	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// A fault is one row of the matrix: what goes wrong, and at which point of a delivery.
type fault struct {
	over, point, what string
	begin             func(*scene)
	end               func(*scene) // nil: the gate and the peer are mended
}

// A scene is one agent with a backlog, a portal, and the network between them.
type scene struct {
	t      testing.TB
	gate   *transporttest.Gate
	peer   transporttest.Peer
	server *transporttest.Server // or
	broker *transporttest.Broker
}

// An outcome is what a fault did.
type outcome struct {
	fault
	lost, doubled int           // records; doubled after the portal has dropped what repeats
	repeats       int           // records that came again
	requests      int           // connections or requests while it lasted, whichever were more
	recovered     time.Duration // from its end until everything had arrived
	err           error
}

const (
	faultLasts   = 700 * time.Millisecond  // in which an agent tries again and again
	faultTimeout = 1500 * time.Millisecond // of one send
	faultTries   = 60                      // most requests while it lasts
)

// faultRecords is how many records each row has: as many as fill two batches, and where there is
// time for it, five.
func faultRecords() int {
	if os.Getenv("METERAGENT_SOAK") != "" {
		return 400
	}
	return 160
}

// TestFaultMatrix breaks the delivery in every way at every point, over both links, with the
// real forwarder, database, TLS and TCP. Nothing is lost, nothing counts twice, nothing lands in
// quarantine, and the portal is not hammered. The waits are short, so that hours pass in a second.
func TestFaultMatrix(t *testing.T) {
	faults := slices.Concat(networkFaults(), serverFaults(), brokerFaults(), certificateFaults())
	outcomes := make([]outcome, len(faults))
	agent.Each(len(faults), 8, func(i int) { outcomes[i] = suffer(t, faults[i]) })
	var table strings.Builder
	fmt.Fprintf(&table, "%-6s %-11s %-50s %4s %7s %7s %8s %9s\n", "over", "point", "fault", "lost", "doubled", "repeats", "requests", "recovered")
	for _, o := range outcomes {
		fmt.Fprintf(&table, "%-6s %-11s %-50.50s %4d %7d %7d %8d %9v\n", o.over, o.point, o.what, o.lost, o.doubled, o.repeats, o.requests, o.recovered.Round(time.Millisecond))
		if o.err != nil || o.lost != 0 || o.doubled != 0 || o.requests > faultTries {
			t.Errorf("%s, %s, %s: lost %d, doubled %d, %d requests: %v", o.over, o.point, o.what, o.lost, o.doubled, o.requests, o.err)
		}
	}
	t.Logf("%d rows\n%s", len(outcomes), &table)
}

func networkFaults() (all []fault) {
	moments := []transporttest.Moment{transporttest.Connecting, transporttest.Sending, transporttest.Answering}
	for _, over := range []string{"https", "mqtts"} {
		for _, what := range []transporttest.Mishap{
			transporttest.Refuses, transporttest.Resets, transporttest.HangsUp, transporttest.BlackHole,
			transporttest.HalfOpen, transporttest.Drips, transporttest.Late,
		} {
			for _, when := range moments {
				if what == transporttest.Refuses && when != transporttest.Connecting {
					continue
				}
				begin := func(s *scene) { s.gate.Upset(transporttest.Trouble{What: what, When: when}) }
				all = append(all, fault{over: over, point: string(when), what: string(what), begin: begin})
			}
		}
	}
	return all
}

func serverFaults() (all []fault) {
	for point, faults := range map[string][]transporttest.Fault{
		"sending": {transporttest.CutBefore, transporttest.Silent},
		"answering": {
			transporttest.Unauthorized, transporttest.Forbidden, transporttest.NoCertificate, transporttest.PlainPage,
			transporttest.NotFound, transporttest.NoGzip, transporttest.ComeBack, transporttest.ServerError,
			transporttest.BadGateway, transporttest.Busy, transporttest.Moved, transporttest.MovedAway,
			transporttest.CaptivePortal, transporttest.OtherJSON, transporttest.OtherRecords, transporttest.Garbage,
			transporttest.Endless, transporttest.Stuck, transporttest.CutAfter,
		},
	} {
		for _, f := range faults {
			all = append(all, fault{over: "https", point: point, what: string(f), begin: func(s *scene) { s.server.Fail(f, 1000) }})
		}
	}
	slices.SortFunc(all, func(a, b fault) int { return strings.Compare(a.point+a.what, b.point+b.what) })
	return append(all,
		fault{over: "https", point: "sending", what: "413 for more than 4 KB", begin: func(s *scene) { s.server.Limit(4000) }},
		fault{over: "https", point: "sending", what: "restart", begin: func(s *scene) { s.server.Restart() }},
		fault{
			over: "https", point: "answering", what: "the portal is down (503)",
			begin: func(s *scene) { s.peer.Portal().Down(true) }, end: func(s *scene) { s.peer.Portal().Down(false) },
		})
}

func brokerFaults() (all []fault) {
	for _, f := range []struct {
		point string
		what  transporttest.Fault
	}{
		{"connecting", transporttest.Unauthorized},
		{"connecting", transporttest.DenyReceipts},
		{"sending", transporttest.CutBefore},
		{"sending", transporttest.Deny},
		{"answering", transporttest.Silent},
		{"answering", transporttest.CutAfter},
		{"receipt", transporttest.LoseReceipt},
		{"receipt", transporttest.TearReceipt},
		{"receipt", transporttest.RepeatReceipt},
		{"receipt", transporttest.SwapReceipts},
	} {
		all = append(all, fault{over: "mqtts", point: f.point, what: string(f.what), begin: func(s *scene) { s.broker.Fail(f.what, 1000) }})
	}
	return append(all,
		fault{over: "mqtts", point: "sending", what: "restart", begin: func(s *scene) { s.broker.Restart() }},
		fault{
			over: "mqtts", point: "sending", what: "frozen broker",
			begin: func(s *scene) { s.broker.Freeze() }, end: func(s *scene) { s.broker.Thaw() },
		},
		fault{
			over: "mqtts", point: "receipt", what: "the portal is down",
			begin: func(s *scene) { s.peer.Portal().Down(true) }, end: func(s *scene) { s.peer.Portal().Down(false) },
		})
}

// certificateFaults put another server into the portal's place.
func certificateFaults() (all []fault) {
	for _, over := range []string{"https", "mqtts"} {
		for what, other := range map[string]func(*scene) *transporttest.Server{
			"certificate has expired": func(s *scene) *transporttest.Server {
				a := s.authority()
				return transporttest.StartServer(s.t, a, a.ServerFor("127.0.0.1", time.Now().Add(-time.Hour)))
			},
			"certificate of another authority": func(s *scene) *transporttest.Server { return transporttest.NewServer(s.t) },
			"certificate of another host": func(s *scene) *transporttest.Server {
				a := s.authority()
				return transporttest.StartServer(s.t, a, a.ServerFor("login.example.net", time.Now().Add(time.Hour)))
			},
		} {
			all = append(all, fault{
				over: over, point: "connecting", what: what,
				begin: func(s *scene) { s.gate.Lead(other(s).Address()) },
				end:   func(s *scene) { s.gate.Lead(s.address()) },
			})
		}
	}
	return all
}

func newScene(t testing.TB, over string) *scene {
	s := &scene{t: t}
	if over == "https" {
		s.server = transporttest.NewServer(t)
		s.peer = s.server
	} else {
		s.broker = transporttest.NewBroker(t)
		s.peer = s.broker
	}
	s.gate = transporttest.NewGate(t, s.address())
	return s
}

func (s *scene) address() string {
	if s.server != nil {
		return s.server.Address()
	}
	return s.broker.Address()
}

func (s *scene) authority() *transporttest.Authority {
	if s.server != nil {
		return s.server.Authority
	}
	return s.broker.Authority
}

func (s *scene) mend() {
	s.gate.Mend()
	if s.server != nil {
		s.server.Mend()
	} else {
		s.broker.Mend()
	}
}

func (s *scene) requests() int {
	n := s.gate.Accepted()
	if s.server != nil {
		n = max(n, len(s.server.Requests()))
	}
	return n
}

// link leads through the gate.
func (s *scene) link() transport.Link {
	return transporttest.Dial(s.t, s.peer, func(c *transport.Config) {
		at, err := url.Parse(c.URL)
		if err != nil {
			s.t.Error(err)
			return
		}
		at.Host = s.gate.Address()
		c.URL, c.Timeout = at.String(), faultTimeout
	})
}

// suffer runs an agent with a backlog through one fault.
func suffer(t testing.TB, f fault) outcome {
	s := newScene(t, f.over)
	path := filepath.Join(t.TempDir(), "agent.db")
	o := outcome{fault: f}
	kept, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}})
	if err != nil {
		o.err = err
		return o
	}
	defer kept.Close()
	if o.err = readings(kept, faultRecords()); o.err != nil {
		return o
	}
	settled := make(chan int, 1000)
	a := agent.New(agent.Options{
		Notice: func(n agent.Notice) {
			if n.What == agent.Delivered {
				settled <- n.Count
			}
		},
		Config: config.Default(), ID: transporttest.Agent, Version: "test", Store: kept, Copiers: &fleet{},
		Outputs: []agent.Output{{
			Name: agent.Portal, Link: s.link(), Orders: true,
			Backoff: transport.Backoff{First: 50 * time.Millisecond, Max: 400 * time.Millisecond},
		}},
	})
	f.begin(s)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, func() {}) }()

	<-time.After(faultLasts)
	o.requests = s.requests()
	begin := time.Now()
	if f.end != nil {
		f.end(s)
	}
	s.mend()
	within, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for n := 0; n < faultRecords()+1 && o.err == nil; {
		select {
		case more := <-settled:
			n += more
		case <-within.Done():
			o.err = fmt.Errorf("only %d were settled", n)
		}
	}
	o.recovered = time.Since(begin)
	stop()
	if err := <-ended; err != nil {
		o.err = err
	}
	portal := s.peer.Portal()
	o.count(kept, portal.Counts().Received, portal.Counts().Repeats, portal.Counts().Refused)
	if holes := portal.Holes(); len(holes) > 0 {
		o.err = fmt.Errorf("holes %v", holes)
	}
	return o
}

// count compares what was stored with what the portal counted.
func (o *outcome) count(kept *store.Store, received, repeats, refused int) {
	const own = 2 // records: the agent says that it has started, and that it stops
	waiting, err := kept.Waiting(agent.Portal)
	if err == nil && waiting.Urgent+waiting.Bulk > 1 { // its last word may stay for the next start
		err = fmt.Errorf("%d records wait still", waiting.Urgent+waiting.Bulk)
	}
	if rejected, _ := kept.Quarantine(agent.Portal); len(rejected) > 0 || refused > 0 {
		err = fmt.Errorf("%d records in quarantine, %d refused", len(rejected), refused)
	}
	o.lost = max(0, faultRecords()+own-received-waiting.Urgent-waiting.Bulk)
	o.doubled, o.repeats = max(0, received-faultRecords()-own), repeats
	if o.err == nil {
		o.err = err
	}
}

// readings stores readings of twenty copiers.
func readings(s *store.Store, n int) error {
	return s.Update(func(tx *store.Tx) error {
		for i := range n {
			m := transporttest.Reading(uint64(i+1), fmt.Sprintf("KXF%05d", i%20), int64(100_000+i))
			if _, err := tx.Append(store.Record{Lane: store.Bulk, Kind: m.Kind, Subject: m.Subject, At: m.At}, json.RawMessage(m.Body)); err != nil {
				return err
			}
		}
		return nil
	})
}
