package transport

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/gorilla/websocket"
)

// mostOrders bounds the order states kept between two Sends.
const mostOrders = 1000

// mqttLink publishes batches and waits for the portal's receipts. A connection is
// made inside Send when there is none, and kept for the next one.
type mqttLink struct {
	lifetime
	config   Config
	url      *url.URL
	security *tls.Config
	envelope envelope

	// turn holds one token: whoever has it connects or publishes. The others wait within
	// their own context, which a mutex or the library's own queue would not allow. Waiting
	// for receipts needs no turn.
	turn    chan struct{}
	session *session    // of the last connection; guarded by turn
	lost    []time.Time // when the broker closed the last sessions, at most takeovers; guarded by turn
	refused refused     // the last connection that could not be made; guarded by turn

	rooms sync.Pool // of *[]byte: payloads that the broker has

	mu      sync.Mutex
	waiting map[*delivery]bool // guarded by mu
	orders  []OrderState       // not yet handed to a caller; guarded by mu
	unheard chan struct{}      // closed by the portal's first word since we have subscribed; nil after it; guarded by mu
	mute    bool               // the portal speaks of records, and answers no questions; guarded by mu
}

func newMQTT(c Config, target *url.URL, security *tls.Config) *mqttLink {
	return &mqttLink{
		lifetime: newLifetime(),
		config:   c,
		url:      target,
		security: security,
		envelope: newEnvelope(c.Agent, c.Customer),
		turn:     make(chan struct{}, 1),
		waiting:  map[*delivery]bool{},
	}
}

func (l *mqttLink) Send(ctx context.Context, batch []Message) (Receipt, error) {
	ctx, done := l.join(ctx, l.config.Timeout)
	defer done()
	receipt, err := l.deliver(ctx, batch)
	if err != nil {
		return Receipt{}, fail(ctx, l.url.Host, err)
	}
	return receipt, nil
}

func (l *mqttLink) deliver(ctx context.Context, batch []Message) (Receipt, error) {
	parcels, sent, refused := l.pack(batch)
	if len(sent) == 0 && len(refused) > 0 {
		return Receipt{Rejected: refused}, nil
	}
	receipt, err := l.ship(ctx, parcels, sent)
	if err == nil {
		l.clear(parcels)
	}
	receipt.Rejected = append(receipt.Rejected, refused...)
	return receipt, err
}

// ship publishes parcels and waits for the word on their records.
func (l *mqttLink) ship(ctx context.Context, parcels []parcel, batch []Message) (Receipt, error) {
	d := newDelivery(batch)
	l.expect(d)
	defer l.forget(d)
	s, err := l.publish(ctx, parcels)
	if err != nil {
		return Receipt{}, err
	}
	if l.config.Receipts == ReceiptsBroker {
		return Receipt{Accepted: len(batch)}, nil
	}
	select {
	case <-d.settled:
		return l.receipt(d), nil
	case <-s.lost:
		return Receipt{}, s.why()
	case <-ctx.Done():
		s.deaf.Store(true)
		return Receipt{}, expired(ctx, ErrNoReceipt)
	}
}

// expired names what the end of a context means, unless somebody has cancelled it.
func expired(ctx context.Context, kind error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Kind: kind, Cause: ctx.Err()}
	}
	return ctx.Err()
}

// A parcel is what goes out in one publish: records of one kind, as many as the broker
// takes at once.
type parcel struct {
	topic    string
	payload  []byte
	retained bool // the broker keeps it for who comes later
}

