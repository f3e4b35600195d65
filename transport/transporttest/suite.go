package transporttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/transport"
)

// shortly is how long a test waits for what must not come.
const shortly = 300 * time.Millisecond

// TestLink runs every case that a transport.Link has to pass, each against a peer of
// its own.
func TestLink(t *testing.T, start func(testing.TB) Peer) {
	cases := []struct {
		name string
		run  func(*testing.T, Peer)
	}{
		{"accepted", accepted},
		{"duplicate", duplicate},
		{"refused single", refusedSingle},
		{"unsendable record", unsendable},
		{"lower than last", lowerThanLast},
		{"order states", orderStates},
		{"unauthorised", unauthorised},
		{"server silent", silent},
		{"connection cut before the work", cutBefore},
		{"connection cut after the work", cutAfter},
		{"context cancelled", cancelled},
		{"context over before", over},
		{"big batch", bigBatch},
		{"empty batch", emptyBatch},
		{"closed link", closedLink},
		{"close during send", closeDuringSend},
		{"portal down", down},
		{"reconnect after restart", restart},
		{"concurrent sends", concurrent},
		{"secrets", secrets},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, start(t)) })
	}
}

// soon bounds a Send that is to succeed, so that a broken link fails instead of
// hanging.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// send sends a batch that is to be settled.
func send(t testing.TB, link transport.Link, batch []transport.Message) transport.Receipt {
	t.Helper()
	receipt, err := link.Send(soon(t), batch)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	return receipt
}

// ids returns what the portal has, in order of arrival.
func ids(p Peer) []string {
	var ids []string
	for _, e := range p.Portal().Received() {
		ids = append(ids, e.ID)
	}
	return ids
}

func want(batch []transport.Message) []string {
	var ids []string
	for _, m := range batch {
		ids = append(ids, m.ID())
	}
	return ids
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want one that is %q", err, want)
	}
}

func accepted(t *testing.T, p Peer) {
	batch := Batch(1, 3)
	receipt := send(t, Dial(t, p, nil), batch)
	equal(t, "receipt", receipt, transport.Receipt{Accepted: 3})
	equal(t, "portal has", ids(p), want(batch))
	event := p.Portal().Received()[2]
	equal(t, "source", event.Source, "urn:uuid:"+Agent)
	equal(t, "customer", event.Customer, Customer)
	equal(t, "type", event.Type, "meteragent.reading.v1")
	equal(t, "body", string(event.Data), string(batch[2].Body))
	equal(t, "time", event.Time, batch[2].At)
}

func duplicate(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	send(t, link, Batch(1, 2))
	receipt := send(t, link, Batch(1, 3))
	equal(t, "receipt", receipt, transport.Receipt{Accepted: 1, Duplicates: 2})
	equal(t, "portal has", ids(p), want(Batch(1, 3)))
}

func refusedSingle(t *testing.T, p Peer) {
	batch := Batch(1, 3)
	batch[1].Kind = "horoscope"
	receipt := send(t, Dial(t, p, nil), batch)
	equal(t, "accepted", receipt.Accepted, 2)
	if len(receipt.Rejected) != 1 {
		t.Fatalf("rejected: got %v, want one", receipt.Rejected)
	}
	equal(t, "rejected", receipt.Rejected[0].ID, batch[1].ID())
	equal(t, "problem", receipt.Rejected[0].Problem.Name(), "unknown-type")
	if holes := p.Portal().Holes(); len(holes) > 0 {
		t.Errorf("holes: %v; a refused record has arrived", holes)
	}
}

// unsendable makes sure that a record which would break a batch is refused alone.
func unsendable(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	for i, body := range []string{`"text"`, `{"a":1`, `[]`, ``} {
		batch := Batch(1+3*i, 3)
		batch[1].Body = []byte(body)
		receipt := send(t, link, batch)
		if receipt.Accepted != 2 || len(receipt.Rejected) != 1 || receipt.Rejected[0].ID != batch[1].ID() {
			t.Errorf("body %q: got %+v, want the second record refused", body, receipt)
		}
		receipt = send(t, link, batch[1:2])
		if receipt.Accepted != 0 || len(receipt.Rejected) != 1 {
			t.Errorf("body %q alone: got %+v, want it refused", body, receipt)
		}
	}
	equal(t, "portal has", len(ids(p)), 8)
}

