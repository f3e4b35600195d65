package transport_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

const statusTopic = "meteragent/v1/" + transporttest.Customer + "/" + transporttest.Agent + "/status"

// brokerReceipts makes the broker's word count.
func brokerReceipts(c *transport.Config) { c.Receipts = transport.ReceiptsBroker }

// patiently sends to a peer of which the answer must not come. A machine under load may not
// even be connected in the time given at first; then it gets more.
func patiently(t *testing.T, link transport.Link, batch []transport.Message) error {
	t.Helper()
	for patience := 300 * time.Millisecond; ; patience *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := link.Send(ctx, batch)
		cancel()
		if !errors.Is(err, transport.ErrTimeout) || patience > time.Minute {
			return err
		}
	}
}

func both(changes ...func(*transport.Config)) func(*transport.Config) {
	return func(c *transport.Config) {
		for _, change := range changes {
			change(c)
		}
	}
}

// A broker acknowledges what its access list or its size limit drops. Only the
// portal's receipt counts, so nothing is lost.
func TestAcknowledgedAndDropped(t *testing.T) {
	for name, arrange := range map[string]func(*transporttest.Broker){
		"access list": func(b *transporttest.Broker) { b.Fail(transporttest.Deny, 20) },
		"size limit":  func(b *transporttest.Broker) { b.Limit(300) },
	} {
		t.Run(name, func(t *testing.T) {
			b := transporttest.NewBroker(t)
			arrange(b)
			err := patiently(t, transporttest.Dial(t, b, nil), transporttest.Batch(1, 2))
			if !errors.Is(err, transport.ErrNoReceipt) {
				t.Errorf("got error %v, want ErrNoReceipt", err)
			}
		})
	}
}

func TestBrokerReceipts(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, brokerReceipts)
	for i := range 3 {
		receipt, err := link.Send(t.Context(), transporttest.Batch(1+10*i, 10))
		if err != nil || receipt.Accepted != 10 {
			t.Fatalf("got %v, %v", receipt, err)
		}
		b.Restart() // so that every Send has to prove the broker again
	}
}

func TestProbeThatDoesNotComeBack(t *testing.T) {
	b := transporttest.NewBroker(t)
	b.Limit(100 << 10)
	link := transporttest.Dial(t, b, brokerReceipts)
	if err := patiently(t, link, transporttest.Batch(1, 1)); !errors.Is(err, transport.ErrUnproved) {
		t.Errorf("got error %v, want ErrUnproved", err)
	}
	if got := b.Portal().Received(); len(got) > 0 {
		t.Errorf("%d records went to a broker that is not to be trusted", len(got))
	}

	link = transporttest.Dial(t, b, both(brokerReceipts, func(c *transport.Config) { c.LargestBatch = 50 << 10 }))
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Errorf("within the limit: %v", err)
	}
}

// A batch travels in as many publishes as the broker's limit makes of it; a record that is
// too large for any is refused alone.
func TestBatchOverTheLimit(t *testing.T) {
	b := transporttest.NewBroker(t)
	b.Limit(4000)
	link := transporttest.Dial(t, b, func(c *transport.Config) { c.LargestBatch = 4000 })
	batch := transporttest.Batch(1, 30)
	batch[9].Body = []byte(`{"padding":"` + strings.Repeat("x", 4000) + `"}`)
	receipt, err := link.Send(t.Context(), batch)
	if err != nil || receipt.Accepted != 29 || len(receipt.Rejected) != 1 || receipt.Rejected[0].ID != batch[9].ID() {
		t.Errorf("got %+v, %v; want all accepted but the tenth", receipt, err)
	}
	if n := b.Portal().Counts().Batches; n < 3 {
		t.Errorf("the portal got %d publishes, want several", n)
	}
}

