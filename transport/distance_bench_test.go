package transport_test

import (
	"fmt"
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
	https := transporttest.LeanServer(b)
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
					at.Host = transporttest.Faraway(b, at.Host, trip/2)
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
					spread(b, depth, depth, send) // connects
					b.ResetTimer()
					took := spread(b, b.N, depth, send)
					rate := float64(b.N*len(batch)) / took.Seconds()
					b.ReportMetric(rate, "readings/s")
					b.ReportMetric(rate/(float64(min(depth, b.N)*len(batch))/trip.Seconds()), "of-limit")
				})
			}
		}
	}
}
