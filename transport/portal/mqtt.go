package portal

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meteragent/transport"
)

// A Broker says where ServeMQTT listens.
type Broker struct {
	URL      string // mqtt://host:port or mqtts://host:port
	User     string // "" for none
	Password transport.Secret
	TLS      *tls.Config // for mqtts; nil means the system's authorities
	ClientID string      // "" means "meteragent-portal"
}

const (
	allAgents  = "meteragent/v1/+/+/+" // customer, agent, kind
	brokerTime = 10 * time.Second      // for connecting, subscribing and each publish
	mostQueued = 64                    // batches read and not yet answered; then the broker waits
)

// ServeMQTT takes batches from a broker and answers them there, until ctx ends. It
// connects again after a lost connection; only if it cannot connect at first does it
// return an error.
func (p *Portal) ServeMQTT(ctx context.Context, b Broker) error {
	again := transport.Backoff{First: 100 * time.Millisecond, Max: 30 * time.Second}
	connected := false
	for {
		err := p.session(ctx, b, func() {
			connected = true
			again.Reset()
		})
		if ctx.Err() != nil {
			return nil
		}
		if !connected {
			return fmt.Errorf("broker %s: %w", b.URL, err)
		}
		select {
		case <-time.After(again.Next(err)):
		case <-ctx.Done():
			return nil
		}
	}
}

// session serves one connection until it is lost or ctx ends.
func (p *Portal) session(ctx context.Context, b Broker, connected func()) error {
	lost := make(chan error, 1)
	batches := make(chan mqtt.Message, mostQueued)
	done := make(chan struct{})
	client := mqtt.NewClient(mqtt.NewClientOptions().
		AddBroker(b.URL).SetClientID(cmp.Or(b.ClientID, "meteragent-portal")).
		SetUsername(b.User).SetPassword(b.Password.Reveal()).SetTLSConfig(b.TLS).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).
		SetConnectTimeout(brokerTime).SetWriteTimeout(brokerTime).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	defer client.Disconnect(100)
	defer close(done) // before the client goes, which waits for the handler
	if err := within(ctx, client.Connect()); err != nil {
		return err
	}
	// The library calls the handler for one message after the other. It must not publish
	// there, so the answers are given below.
	subscribed := client.Subscribe(allAgents, 1, func(_ mqtt.Client, m mqtt.Message) {
		select {
		case batches <- m:
		case <-done:
		}
	})
	if err := within(ctx, subscribed); err != nil {
		return err
	}
	if granted := subscribed.(*mqtt.SubscribeToken).Result()[allAgents]; granted > 2 {
		return fmt.Errorf("%w: %s", transport.ErrDenied, allAgents)
	}
	connected()
	for {
		select {
		case m := <-batches:
			if topic, answer := p.hear(m.Topic(), m.Payload()); topic != "" {
				client.Publish(topic, 1, false, answer) // if it is lost, the agent sends again
			}
		case err := <-lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func within(ctx context.Context, token mqtt.Token) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTime)
	defer cancel()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hear takes a batch that was published, and returns the topic and text of its
// answer; no topic if there is nothing to answer, since the portal is down, the
// message is none of a batch, or its records cannot be named.
func (p *Portal) hear(topic string, payload []byte) (string, []byte) {
	part := strings.Split(topic, "/") // meteragent, v1, customer, agent, kind
	customer, agent, kind := part[2], part[3], part[4]
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	switch {
	case down, kind == "receipts", kind == "status", kind == "probe", len(payload) > largestBatch:
		return "", nil
	}
	events, err := decode(payload)
	if err != nil {
		return "", nil
	}
	for i := range events {
		e := &events[i]
		if e.Customer != customer || e.Source != "urn:uuid:"+agent {
			return "", nil // the broker's access list knows only topics: this one speaks for somebody else
		}
		if e.problem == nil && e.Kind() != kind {
			e.problem = broken("a record of type %s does not belong on the topic of %s", e.Type, kind)
		}
	}
	text, err := json.Marshal(p.take(events, "mqtt"))
	if err != nil {
		return "", nil
	}
	return strings.Join([]string{"meteragent", "v1", customer, agent, "receipts"}, "/"), text
}