// A batch of several kinds goes out on several topics and is one batch nevertheless.
func TestKinds(t *testing.T) {
	b := transporttest.NewBroker(t)
	batch := transporttest.Batch(1, 6)
	for i, kind := range []string{"alert", "agent", "device", "gap"} {
		batch[i] = transporttest.Record(t, "bulk", uint64(1+i), kind)
	}
	receipt, err := transporttest.Dial(t, b, nil).Send(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(transport.Receipt{Accepted: 6}, receipt); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
}

// A broker that has lost the subscription is not listened to in vain for ever.
func TestLostSubscription(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, nil)
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Fatal(err)
	}
	b.Deafen()
	if err := patiently(t, link, transporttest.Batch(2, 1)); !errors.Is(err, transport.ErrNoReceipt) {
		t.Errorf("got error %v, want ErrNoReceipt", err)
	}
	receipt, err := link.Send(t.Context(), transporttest.Batch(2, 1))
	if err != nil || receipt.Accepted+receipt.Duplicates != 1 {
		t.Errorf("got %v, %v; want a receipt", receipt, err)
	}
}

// When a broker has lost its sessions, the agent may be back before the portal. What it sends then goes
// to nobody, so it asks first, and one Send is enough once the portal is back, too.
func TestBackBeforeThePortal(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, nil)
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Fatal(err)
	}
	b.Portal().Down(true) // it is deaf, as one that has not subscribed yet
	b.Restart()
	asked := make(chan struct{}, 100)
	var back atomic.Bool
	b.Take(t, "reading", func(payload []byte) {
		switch {
		case string(payload) == "[]":
			asked <- struct{}{}
		case !back.Load():
			t.Errorf("it is sent to nobody: %s", payload)
		}
	})
	type result struct {
		receipt transport.Receipt
		err     error
	}
	done := make(chan result, 2) // of two at once, of which one asks
	for i := range 2 {
		go func() {
			receipt, err := link.Send(t.Context(), transporttest.Batch(2+i, 1))
			for err != nil && len(asked) == 0 { // it went to the connection that is gone
				receipt, err = link.Send(t.Context(), transporttest.Batch(2+i, 1))
			}
			done <- result{receipt, err}
		}()
	}
	<-asked
	<-asked
	back.Store(true)
	b.Portal().Down(false)
	for range 2 {
		if r := <-done; r.err != nil || r.receipt.Accepted != 1 {
			t.Errorf("got %+v, %v", r.receipt, r.err)
		}
	}
}

// A portal that answers for records and not to questions gets its records, and is not asked for ever.
func TestMutePortal(t *testing.T) {
	b := transporttest.NewBroker(t)
	b.Portal().Down(true)
	var mu sync.Mutex
	var questions int
	answer := func(payload []byte) {
		mu.Lock()
		defer mu.Unlock()
		if string(payload) == "[]" {
			questions++
			return
		}
		var batch []struct{ ID string }
		if err := json.Unmarshal(payload, &batch); err != nil {
			t.Error(err)
		}
		for _, r := range batch {
			go b.Say(t, "receipts", fmt.Sprintf(`{"results":[{"id":%q,"status":"accepted"}]}`, r.ID))
		}
	}
	b.Take(t, "reading", answer)
	link := transporttest.Dial(t, b, func(c *transport.Config) { c.Timeout = 4 * time.Second })
	asked := 0
	for i := range 4 {
		receipt, err := link.Send(t.Context(), transporttest.Batch(1+10*i, 10))
		if err != nil || receipt.Accepted != 10 {
			t.Fatalf("got %v, %v", receipt, err)
		}
		mu.Lock()
		if i == 0 {
			asked = questions
		}
		if asked == 0 || questions > asked {
			t.Errorf("%d questions, and then %d more", asked, questions-asked)
		}
		mu.Unlock()
		if i == 1 { // the next Send makes a new connection
			b.Restart()
			b.Take(t, "reading", answer)
		}
	}
}

func TestDeniedSubscription(t *testing.T) {
	b := transporttest.NewBroker(t)
	b.Fail(transporttest.DenyReceipts, 1)
	if _, err := transporttest.Dial(t, b, nil).Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Errorf("denied once: %v", err)
	}
	b.Fail(transporttest.DenyReceipts, 10)
	_, err := transporttest.Dial(t, b, nil).Send(t.Context(), transporttest.Batch(1, 1))
	if !errors.Is(err, transport.ErrDenied) || errors.Is(err, transport.ErrUnauthorized) || !strings.Contains(err.Error(), "/receipts") {
		t.Errorf("got error %v, want ErrDenied that names the topic, and not the long wait of a wrong password", err)
	}
}

