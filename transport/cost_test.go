package transport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"meteragent/collector"
	"meteragent/collector/simulator"
	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// readings returns n readings as agents deliver them: a fleet of fifty copiers of all
// models is read in turn while people print.
func readings(t testing.TB, n int) []transport.Message {
	t.Helper()
	const fleet = 50
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var copiers []*simulator.Copier
	var targets []collector.Target
	for i := range fleet {
		c := simulator.New(simulator.Models()[i%3], simulator.Options{Serial: fmt.Sprintf("KXF%05d", 10007*i%99991), Seed: uint64(i)})
		c.Print(simulator.Job{Pages: 7919 * (i + 1), TwoSided: true})
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.Serve(ctx, conn)
		}()
		t.Cleanup(func() { cancel(); conn.Close(); <-ended })
		at := netip.MustParseAddrPort(conn.LocalAddr().String())
		copiers = append(copiers, c)
		targets = append(targets, collector.Target{Address: at.Addr().String(), Port: at.Port(), Credentials: []collector.Credential{{Community: "public"}}})
	}
	reader := collector.New()
	batch := make([]transport.Message, n)
	begin := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	for i := range batch {
		copiers[i%fleet].Print(simulator.Job{Pages: 3 + i*31%170, Colour: i%2 == 0})
		r, err := reader.Read(ctx, targets[i%fleet])
		if err != nil {
			t.Fatal(err)
		}
		r.Clock, r.TakenAt = collector.ClockSynchronised, begin.Add(time.Duration(i/fleet)*4*time.Hour+time.Duration(i)*137*time.Millisecond)
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = transport.Message{Stream: "7f3a9c", Lane: "bulk", Seq: uint64(1000 + i), Kind: "reading", Subject: r.Device.ID, At: r.TakenAt, Body: body}
	}
	return batch
}

// What a reading costs on the wire, in bytes of the request's body.
func TestWireCost(t *testing.T) {
	const most = 350
	batch := readings(t, 100)
	server := transporttest.NewServer(t)
	if _, err := transporttest.Dial(t, server, nil).Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	plain := 0
	for _, m := range batch {
		plain += len(m.Body)
	}
	each := int(server.Requests()[0].ContentLength) / len(batch)
	t.Logf("a reading of %d bytes costs %d on the wire, in batches of %d", plain/len(batch), each, len(batch))
	if each > most {
		t.Errorf("a reading costs %d bytes; %d is the limit", each, most)
	}
}
