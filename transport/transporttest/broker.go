package transporttest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"meteragent/transport"
	"meteragent/transport/portal"
)

// The faults of a Broker. Those of publishes strike the agent's records only, not its
// status or its probe.
const (
	Deny          Fault = "acknowledges a publish and drops it, as mosquitto does where its access list says no"
	DenyReceipts  Fault = "denies the agent its subscription"
	DenyRecords   Fault = "denies the portal its subscription"
	LoseReceipt   Fault = "loses the portal's answer"
	TearReceipt   Fault = "delivers half of the portal's answer"
	RepeatReceipt Fault = "delivers the portal's answer twice"
	SwapReceipts  Fault = "delivers the portal's answer after the next one"
	portalSession       = "meteragent-portal"
)

// A Broker is an MQTT broker behind TLS on 127.0.0.1, with a portal subscribed to it.
type Broker struct {
	Authority *Authority // that has signed its certificate

	t        testing.TB
	portal   *portal.Portal
	contract *contract
	listener net.Listener  // TLS; stays open over restarts
	arrivals chan net.Conn // accepted, for the broker that runs at the time
	server   *mqtt.Server
	ended    chan struct{} // closed with the test
	ready    chan struct{} // holds a token when the portal has subscribed

	mu     sync.Mutex
	faults []Fault
	rights map[string]string // by user: the beginning of its topics
	limit  int               // bytes of a publish; 0 for none
	held   []byte            // an answer that comes after the next one

	lean   atomic.Bool   // see Lean
	leans  int           // how often it was called
	thawed chan struct{} // closed unless frozen
}

// NewBroker starts a broker and a portal, which stop with the test.
func NewBroker(t testing.TB) *Broker {
	t.Helper()
	a := NewAuthority(t)
	return StartBroker(t, a, a.Server())
}

// StartBroker is NewBroker with an authority and TLS settings of the test's own.
func StartBroker(t testing.TB, a *Authority, security *tls.Config) *Broker {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", security)
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{
		Authority: a, t: t, portal: portal.New(portal.Options{}), contract: newContract(t),
		listener: listener, arrivals: make(chan net.Conn), ended: make(chan struct{}), ready: make(chan struct{}, 1),
		thawed: make(chan struct{}), rights: map[string]string{Agent: topic("")},
	}
	close(b.thawed)
	go b.accept()
	b.start()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- b.portal.ServeMQTT(ctx, portal.Broker{
			URL: "mqtts://" + b.Address(), User: "portal", Password: Token, ClientID: portalSession,
			TLS: &tls.Config{RootCAs: a.Pool(), ServerName: "127.0.0.1"},
		})
	}()
	t.Cleanup(func() {
		b.Thaw()
		stop()
		if err := <-done; err != nil {
			t.Errorf("portal: %v", err)
		}
		b.server.Close()
		close(b.ended)
		listener.Close()
	})
	<-b.ready
	return b
}

// accept hands every connection to whichever broker runs.
func (b *Broker) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		select {
		case b.arrivals <- &conn{Conn: c, b: b, closed: make(chan struct{})}:
		case <-b.ended:
			c.Close()
		}
	}
}

func (b *Broker) start() {
	b.t.Helper()
	b.server = mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := b.server.AddHook(&hook{b: b, server: b.server}, nil); err != nil {
		b.t.Fatal(err)
	}
	d := &door{b: b, closed: make(chan struct{})}
	if err := b.server.AddListener(entry{listeners.NewNet("tls", d), d}); err != nil {
		b.t.Fatal(err)
	}
	if err := b.server.Serve(); err != nil {
		b.t.Fatal(err)
	}
}

// Restart drops every connection and everything the broker remembers, and returns
// once the portal has subscribed again.
func (b *Broker) Restart() {
	b.t.Helper()
	b.server.Close()
	select {
	case <-b.ready: // of before
	default:
	}
	b.start()
	<-b.ready
}

// Address returns host and port.
func (b *Broker) Address() string { return b.listener.Addr().String() }

// Portal returns what arrived.
func (b *Broker) Portal() *portal.Portal { return b.portal }

// Config returns how an agent reaches the broker.
func (b *Broker) Config() transport.Config {
	return transport.Config{
		URL: "mqtts://" + b.Address(), Token: Token, CAFile: b.Authority.File,
		Agent: Agent, Customer: Customer, Software: "meteragent/test",
	}
}

// Fail makes that many of the next publishes, connections or subscriptions fail,
// whichever the fault is about.
func (b *Broker) Fail(f Fault, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range times {
		b.faults = append(b.faults, f)
	}
}

// Let gives a user the right to topics that begin so, as brokers with topics of their
// own do.
func (b *Broker) Let(user, topics string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rights[user] = topics
}