// A portal that was denied its subscription, as a cluster does that has just lost a server, does not
// sit there deaf: it connects again.
func TestDeniedPortal(t *testing.T) {
	b := transporttest.NewBroker(t)
	b.Fail(transporttest.DenyRecords, 2)
	b.Restart()
	if _, err := transporttest.Dial(t, b, nil).Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Error(err)
	}
}

// A frozen broker never holds a Send beyond its context, nor a Close for long.
func TestFrozenBroker(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, func(c *transport.Config) { c.LargestBatch = 64 << 20 })
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Fatal(err)
	}
	b.Freeze()
	flood := transporttest.Batch(2, 12) // more than the sockets' buffers take
	for i := range flood {
		flood[i].Body = []byte(`{"padding":"` + strings.Repeat("x", 1_000_000) + `"}`)
	}
	for range 3 { // the first on the old connection, the others on none
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := link.Send(ctx, flood)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want DeadlineExceeded", err)
		}
	}
	b.Thaw()
	receipt, err := link.Send(t.Context(), transporttest.Batch(1, 2))
	if err != nil || receipt.Accepted+receipt.Duplicates != 2 {
		t.Errorf("thawed: got %v, %v", receipt, err)
	}
	b.Freeze()
	if err := link.Close(); err != nil {
		t.Error(err)
	}
}

// The status tells whether the agent is there: by itself if it leaves, by the last
// will if it is cut off.
func TestStatus(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, nil)
	expect := func(word string) {
		t.Helper()
		if got := b.Retained()[statusTopic]; !strings.Contains(got, `"`+word+`"`) {
			t.Errorf("status: got %s, want %s", got, word)
		}
	}
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Fatal(err)
	}
	expect("online")
	if err := link.Close(); err != nil {
		t.Error(err)
	}
	expect("offline")
}

// Two machines with one identity throw each other out of the broker. That is said,
// and nothing is lost by it.
func TestTakenOver(t *testing.T) {
	b := transporttest.NewBroker(t)
	links := []transport.Link{transporttest.Dial(t, b, nil), transporttest.Dial(t, b, nil)}
	var said error
	for i := 0; said == nil; i++ {
		if i == 100 {
			t.Fatal("nobody noticed")
		}
		_, err := links[i%2].Send(t.Context(), transporttest.Batch(1+i, 1))
		if errors.Is(err, transport.ErrTakenOver) {
			said = err
		}
	}
	if !strings.Contains(said.Error(), "another agent") {
		t.Errorf("got error %v", said)
	}
	links[1].Close()
	for range 20 { // its own loss may still have to be noticed
		if _, err := links[0].Send(t.Context(), transporttest.Batch(1, 1)); err == nil {
			return
		}
	}
	t.Error("the one that is left is not let in again")
}

// Receipts that come in pieces, for other records, or as nonsense neither settle too
// much nor stop anything.
func TestReceiptMessages(t *testing.T) {
	b := transporttest.NewBroker(t)
	link := transporttest.Dial(t, b, nil)
	if _, err := link.Send(t.Context(), nil); err != nil { // connects
		t.Fatal(err)
	}
	b.Portal().Down(true)
	published := b.Watch(t, "reading")
	type result struct {
		receipt transport.Receipt
		err     error
	}
	done := make(chan result, 1)
	go func() {
		receipt, err := link.Send(t.Context(), transporttest.Batch(1, 3))
		done <- result{receipt, err}
	}()
	<-published
	for _, said := range []string{
		`nonsense`, `[]`, `{}`, `{"results":null}`,
		`{"results":[{"id":"other-bulk-9","status":"accepted"}]}`,
		`{"results":[{"id":"7f3a-bulk-1","status":"postponed"}]}`,
		`{"results":[{"id":"7f3a-bulk-1","status":"accepted"}]}`,
		`{"results":[{"id":"7f3a-bulk-1","status":"rejected"}]}`, // settled already
		`{"orders":[{"id":"order-1","state":"shipped"}]}`,
		`{"results":[{"id":"7f3a-bulk-2","status":"duplicate"}]}`,
	} {
		b.Say(t, "receipts", said)
	}
	b.Say(t, "receipts", `{"results":[{"id":"7f3a-bulk-3","status":"rejected","problem":{"title":"no"}}]}`)
	r := <-done
	want := transport.Receipt{
		Accepted: 1, Duplicates: 1,
		Rejected: []transport.Rejection{{ID: "7f3a-bulk-3", Problem: transport.Problem{Title: "no"}}},
		Orders:   []transport.OrderState{{ID: "order-1", State: "shipped"}},
	}
	if diff := cmp.Diff(want, r.receipt); diff != "" || r.err != nil {
		t.Errorf("error %v, receipt (-want +got):\n%s", r.err, diff)
	}
}