func lowerThanLast(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	send(t, link, []transport.Message{Reading(1, "ABC12345", 500)})
	receipt := send(t, link, []transport.Message{Reading(2, "ABC12345", 499), Reading(3, "XYZ54321", 10)})
	equal(t, "accepted", receipt.Accepted, 1)
	if len(receipt.Rejected) != 1 {
		t.Fatalf("rejected: got %v, want one", receipt.Rejected)
	}
	problem := receipt.Rejected[0].Problem
	equal(t, "problem", problem.Name(), transport.LowerThanLast)
	if problem.LastValue == nil || *problem.LastValue != 500 {
		t.Errorf("last value: got %v, want 500", problem.LastValue)
	}
}

func orderStates(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	const id = "32fe44a8-e22c-5593-9f30-b77b0eaf824f" // of the example
	order := Record(t, "urgent", 1, "order")
	equal(t, "states", send(t, link, []transport.Message{order}).Orders, []transport.OrderState{{ID: id, State: "accepted"}})
	if !p.Portal().SetOrder(id, "shipped") {
		t.Fatal("the portal does not know the order")
	}
	equal(t, "states", send(t, link, Batch(1, 1)).Orders, []transport.OrderState{{ID: id, State: "shipped"}})
}

func unauthorised(t *testing.T, p Peer) {
	link := Dial(t, p, func(c *transport.Config) { c.Token = "wrong" })
	_, err := link.Send(soon(t), Batch(1, 1))
	is(t, err, transport.ErrUnauthorized)

	p.Fail(Unauthorized, 1)
	link = Dial(t, p, nil)
	_, err = link.Send(soon(t), Batch(1, 1))
	is(t, err, transport.ErrUnauthorized)
	send(t, link, Batch(1, 1)) // it was let in again
}

func silent(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	p.Fail(Silent, 1)
	ctx, cancel := context.WithTimeout(t.Context(), shortly)
	defer cancel()
	_, err := link.Send(ctx, Batch(1, 1))
	is(t, err, context.DeadlineExceeded)

	link = Dial(t, p, func(c *transport.Config) { c.Timeout = shortly })
	p.Fail(Silent, 1)
	_, err = link.Send(t.Context(), Batch(1, 1))
	is(t, err, context.DeadlineExceeded)
	send(t, link, Batch(1, 1))
}

func cutBefore(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	p.Fail(CutBefore, 1)
	if _, err := link.Send(soon(t), Batch(1, 2)); err == nil {
		t.Error("got no error")
	}
	equal(t, "receipt", send(t, link, Batch(1, 2)), transport.Receipt{Accepted: 2})
}

func cutAfter(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	p.Fail(CutAfter, 1)
	if _, err := link.Send(soon(t), Batch(1, 2)); err == nil {
		t.Error("got no error")
	}
	if err := p.Portal().Until(soon(t), func() bool { return p.Portal().Counts().Received == 2 }); err != nil {
		t.Fatal(err)
	}
	// Over MQTT the answer to the first try may still arrive, and then it counts.
	receipt := send(t, link, Batch(1, 2))
	equal(t, "settled", receipt.Accepted+receipt.Duplicates, 2)
	equal(t, "portal has", ids(p), want(Batch(1, 2)))
}

func cancelled(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	p.Fail(Silent, 1)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(shortly, cancel)
	_, err := link.Send(ctx, Batch(1, 1))
	is(t, err, context.Canceled)
	send(t, link, Batch(1, 1))
}

func over(t *testing.T, p Peer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Dial(t, p, nil).Send(ctx, Batch(1, 1))
	is(t, err, context.Canceled)
	equal(t, "portal has", ids(p), []string(nil))
}