// pack sorts a batch by kind, since the kind is part of the topic. Within a kind the
// order stays. It returns the records that are in the parcels, and those that can be in none.
func (l *mqttLink) pack(batch []Message) (parcels []parcel, sent []Message, refused []Rejection) {
	good, refused := sendable(batch)
	rest := 0 // bytes that are still to be packed, about
	for _, m := range good {
		rest += len(m.Body) + 512
	}
	var event []byte
	open := map[string]int{} // by kind: the parcel that is being filled
	for _, m := range good {
		event = l.envelope.event(event[:0], m)
		if size := len("[") + len(event) + len("]"); size > l.config.LargestBatch {
			refused = append(refused, unsendable(m, fmt.Errorf("%d bytes are over the limit of %d", size, l.config.LargestBatch)))
			continue
		}
		i, begun := open[m.Kind]
		if !begun || len(parcels[i].payload)+len(",")+len(event)+len("]") > l.config.LargestBatch {
			i = len(parcels)
			open[m.Kind] = i
			parcels = append(parcels, parcel{topic: strings.ReplaceAll(l.config.Topics.Records, "{kind}", m.Kind), payload: append(l.room(rest), '[')})
		} else {
			parcels[i].payload = append(parcels[i].payload, ',')
		}
		parcels[i].payload = append(parcels[i].payload, event...)
		sent = append(sent, m)
		rest -= len(m.Body) + 512
	}
	for i := range parcels {
		parcels[i].payload = append(parcels[i].payload, ']')
	}
	return parcels, sent, refused
}

// room is for a payload of about so many bytes. Those of the largest payloads are used again, since
// a backlog fills thousands of them.
func (l *mqttLink) room(bytes int) []byte {
	if bytes < l.config.LargestBatch {
		return make([]byte, 0, bytes)
	}
	if used, ok := l.rooms.Get().(*[]byte); ok {
		return (*used)[:0]
	}
	return make([]byte, 0, l.config.LargestBatch)
}

// clear keeps the room of parcels that the broker has, and that nobody looks at any more.
func (l *mqttLink) clear(parcels []parcel) {
	for _, p := range parcels {
		if cap(p.payload) == l.config.LargestBatch {
			l.rooms.Put(&p.payload)
		}
	}
}

// publish brings all parcels to the broker, and returns the connection it did so on.
// After any error the connection is given up, since nobody knows what it holds.
func (l *mqttLink) publish(ctx context.Context, parcels []parcel) (*session, error) {
	s, tokens, err := l.handOver(ctx, parcels)
	if err != nil {
		return nil, err
	}
	for _, token := range tokens {
		if err := s.await(ctx, token); err != nil {
			s.drop()
			return nil, err
		}
	}
	return s, nil
}

// handOver gives all parcels to the library, in the order of turns. Their
// acknowledgements are awaited without the turn, so that as many batches are on the way as
// there are Sends. After a receipt that did not come it subscribes anew, as brokers lose
// subscriptions. Once it has subscribed, the portal is asked whether it is there.
func (l *mqttLink) handOver(ctx context.Context, parcels []parcel) (*session, []mqtt.Token, error) {
	begin := time.Now()
	if err := l.take(ctx); err != nil {
		return nil, nil, err
	}
	defer l.give()
	if l.session == nil || !l.session.open() {
		if l.refused.at.After(begin) {
			return nil, nil, l.refused.err
		}
		if err := l.contested(time.Now()); err != nil {
			return nil, nil, err
		}
		s, err := l.connect(ctx)
		if err != nil && ctx.Err() == nil {
			l.refused = refused{time.Now(), err}
		}
		if err != nil {
			return nil, nil, err
		}
		l.session = s
		l.listen()
	} else if l.session.deaf.Swap(false) {
		if err := l.session.subscribe(ctx, l.config.Topics.Receipts, l.hear); err != nil {
			l.session.drop()
			return nil, nil, err
		}
		l.listen()
	}
	s := l.session // what still waits in hand when the turn is over belongs to this one
	if err := l.ask(ctx, s, parcels); err != nil {
		s.drop()
		return nil, nil, err
	}
	var tokens []mqtt.Token
	for _, p := range parcels {
		kind := batchContentType
		if p.retained {
			kind = "text/plain" // a state, or a description of one
		}
		l.config.watch(Sent{To: "PUBLISH " + p.topic, Type: kind, Body: p.payload})
		token, err := s.hand(ctx, func() mqtt.Token { return s.client.Publish(p.topic, atLeastOnce, p.retained, p.payload) })
		if err != nil {
			s.drop() // nothing that comes after it may arrive without it
			return nil, nil, err
		}
		tokens = append(tokens, token)
	}
	return s, tokens, nil
}