// may returns how the topics of a user begin, and whether there is such a user.
func (b *Broker) may(user string) (topics string, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	topics, known = b.rights[user]
	return topics, known
}

// Limit makes the broker acknowledge and drop publishes of more than that many
// bytes, as mosquitto does; 0 for no limit.
func (b *Broker) Limit(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = bytes
}

// Mend takes back what is left of Fail and Limit.
func (b *Broker) Mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults, b.limit = nil, 0
}

// Freeze makes the broker neither read nor write, on connections old and new, until
// Thaw.
func (b *Broker) Freeze() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.thawed = make(chan struct{})
}

// Thaw ends Freeze.
func (b *Broker) Thaw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.thawed:
	default:
		close(b.thawed)
	}
}

// Retained returns what the broker keeps for those who come later, by topic.
func (b *Broker) Retained() map[string]string {
	retained := map[string]string{}
	for topic, message := range b.server.Topics.Retained.GetAll() {
		retained[topic] = string(message.Payload)
	}
	return retained
}

// Forget drops what the broker keeps, as one without a disk does when it restarts.
func (b *Broker) Forget() {
	for topic := range b.server.Topics.Retained.GetAll() {
		b.server.Topics.Retained.Delete(topic)
	}
}

// Deafen drops the agent's subscription and says nothing of it, as clusters of brokers do
// when one of them leaves.
func (b *Broker) Deafen() { b.server.Topics.Unsubscribe(topic("receipts"), Agent) }

// topic returns one of the agent's topics; one that has a path of its own is returned
// as it is.
func topic(last string) string {
	if strings.Contains(last, "/") {
		return last
	}
	return "meteragent/v1/" + Customer + "/" + Agent + "/" + last
}

// Say publishes on one of the agent's topics, such as "receipts", or on any other.
func (b *Broker) Say(t testing.TB, last, text string) {
	t.Helper()
	if err := b.server.Publish(topic(last), []byte(text), false, 1); err != nil {
		t.Fatal(err)
	}
}

