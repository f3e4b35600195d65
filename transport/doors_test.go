package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/transport"
	"meteragent/transport/portal"
	"meteragent/transport/transporttest"
)

// A link that does what it is told, and remembers what it was asked.
type scripted struct {
	name   string
	err    error
	orders []transport.OrderState
	log    *[]string
}

func (l *scripted) Send(ctx context.Context, batch []transport.Message) (transport.Receipt, error) {
	*l.log = append(*l.log, fmt.Sprint(l.name, len(batch)))
	if l.err != nil {
		return transport.Receipt{}, l.err
	}
	said := l.orders
	l.orders = nil
	return transport.Receipt{Accepted: len(batch), Orders: said}, nil
}

func (l *scripted) Close() error { *l.log = append(*l.log, "close "+l.name); return nil }

// The first door that works is used, a failed one rests and is asked before it is used
// again, and what it says of orders then is not lost.
func TestDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		a, b := &scripted{name: "a", log: &log}, &scripted{name: "b", log: &log}
		doors := transport.NewDoors(a, b)
		send := func(want ...string) transport.Receipt {
			t.Helper()
			log = nil
			receipt, err := doors.Send(t.Context(), transporttest.Batch(1, 3))
			if err != nil || !slices.Equal(log, want) {
				t.Fatalf("asked %v, %v; want %v", log, err, want)
			}
			return receipt
		}
		send("a3")
		a.err = transport.ErrTimeout
		send("a3", "b3")
		for range 100 {
			send("b3") // no waiting for the one that rests
		}
		if state := doors.State(); state[0].Used || state[0].Err == nil || !state[1].Used || state[1].Err != nil {
			t.Errorf("state is %+v", state)
		}
		time.Sleep(15 * time.Minute)
		send("a0", "b3") // asked, and not given anything
		a.err, a.orders = nil, []transport.OrderState{{ID: "o", State: "shipped"}}
		time.Sleep(15 * time.Minute)
		if said := send("a0", "a3").Orders; len(said) != 1 {
			t.Errorf("order states %v", said)
		}
		send("a3")
		if state := doors.State(); !state[0].Used || state[0].Err != nil || state[1].Used {
			t.Errorf("state is %+v", state)
		}
	})
}

// If no door works, the caller learns why of each, and all are tried after its own wait.
func TestDoorsAllShut(t *testing.T) {
	var log []string
	a := &scripted{name: "a", log: &log, err: transport.ErrNoSuchHost}
	b := &scripted{name: "b", log: &log, err: &transport.Error{Kind: transport.ErrUnauthorized, Wait: time.Hour}}
	doors := transport.NewDoors(a, b)
	for range 2 {
		_, err := doors.Send(t.Context(), nil)
		if !errors.Is(err, transport.ErrNoSuchHost) || !errors.Is(err, transport.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
		if wait, _ := transport.RetryAfter(err); wait != time.Hour {
			t.Errorf("wait is %s", wait)
		}
	}
	if want := []string{"a0", "b0", "a0", "b0"}; !slices.Equal(log, want) {
		t.Errorf("asked %v, want %v", log, want)
	}
	if err := doors.Close(); err != nil || log[4] != "close a" || log[5] != "close b" {
		t.Errorf("closed %v, %v", log[4:], err)
	}
}

// What a portal says of a batch is not asked of another one.
func TestDoorsRefused(t *testing.T) {
	var log []string
	a := &scripted{name: "a", log: &log, err: transport.ErrRefused}
	b := &scripted{name: "b", log: &log}
	if _, err := transport.NewDoors(a, b).Send(t.Context(), transporttest.Batch(1, 3)); !errors.Is(err, transport.ErrRefused) || len(log) != 1 {
		t.Errorf("asked %v, error %v", log, err)
	}
}

// An order that the first door took without a word goes through the second one too. One
// receiver with two doors fulfils it once.
func TestDoorsDoNotDoubleOrders(t *testing.T) {
	first := transporttest.NewServer(t)
	second := httptest.NewServer(first.Portal()) // the same receiver
	t.Cleanup(second.Close)
	other, err := transport.Dial(transport.Config{
		URL: second.URL + "/events", Token: transporttest.Token, Agent: transporttest.Agent, Customer: transporttest.Customer,
	})
	if err != nil {
		t.Fatal(err)
	}
	doors := transport.NewDoors(transporttest.Dial(t, first, nil), other)
	t.Cleanup(func() { doors.Close() })
	order := transporttest.Record(t, "urgent", 1, "order")
	first.Fail(transporttest.CutAfter, 1)
	receipt, err := doors.Send(t.Context(), []transport.Message{order})
	if err != nil || receipt.Duplicates != 1 {
		t.Errorf("receipt %+v, error %v", receipt, err)
	}
	if counts := first.Portal().Counts(); counts != (portal.Counts{Received: 1, Repeats: 1, Batches: 2}) {
		t.Errorf("the portal counts %+v", counts)
	}
}

// mute is a broker without a portal behind it: it can be reached, and says nothing.
type mute struct{}

func (mute) Send(ctx context.Context, batch []transport.Message) (transport.Receipt, error) {
	if len(batch) == 0 {
		return transport.Receipt{}, nil
	}
	<-ctx.Done()
	return transport.Receipt{}, &transport.Error{Kind: transport.ErrNoReceipt, Cause: ctx.Err()}
}

func (mute) Close() error { return nil }

// prompt takes whatever comes in time.
type prompt struct{}

func (prompt) Send(ctx context.Context, batch []transport.Message) (transport.Receipt, error) {
	return transport.Receipt{Accepted: len(batch)}, ctx.Err()
}

func (prompt) Close() error { return nil }

// A door that keeps silent leaves some of the time to the next one, which is not blamed for it.
func TestSilentDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doors := transport.NewDoors(mute{}, prompt{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := doors.Send(ctx, transporttest.Batch(1, 3)); err != nil || doors.State()[1].Err != nil {
			t.Errorf("%v; the second door: %v", err, doors.State()[1].Err)
		}
		doors = transport.NewDoors(mute{}, mute{}, prompt{})
		over, end := context.WithTimeout(t.Context(), 0)
		defer end()
		doors.Send(over, transporttest.Batch(1, 3))
		if state := doors.State()[2]; state.Err != nil {
			t.Errorf("the third door is blamed though there was no time: %v", state.Err)
		}
	})
}