func bigBatch(t *testing.T, p Peer) {
	link := Dial(t, p, func(c *transport.Config) { c.LargestBatch = 4 << 20 })
	batch := Batch(1, 1000)
	for i := range batch {
		padding := fmt.Sprintf(`,"console":[%q]}`, strings.Repeat("Wärmt auf. ", 100))
		batch[i].Body = append(batch[i].Body[:len(batch[i].Body)-1], padding...)
	}
	equal(t, "receipt", send(t, link, batch), transport.Receipt{Accepted: 1000})
	equal(t, "portal has", ids(p), want(batch))
}

func emptyBatch(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	equal(t, "receipt", send(t, link, nil), transport.Receipt{})

	p.Fail(Unauthorized, 1)
	_, err := Dial(t, p, nil).Send(soon(t), nil)
	is(t, err, transport.ErrUnauthorized)
}

func closedLink(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	send(t, link, Batch(1, 1))
	for range 2 {
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := link.Send(soon(t), Batch(2, 1))
	is(t, err, transport.ErrClosed)
	equal(t, "portal has", ids(p), want(Batch(1, 1)))
}

func closeDuringSend(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	send(t, link, Batch(1, 1))
	p.Fail(Silent, 1)
	time.AfterFunc(shortly, func() { link.Close() })
	_, err := link.Send(soon(t), Batch(2, 1))
	is(t, err, transport.ErrClosed)
}

func down(t *testing.T, p Peer) {
	link := Dial(t, p, func(c *transport.Config) { c.Timeout = shortly })
	p.Portal().Down(true)
	if _, err := link.Send(t.Context(), Batch(1, 1)); err == nil || errors.Is(err, transport.ErrRefused) {
		t.Errorf("got error %v, want one to try again after", err)
	}
	p.Portal().Down(false)
	link = Dial(t, p, nil)
	equal(t, "receipt", send(t, link, Batch(1, 1)), transport.Receipt{Accepted: 1})
}

func restart(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	for round := range 3 {
		batch := Batch(1+round, 1)
		// The first try may still go to the connection that is gone, and says so.
		if _, err := link.Send(soon(t), batch); err != nil {
			send(t, link, batch)
		}
		p.Restart()
	}
	equal(t, "portal has", ids(p), want(Batch(1, 3)))
}

func concurrent(t *testing.T, p Peer) {
	link := Dial(t, p, nil)
	const senders, each = 8, 10
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for i := range each {
				receipt, err := link.Send(soon(t), Batch(1+2*(s*each+i), 2))
				if err != nil {
					t.Errorf("sender %d: %v", s, err)
				}
				if n := receipt.Accepted + len(receipt.Rejected); n != 2 {
					t.Errorf("sender %d: got a receipt for %d of 2", s, n)
				}
			}
		})
	}
	group.Wait()
	if holes := p.Portal().Holes(); len(holes) > 0 {
		t.Errorf("holes: %v", holes)
	}
	got := ids(p)
	slices.Sort(got)
	equal(t, "each once", len(slices.Compact(got)), len(got))
}

// secrets makes sure that no error tells the token, or the query of the URL.
func secrets(t *testing.T, p Peer) {
	errs := map[string]error{}
	for _, f := range []Fault{Unauthorized, CutBefore} {
		p.Fail(f, 1)
		_, errs[string(f)] = Dial(t, p, nil).Send(soon(t), Batch(1, 1))
	}
	_, errs["nobody listens"] = Dial(t, p, func(c *transport.Config) {
		c.URL = strings.Split(c.URL, "://")[0] + "://127.0.0.1:1/?key=hunter2"
	}).Send(soon(t), Batch(1, 1))
	for name, err := range errs {
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		if err == nil || strings.Contains(text, Token.Reveal()) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: got error %s", name, text)
		}
		if !strings.HasPrefix(fmt.Sprint(err), "127.0.0.1:") {
			t.Errorf("%s: got error %v, want it to name the host", name, err)
		}
	}
}