// Lean makes the broker accept every record on a topic itself, with as little work as
// can be, and the portal nothing: for benchmarks. The topic is one of the agent's, or has
// a path of its own; the answers go to "receipts" beside it.
func (b *Broker) Lean(t testing.TB, on string) {
	t.Helper()
	b.portal.Down(true)
	b.server.Topics.Unsubscribe("meteragent/v1/+/+/+", portalSession) // else everything goes over the line twice
	b.lean.Store(true)
	begin := []byte(`{"specversion":"1.0","id":"`)
	on = topic(on)
	answers := on[:strings.LastIndexByte(on, '/')+1] + "receipts"
	b.leans++
	err := b.server.Subscribe(on, b.leans, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		answer := []byte(`{"results":[`)
		for _, rest, found := bytes.Cut(pk.Payload, begin); found; _, rest, found = bytes.Cut(rest, begin) {
			answer = fmt.Appendf(answer, `{"id":"%s","status":"accepted"},`, rest[:bytes.IndexByte(rest, '"')])
		}
		answer = bytes.TrimSuffix(answer, []byte(","))
		b.server.Publish(answers, append(answer, "]}"...), false, 1) // if it fails, so does the Send
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Take hands what is published on one of the agent's topics, or on any other, to a function.
func (b *Broker) Take(t testing.TB, last string, take func(payload []byte)) {
	t.Helper()
	b.leans++
	err := b.server.Subscribe(topic(last), b.leans, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) { take(pk.Payload) })
	if err != nil {
		t.Fatal(err)
	}
}

// Watch returns a channel on which the next payload published on one of the agent's
// topics comes.
func (b *Broker) Watch(t testing.TB, last string) <-chan string {
	t.Helper()
	seen := make(chan string, 1)
	err := b.server.Subscribe(topic(last), 1, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		select {
		case seen <- string(pk.Payload):
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// WebSocket opens a second door, for MQTT over WebSocket, and returns its URL. The
// library opens the port a moment later.
func (b *Broker) WebSocket(t testing.TB) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	socket := listeners.NewWebsocket(listeners.Config{ID: "wss", Address: address, TLSConfig: b.Authority.Server()})
	if err := b.server.AddListener(socket); err != nil {
		t.Fatal(err)
	}
	b.server.Listeners.Serve(socket.ID(), b.server.EstablishConnection)
	return "wss://" + address
}

// next takes the next fault if it is one of these.
func (b *Broker) next(about ...Fault) Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range about {
		if len(b.faults) > 0 && b.faults[0] == f {
			b.faults = b.faults[1:]
			return f
		}
	}
	return ""
}

// A hook is how the broker asks what to do.
type hook struct {
	mqtt.HookBase
	b      *Broker
	server *mqtt.Server // of the Broker's since its last Restart
}

func (h *hook) ID() string { return "transporttest" }

func (h *hook) Provides(what byte) bool {
	switch what {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnPublished, mqtt.OnSubscribed:
		return true
	}
	return false
}

func (h *hook) OnConnectAuthenticate(c *mqtt.Client, pk packets.Packet) bool {
	user := string(pk.Connect.Username)
	if user != "portal" && h.b.next(Unauthorized) != "" {
		return false
	}
	_, known := h.b.may(user)
	if (user != "portal" && !known) || string(pk.Connect.Password) != Token.Reveal() {
		return false
	}
	h.dismiss(c.ID)
	return true
}

// dismiss ends the session of a client that connects anew, and returns when nothing is left
// of it, as a rule. The library lets the new one in before that, and what it still takes away of the old
// one, by name, may be the new one's subscription.
func (h *hook) dismiss(id string) {
	old, here := h.server.Clients.Get(id)
	if !here {
		return
	}
	h.server.DisconnectClient(old, packets.ErrSessionTakenOver) // it is closed, whatever it returns
	end := time.Now().Add(time.Second)                          // one that was cut off while it was let in stays for ever
	for now := old; here && now == old && time.Now().Before(end); now, here = h.server.Clients.Get(id) {
		runtime.Gosched()
	}
}

// OnACLCheck lets the portal do everything, and an agent what it has a right to.
func (h *hook) OnACLCheck(c *mqtt.Client, topic string, write bool) bool {
	if c.ID == portalSession {
		return write || h.b.next(DenyRecords) == ""
	}
	if !write && h.b.next(DenyReceipts) != "" {
		return false
	}
	own, known := h.b.may(string(c.Properties.Username))
	return known && strings.HasPrefix(topic, own)
}

func (h *hook) OnPublish(c *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	h.b.mu.Lock()
	limit := h.b.limit
	h.b.mu.Unlock()
	if limit > 0 && len(pk.Payload) > limit {
		return pk, packets.CodeSuccessIgnore
	}
	switch {
	case c.ID == portalSession:
		h.b.contract.say(pk.Payload)
		return h.answer(pk)
	case strings.HasSuffix(pk.TopicName, "/status"):
		h.b.contract.check("status", h.b.contract.status, pk.Payload)
		return pk, nil
	case strings.HasSuffix(pk.TopicName, "/probe"), pk.FixedHeader.Retain: // a batch is never kept
		return pk, nil
	}
	if h.b.lean.Load() {
		return pk, nil
	}
	h.b.contract.deliver(pk.Payload)
	if string(pk.Payload) == "[]" { // a question
		return pk, nil
	}
	switch h.b.next(Silent, CutBefore, CutAfter, Deny) {
	case Silent:
		return pk, packets.ErrRejectPacket
	case Deny:
		return pk, packets.CodeSuccessIgnore
	case CutBefore:
		c.Net.Conn.Close()
		return pk, packets.ErrRejectPacket
	case CutAfter:
		c.Net.Conn.(*conn).muted.Store(true)
	}
	return pk, nil
}

// answer passes on what the portal says, or fails to.
func (h *hook) answer(pk packets.Packet) (packets.Packet, error) {
	if !bytes.Contains(pk.Payload, []byte(`"status"`)) { // it answers a question
		return pk, nil
	}
	fault := h.b.next(LoseReceipt, TearReceipt, RepeatReceipt, SwapReceipts)
	h.b.mu.Lock()
	late := h.b.held
	h.b.held = nil
	if fault == SwapReceipts {
		h.b.held = pk.Payload
	}
	h.b.mu.Unlock()
	if fault == RepeatReceipt {
		late = pk.Payload
	}
	if late != nil {
		defer h.b.server.Publish(pk.TopicName, late, false, 1) // if it fails, the agent sends again
	}
	switch fault {
	case LoseReceipt, SwapReceipts:
		return pk, packets.CodeSuccessIgnore
	case TearReceipt:
		pk.Payload = pk.Payload[:len(pk.Payload)/2]
	}
	return pk, nil
}

// OnPublished closes the connection of a client that was muted: the portal has its
// publish by now.
func (h *hook) OnPublished(c *mqtt.Client, _ packets.Packet) {
	if conn, ok := c.Net.Conn.(*conn); ok && conn.muted.Load() {
		conn.Close()
	}
}

func (h *hook) OnSubscribed(c *mqtt.Client, _ packets.Packet, granted []byte) {
	if c.ID == portalSession && granted[0] <= 2 {
		select {
		case h.b.ready <- struct{}{}:
		default:
		}
	}
}
