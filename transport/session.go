package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	atLeastOnce = 1 // QoS
	keepAlive   = time.Minute
	pingTimeout = 15 * time.Second
	leaveWithin = time.Second
)

// A session is one connection to the broker. The library neither reconnects nor
// keeps anything beyond it, so that what is acknowledged on it was sent on it.
type session struct {
	client mqtt.Client
	lost   chan struct{} // closed when the connection is gone

	mu    sync.Mutex
	conn  *guard // nil until there is one
	cause error  // why lost was closed; nil before

	deaf atomic.Bool // a receipt did not come, so that the subscription may be gone
}

// connect returns a new session, ready to publish: subscribed, announced, and proved
// where only the broker's word counts. It ends with ctx.
func (l *mqttLink) connect(ctx context.Context) (*session, error) {
	s := &session{lost: make(chan struct{})}
	s.client = mqtt.NewClient(l.options(ctx, s))
	if err := l.greet(ctx, s); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

func (l *mqttLink) greet(ctx context.Context, s *session) error {
	if err := s.await(ctx, s.client.Connect()); err != nil {
		return refusal(err)
	}
	if err := l.prepare(ctx, s); err != nil {
		return err
	}
	online, wanted := l.status("online")
	if !wanted {
		return nil
	}
	l.config.watch(Sent{To: "PUBLISH " + online.topic, Type: "application/json", Body: online.payload})
	return s.publish(ctx, online.topic, online.payload, true)
}

func (l *mqttLink) prepare(ctx context.Context, s *session) error {
	switch {
	case l.config.Receipts != ReceiptsBroker:
		return s.subscribe(ctx, l.config.Topics.Receipts, l.hear)
	case l.config.Topics.Probe == none:
		return nil
	}
	return l.prove(ctx, s)
}

// listen notes that the portal has not been heard since we have subscribed.
func (l *mqttLink) listen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unheard == nil && l.config.Receipts != ReceiptsBroker {
		l.unheard = make(chan struct{})
	}
}

// askAgain is how long the portal has for the answer to the first question. Each further one gets
// twice as long.
const askAgain = time.Second

// ask waits for the portal's first word. When a broker has lost its sessions, we may be back before the
// portal, and the broker acknowledges what nobody has subscribed to, and drops it. So
// the portal is asked, where the records would go, until it answers: a question costs nothing, and a
// batch that goes to nobody the whole time in which a receipt may come. A portal that has not answered
// when half of the time is over is sent the records all the same: perhaps it answers no questions. It
// is not asked again, once it has answered for records. The caller has the turn.
func (l *mqttLink) ask(ctx context.Context, s *session, parcels []parcel) error {
	l.mu.Lock()
	unheard, mute := l.unheard, l.mute
	l.mu.Unlock()
	if unheard == nil || mute {
		return nil
	}
	question := parcel{topic: strings.ReplaceAll(l.config.Topics.Records, "{kind}", "agent"), payload: []byte("[]")}
	if len(parcels) > 0 {
		question.topic = parcels[0].topic
	}
	end, _ := ctx.Deadline() // Send has set one
	half, cancel := context.WithTimeout(ctx, time.Until(end)/2)
	defer cancel()
	for wait := askAgain; ; wait *= 2 {
		l.config.watch(Sent{To: "PUBLISH " + question.topic, Type: batchContentType, Body: question.payload})
		// Nobody waits for its acknowledgement, which a cluster in disorder may forget.
		_, err := s.hand(half, func() mqtt.Token { return s.client.Publish(question.topic, atLeastOnce, false, question.payload) })
		if err != nil && half.Err() == nil {
			return err
		}
		select {
		case <-unheard:
			return nil
		case <-s.lost:
			return s.why()
		case <-time.After(wait):
		case <-half.Done():
			return ctx.Err()
		}
	}
}

// refusal names what the broker's answer to CONNECT means (MQTT 3.1.1 section 3.2.2.3).
func refusal(err error) error {
	for _, denied := range []error{
		packets.ErrorRefusedIDRejected, packets.ErrorRefusedBadUsernameOrPassword, packets.ErrorRefusedNotAuthorised,
	} {
		if errors.Is(err, denied) {
			return &Error{Kind: ErrUnauthorized, Cause: err}
		}
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("broker closes the connection before it answers: %w", err)
	}
	return err
}

func (l *mqttLink) options(ctx context.Context, s *session) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().
		AddBroker(l.url.String()).
		SetClientID(l.config.ClientID).
		SetProtocolVersion(4). // 3.1.1, without falling back to 3.1
		SetCleanSession(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetOrderMatters(true). // hear does not block, and order states must not overtake each other
		SetKeepAlive(keepAlive).
		SetPingTimeout(pingTimeout).
		SetConnectTimeout(l.config.Timeout). // ctx ends sooner
		SetWriteTimeout(l.config.Timeout).   // see hand; the connection has no deadline
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { s.lose(fmt.Errorf("connection lost: %w", err)) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := l.config.dialBroker(ctx, l.url, l.security)
			if err != nil {
				s.lose(err)
				return nil, err
			}
			return s.hold(conn)
		}).
		SetUsername(l.config.User).SetPassword(l.config.Token.Reveal()) // "" leaves them out
	if offline, wanted := l.status("offline"); wanted {
		o.SetBinaryWill(offline.topic, offline.payload, atLeastOnce, true)
	}
	return o
}