// refused is a connection that could not be made. Whoever waited for the turn meanwhile
// does not try again: a broker that is away is asked once, however many batches there are.
type refused struct {
	at  time.Time
	err error
}

// Sessions that the broker closes in this time are taken for a contest.
const (
	takeovers   = 4
	contestedIn = 5 * time.Minute
)

// contested counts a session that the broker has closed. When it has closed several in
// a short time, somebody else connects under our identity, as a rule. Connecting again at once
// would throw that one out, and so on for ever; so the caller is told, and waits. The
// caller has the turn.
func (l *mqttLink) contested(now time.Time) error {
	if l.session == nil || !hungUp(l.session.why()) {
		return nil
	}
	why := l.session.why()
	l.session = nil // it counts once
	l.lost = append(l.lost, now)
	if extra := len(l.lost) - takeovers; extra > 0 {
		l.lost = l.lost[extra:]
	}
	if len(l.lost) < takeovers || now.Sub(l.lost[0]) > contestedIn {
		return nil
	}
	l.lost = nil
	return &Error{Kind: ErrTakenOver, Cause: why}
}

// hungUp says whether the far side has ended a connection, and not the network.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isType[*websocket.CloseError](err)
}

// take waits for the turn.
func (l *mqttLink) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	// The context learns of Close a moment later; a connection made in that moment would
	// stay for ever.
	if l.ctx.Err() != nil {
		l.give()
		return ErrClosed
	}
	return nil
}

func (l *mqttLink) give() { <-l.turn }

func (l *mqttLink) Close() error {
	l.close()
	l.turn <- struct{}{} // every Send ends now, and gives its turn back
	defer l.give()
	if l.session != nil {
		goodbye, _ := l.status("offline")
		l.session.leave(goodbye)
		l.session = nil
	}
	return nil
}

// status returns the topic and text of the retained status, and whether there is one.
func (l *mqttLink) status(word string) (p parcel, wanted bool) {
	text, _ := json.Marshal(struct { // two strings cannot fail
		Status   string `json:"status"`
		Software string `json:"software,omitempty"`
	}{word, l.config.Software})
	return parcel{topic: l.config.Topics.Status, payload: text, retained: true}, l.config.Topics.Status != none
}

// A delivery is one batch that waits for receipts.
type delivery struct {
	open    map[string]bool // ids without a receipt
	receipt Receipt
	settled chan struct{} // closed when nothing is open any more
}

func newDelivery(batch []Message) *delivery {
	d := &delivery{open: map[string]bool{}, settled: make(chan struct{})}
	for _, m := range batch {
		d.open[m.ID()] = true
	}
	if len(d.open) == 0 {
		close(d.settled)
	}
	return d
}

func (l *mqttLink) expect(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[d] = true
}

func (l *mqttLink) forget(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, d)
}

// receipt returns the receipt of a settled delivery, with what was said of orders
// since the last one.
func (l *mqttLink) receipt(d *delivery) Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.receipt.Orders, l.orders = l.orders, nil
	return d.receipt
}

// hear takes in one receipt message. Each result speaks for one record, whichever
// batch it is in; a record without a result stays open. What is not the contract's
// JSON settles nothing, and so ends in ErrNoReceipt.
func (l *mqttLink) hear(payload []byte) {
	a, err := decodeAnswer(payload)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = len(a.Results) > 0 && (l.mute || l.unheard != nil)
	if l.unheard != nil {
		close(l.unheard)
		l.unheard = nil
	}
	l.orders = append(l.orders, a.Orders...)
	l.orders = l.orders[max(0, len(l.orders)-mostOrders):]
	for d := range l.waiting {
		for _, r := range a.Results {
			if !d.open[r.ID] {
				continue
			}
			delete(d.open, r.ID)
			d.receipt.add(r)
			if r.Status == accepted {
				d.receipt.Accepted++
			}
			if len(d.open) == 0 {
				close(d.settled)
			}
		}
	}
}
