package agent_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/store"
	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// poison are the numbers of the records that a portal must refuse, of a thousand.
func poison() []uint64 { return []uint64{137, 500, 501} }

const poisoned = 1000

// Three records of a thousand are bad. Exactly those three end in quarantine, with their
// reasons, whatever way the receiver has to say so.
func TestPoisonedBatch(t *testing.T) {
	lower := func(r *store.Record) { r.Body = transporttest.Reading(r.Seq, r.Subject, 1).Body }
	large := func(r *store.Record) { r.Body = []byte(`{"padding":"` + strings.Repeat("x", 20_000) + `"}`) }
	for _, c := range []struct {
		name   string
		spoil  func(*store.Record)
		dial   func(*testing.T) (link transport.Link, has func() int)
		reason string
	}{
		{"https, record by record", lower, func(t *testing.T) (transport.Link, func() int) {
			s := transporttest.NewServer(t)
			return transporttest.Dial(t, s, nil), received(t, s)
		}, "lower-than-last"},
		{"https, 422 for the whole", lower, strict(422), "total of 1"},
		{"https, 400 for the whole", lower, strict(400), "total of 1"},
		{"mqtts, receipts", lower, func(t *testing.T) (transport.Link, func() int) {
			b := transporttest.NewBroker(t)
			return transporttest.Dial(t, b, nil), received(t, b)
		}, "lower-than-last"},
		{"mqtts, no word but the broker's", large, func(t *testing.T) (transport.Link, func() int) {
			b := transporttest.NewBroker(t)
			return transporttest.Dial(t, b, func(c *transport.Config) {
				c.Receipts, c.LargestBatch = transport.ReceiptsBroker, 16<<10
			}), received(t, b)
		}, "over the limit of 16384"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{Destinations: []string{agent.Portal}})
			if err != nil {
				t.Fatal(err)
			}
			defer kept.Close()
			fillPoisoned(t, kept, c.spoil)
			link, has := c.dial(t)
			a := agent.New(agent.Options{
				Config: config.Default(), ID: transporttest.Agent, Version: "test", Store: kept, Copiers: &fleet{},
				Outputs: []agent.Output{{Name: agent.Portal, Link: link, Orders: true}},
			})
			sum, err := a.Once(t.Context())
			if err != nil || sum.Pending != 0 || sum.Confirmed != poisoned-len(poison()) || has() != poisoned-len(poison()) {
				t.Errorf("%+v, the receiver has %d: %v", sum, has(), err)
			}
			list, err := kept.Quarantine(agent.Portal)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for _, q := range list {
				got = append(got, q.Record.Seq)
				if !strings.Contains(string(q.Reason), c.reason) {
					t.Errorf("record %d is in quarantine because of %s", q.Record.Seq, q.Reason)
				}
			}
			if !slices.Equal(got, poison()) {
				t.Errorf("in quarantine are %v, want %v", got, poison())
			}
		})
	}
}

// received says how many records a peer's portal has taken; a broker answers before it has.
func received(t *testing.T, p transporttest.Peer) func() int {
	return func() int {
		within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		portal := p.Portal()
		portal.Until(within, func() bool { return portal.Counts().Received >= poisoned-len(poison()) })
		return portal.Counts().Received
	}
}

func fillPoisoned(t *testing.T, kept *store.Store, spoil func(*store.Record)) {
	err := kept.Update(func(tx *store.Tx) error {
		for seq := uint64(1); seq <= poisoned; seq++ {
			m := transporttest.Reading(seq, fmt.Sprintf("KXF%05d", seq%20), int64(100_000+seq))
			r := store.Record{Lane: store.Bulk, Kind: m.Kind, Subject: m.Subject, At: m.At, Body: m.Body}
			if slices.Contains(poison(), seq) {
				r.Seq = seq
				spoil(&r)
				r.Seq = 0
			}
			if _, err := tx.Append(r, json.RawMessage(r.Body)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// strict is a receiver that refuses a whole batch for one bad record in it.
func strict(status int) func(*testing.T) (transport.Link, func() int) {
	return func(t *testing.T) (transport.Link, func() int) {
		r := &strictReceiver{t: t, status: status, taken: map[string]bool{}}
		a := transporttest.NewAuthority(t)
		server := httptest.NewUnstartedServer(r)
		server.TLS = a.Server()
		server.StartTLS()
		t.Cleanup(server.Close)
		link, err := transport.Dial(transport.Config{URL: server.URL, CAFile: a.File, Agent: transporttest.Agent})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { link.Close() })
		t.Cleanup(func() { t.Logf("%d requests for %d records", r.requests, poisoned) })
		return link, func() int { return len(r.taken) }
	}
}

type strictReceiver struct {
	t      *testing.T
	status int

	mu       sync.Mutex
	requests int
	taken    map[string]bool
}

func (s *strictReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	packed, err := gzip.NewReader(r.Body)
	if err != nil {
		s.t.Error(err)
		return
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		s.t.Error(err)
	}
	var events []struct {
		ID, Subject string
		Data        struct{ Meters []struct{ Value int64 } }
	}
	if err := json.Unmarshal(text, &events); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	for _, e := range events {
		if e.Data.Meters[0].Value == 1 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(s.status)
			fmt.Fprintf(w, `{"title":"Bad record","detail":"a total of 1"}`)
			return
		}
	}
	for _, e := range events {
		s.taken[e.ID] = true
	}
}