// prove publishes a probe of the largest batch size and waits until it has come
// back, since brokers acknowledge what their access list or size limit drops.
func (l *mqttLink) prove(ctx context.Context, s *session) error {
	probe := bytes.Repeat([]byte(" "), l.config.LargestBatch)
	copy(probe, fmt.Sprintf(`{"probe":%q}`, rand.Text()))
	back := make(chan struct{}, 1)
	heard := func(payload []byte) {
		if bytes.Equal(payload, probe) {
			select {
			case back <- struct{}{}:
			default:
			}
		}
	}
	if err := s.subscribe(ctx, l.config.Topics.Probe, heard); err != nil {
		return err
	}
	if err := s.publish(ctx, l.config.Topics.Probe, probe, false); err != nil {
		return err
	}
	select {
	case <-back:
		return nil
	case <-s.lost:
		return &Error{Kind: ErrUnproved, Cause: fmt.Errorf("after a probe of %d bytes: %w", len(probe), s.why())}
	case <-ctx.Done():
		return expired(ctx, ErrUnproved)
	}
}

// publish returns nil once the broker has acknowledged.
func (s *session) publish(ctx context.Context, topic string, payload []byte, retained bool) error {
	token, err := s.hand(ctx, func() mqtt.Token { return s.client.Publish(topic, atLeastOnce, retained, payload) })
	if err != nil {
		return err
	}
	return s.await(ctx, token)
}

// hand gives the library something to send. It keeps its caller until its writer is free, which
// over a slow line takes as long as a payload does, and after the connection has died for ever.
func (s *session) hand(ctx context.Context, give func() mqtt.Token) (mqtt.Token, error) {
	given := make(chan mqtt.Token, 1)
	go func() { given <- give() }()
	select {
	case token := <-given:
		return token, nil
	case <-s.lost:
		return nil, s.why()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// How often a subscription is asked for on one connection before it counts as denied.
const (
	subscribeTries = 3
	subscribeAgain = time.Second
)

// subscribe returns nil once the broker has granted it.
func (s *session) subscribe(ctx context.Context, topic string, hear func(payload []byte)) error {
	for range subscribeTries {
		token, err := s.hand(ctx, func() mqtt.Token {
			return s.client.Subscribe(topic, atLeastOnce, func(_ mqtt.Client, m mqtt.Message) { hear(m.Payload()) })
		})
		if err == nil {
			err = s.await(ctx, token)
		}
		if err != nil {
			return err
		}
		if granted := token.(*mqtt.SubscribeToken).Result()[topic]; granted <= 2 {
			return nil
		}
		select {
		case <-time.After(subscribeAgain):
		case <-s.lost:
			return s.why()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return &Error{Kind: ErrDenied, Cause: errors.New(topic)}
}

// await waits for a token, whose own Wait may hang for ever.
func (s *session) await(ctx context.Context, token mqtt.Token) error {
	select {
	case <-token.Done():
		if why := s.why(); why != nil && token.Error() != nil {
			return why // it says more than the token does
		}
		return token.Error()
	case <-s.lost:
		return s.why()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) open() bool {
	select {
	case <-s.lost:
		return false
	default:
		return s.client.IsConnectionOpen()
	}
}

var errGone = errors.New("connection given up")

// hold remembers the connection, so that drop can cut it.
func (s *session) hold(conn net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		cut(conn)
		return nil, s.cause
	}
	s.conn = &guard{Conn: conn}
	return s.conn, nil
}

// lose notes that the connection is gone. If the far side has ended it, that is the cause:
// the library lets the publishes fail before it tells why, and one that fails is given up.
func (s *session) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return
	}
	if s.conn != nil {
		if end := s.conn.end.Load(); end != nil {
			err = fmt.Errorf("connection lost: %w", *end)
		}
	}
	s.cause = err
	close(s.lost)
}

func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// drop cuts the connection without waiting for anything. The library's goroutines
// end by it.
func (s *session) drop() {
	s.lose(errGone)
	s.mu.Lock()
	if s.conn != nil {
		cut(s.conn.Conn)
	}
	s.mu.Unlock()
	s.client.Disconnect(0)
}

// leave says goodbye, if there is a topic for it, and returns when the library's goroutines have ended, or cuts
// the connection if the broker does not take the goodbye in time.
func (s *session) leave(goodbye parcel) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	if s.open() && (goodbye.topic == none || s.publish(ctx, goodbye.topic, goodbye.payload, true) == nil) {
		s.client.Disconnect(uint(leaveWithin.Milliseconds()))
	}
	s.drop()
}
