package transport_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// Links at a distance. of-limit is the rate beside what the line allows, the batches on
// the way in each round trip.
func BenchmarkDistance(b *testing.B) {
	batch := readings(b, 15) // about as many as an agent puts into 100 KiB
	https, _ := leanServer(b)
	broker := transporttest.NewBroker(b)
	broker.Lean(b, "reading")
	for name, config := range map[string]transport.Config{"https": https, "mqtts": broker.Config()} {
		for _, trip := range []time.Duration{40 * time.Millisecond, 200 * time.Millisecond} {
			for _, depth := range depths() {
				b.Run(fmt.Sprintf("%s, %v, %d in flight", name, trip, depth), func(b *testing.B) {
					at, err := url.Parse(config.URL)
					if err != nil {
						b.Fatal(err)
					}
					at.Host = faraway(b, at.Host, trip/2)
					config := config
					config.URL = at.String()
					link, err := transport.Dial(config)
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { link.Close() })
					send := func() error {
						_, err := link.Send(b.Context(), batch)
						return err
					}
					spread(b, depth, send) // connects
					b.ResetTimer()
					took := spread(b, depth, send)
					rate := float64(b.N*len(batch)) / took.Seconds()
					b.ReportMetric(rate, "readings/s")
					b.ReportMetric(rate/(float64(min(depth, b.N)*len(batch))/trip.Seconds()), "of-limit")
				})
			}
		}
	}
}

// faraway returns an address that leads to another one, where everything arrives late.
func faraway(b *testing.B, address string, late time.Duration) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				near.Close()
				continue
			}
			go carry(near, far, late)
			go carry(far, near, late)
		}
	}()
	return listener.Addr().String()
}

// carry passes on what it reads, each piece when its time has come.
func carry(from, to net.Conn, late time.Duration) {
	type piece struct {
		due  time.Time
		data []byte
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			data := make([]byte, 32<<10)
			n, err := from.Read(data)
			if n > 0 {
				pieces <- piece{time.Now().Add(late), data[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	defer to.Close()
	for p := range pieces {
		<-time.After(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			from.Close() // ends the reader
		}
	}
}