func TestClientCertificate(t *testing.T) {
	authority := transporttest.NewAuthority(t)
	security := authority.Server()
	security.ClientAuth, security.ClientCAs = tls.RequireAndVerifyClientCert, authority.Pool()
	cert, key := authority.Issue("agent", time.Now().Add(time.Hour))
	foreignCert, foreignKey := transporttest.NewAuthority(t).Issue("agent", time.Now().Add(time.Hour))
	server := transporttest.StartServer(t, authority, security)
	for _, c := range []struct {
		name, cert, key string
		want            error
	}{
		{"none", "", "", transport.ErrUnauthorized},
		{"of a foreign authority", foreignCert, foreignKey, transport.ErrUnauthorized},
		{"right", cert, key, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			link := transporttest.Dial(t, server, func(config *transport.Config) { config.CertFile, config.KeyFile = c.cert, c.key })
			if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); !errors.Is(err, c.want) {
				t.Errorf("https: got error %v, want %v", err, c.want)
			}
			// The same port does not speak MQTT, but it tells what it thinks of us before that.
			mqtts := transporttest.Dial(t, server, func(config *transport.Config) {
				config.URL, config.CertFile, config.KeyFile = "mqtts://"+server.Address(), c.cert, c.key
				config.Timeout = 300 * time.Millisecond
			})
			_, err := mqtts.Send(t.Context(), transporttest.Batch(1, 1))
			if unauthorised := errors.Is(err, transport.ErrUnauthorized); err == nil || unauthorised != (c.want != nil) {
				t.Errorf("mqtts: got error %v", err)
			}
		})
	}
}

// Nothing of a link stays behind its Close.
func TestCloseEndsGoroutines(t *testing.T) {
	b := transporttest.NewBroker(t)
	server := transporttest.NewServer(t)
	before := libraries()
	for range 3 {
		for _, peer := range []transporttest.Peer{b, server} {
			link, err := transport.Dial(peer.Config())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
				t.Fatal(err)
			}
			link.Close()
		}
	}
	for deadline := time.Now().Add(10 * time.Second); libraries() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("got %d goroutines of the libraries, had %d", libraries(), before)
		}
	}
}

// libraries counts the goroutines that paho and net/http's client run.
func libraries() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "paho.mqtt") || strings.Contains(stack, "http.(*persistConn)") {
			n++
		}
	}
	return n
}

// MQTT over WebSocket, as it passes firewalls on port 443.
func TestWebSocket(t *testing.T) {
	b := transporttest.NewBroker(t)
	url := b.WebSocket(t)
	link := transporttest.Dial(t, b, func(c *transport.Config) { c.URL = url })
	for i := range 2 {
		receipt, err := link.Send(t.Context(), transporttest.Batch(1+100*i, 100))
		for errors.Is(err, transport.ErrConnectionRefused) { // the library opens the port when it pleases
			receipt, err = link.Send(t.Context(), transporttest.Batch(1+100*i, 100))
		}
		if err != nil || receipt.Accepted != 100 {
			t.Fatalf("got %v, %v", receipt, err)
		}
	}
	server := transporttest.NewServer(t) // speaks HTTP, and no WebSocket
	_, err := transporttest.Dial(t, server, func(c *transport.Config) { c.URL = "wss://" + server.Address() }).Send(t.Context(), nil)
	if !errors.Is(err, transport.ErrNotPortal) {
		t.Errorf("got error %v, want ErrNotPortal", err)
	}
}
