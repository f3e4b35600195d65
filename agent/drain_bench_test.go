package agent_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// Backlogs of readings as long as real ones, through the whole way out: database, batches,
// link, receipts, database. of-bare is the rate beside a bare client of the same library,
// which sends as many batches, as large, as many at once, and looks at no answer; of-limit
// is the rate beside what the line allows, the readings on the way in each round trip.
func BenchmarkDrain(b *testing.B) {
	for _, kind := range []string{"https", "mqtts"} {
		for _, trip := range []time.Duration{0, 40 * time.Millisecond, 200 * time.Millisecond} {
			b.Run(fmt.Sprintf("%s, %v", kind, trip), func(b *testing.B) { drain(b, kind, trip) })
		}
	}
}

// Batches of the backlog, as the forwarder makes them.
const (
	inFlight  = 16
	batchSize = 96
)

func drain(b *testing.B, kind string, trip time.Duration) {
	const few = 20 * inFlight * batchSize
	n := max(few, b.N)
	config := receiver(b, kind, trip)
	path := filepath.Join(b.TempDir(), "agent.db")
	backlog(b, path, n)
	b.ResetTimer()
	ours := empty(b, path, config)
	b.StopTimer()
	theirs := bare(b, config, n)
	b.ReportMetric(float64(n)/ours.Seconds(), "readings/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-bare")
	if trip > 0 {
		b.ReportMetric(float64(n)/ours.Seconds()/(inFlight*batchSize/trip.Seconds()), "of-limit")
	}
	b.ReportMetric(0, "ns/op")
}

// receiver returns how to reach a receiver that far away.
func receiver(b testing.TB, kind string, trip time.Duration) transport.Config {
	c := transporttest.LeanServer(b)
	if kind == "mqtts" {
		broker := transporttest.NewBroker(b)
		broker.Lean(b, "reading")
		broker.Let("bare", "bare/")
		broker.Lean(b, "bare/reading")
		c = broker.Config()
	}
	if trip > 0 {
		at, err := url.Parse(c.URL)
		if err != nil {
			b.Fatal(err)
		}
		at.Host = transporttest.Faraway(b, at.Host, trip/2)
		c.URL = at.String()
	}
	return c
}

// bare has a bare client send so many readings, and says how long it took.
func bare(b testing.TB, c transport.Config, n int) time.Duration {
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	security := &tls.Config{RootCAs: pool}
	var send func([]byte) error
	if strings.HasPrefix(c.URL, "mqtts:") {
		send = bareMQTT(b, c.URL, security)
	} else {
		send = bareHTTPS(c.URL, security)
	}
	body := batchOf(b)
	return spread(n/batchSize, inFlight, func() error { return send(body) }, b)
}

func bareHTTPS(url string, security *tls.Config) func([]byte) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: security, MaxIdleConnsPerHost: inFlight}}
	return func(body []byte) error {
		var packed bytes.Buffer
		packer := gzip.NewWriter(&packed)
		packer.Write(body)
		packer.Close()
		request, err := http.NewRequest(http.MethodPost, url, &packed)
		if err != nil {
			return err
		}
		request.Header.Set("Content-Encoding", "gzip")
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
}

// bareMQTT publishes parts of a batch that a broker takes, and waits until it has them.
func bareMQTT(b testing.TB, url string, security *tls.Config) func([]byte) error {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("bare").
		SetUsername("bare").SetPassword(transporttest.Token.Reveal()).SetTLSConfig(security))
	connected := client.Connect()
	<-connected.Done()
	if connected.Error() != nil {
		b.Fatal(connected.Error())
	}
	b.Cleanup(func() { client.Disconnect(0) })
	return func(body []byte) error {
		var tokens []mqtt.Token
		for len(body) > 0 {
			part := body[:min(len(body), 128<<10)]
			body = body[len(part):]
			tokens = append(tokens, client.Publish("bare/reading", 1, false, part))
		}
		for _, token := range tokens {
			<-token.Done()
			if token.Error() != nil {
				return token.Error()
			}
		}
		return nil
	}
}

// spread does something that many times, by so many at once, and says how long it took.
func spread(times, depth int, do func() error, t testing.TB) time.Duration {
	begin := time.Now()
	var group sync.WaitGroup
	for i := range depth {
		group.Go(func() {
			for n := i; n < times; n += depth {
				if err := do(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(begin)
}

// backlog fills a database with readings of a hundred copiers.
func backlog(t testing.TB, path string, n int) {
	t.Helper()
	s, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}})
	if err != nil {
		t.Fatal(err)
	}
	body := reading(t)
	for done := 0; done < n; {
		err := s.Update(func(tx *store.Tx) error {
			for range min(2000, n-done) {
				serial := fmt.Sprintf("KXF%05d", done%100)
				at := time.Date(2026, 11, 1, 0, 0, done, 0, time.UTC)
				text := strings.NewReplacer("KXF00001", serial, "2026-11-30T17:00:00Z", at.Format(time.RFC3339), "123456", fmt.Sprint(123456+done)).Replace(body)
				if _, err := tx.Append(store.Record{Lane: store.Bulk, Kind: "reading", Subject: serial, At: at}, json.RawMessage(text)); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// batchOf is a batch as a link writes it, as long as makes no difference.
func batchOf(t testing.TB) []byte {
	body := reading(t)
	var b bytes.Buffer
	for i := range batchSize {
		serial := fmt.Sprintf("KXF%05d", i%100)
		fmt.Fprintf(&b, `%s{"specversion":"1.0","id":"7f3a9c-bulk-%d","source":"urn:uuid:%s","type":"meteragent.reading.v1","subject":%[4]q,"partitionkey":%[4]q,`+
			`"time":"2026-11-30T17:00:00Z","sequence":"%020[2]d","customer":"1234567","datacontenttype":"application/json","data":%[5]s}`,
			[]string{"[", ","}[min(i, 1)], i+1, transporttest.Agent, serial, strings.NewReplacer("KXF00001", serial, "123456", fmt.Sprint(123456+i)).Replace(body))
	}
	b.WriteByte(']')
	return b.Bytes()
}

// reading is one reading as long as real ones, with a serial, a time and a total that stand
// for others.
func reading(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "collector", "testdata", "devices", "colour-mfp", "reading.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r collector.Reading
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	r.Device.ID, r.Device.Serial, r.Meters[0].Value = "KXF00001", "KXF00001", 123456
	r.TakenAt = time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	if text, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// empty runs one round of an agent without copiers, and says how long it took.
func empty(t testing.TB, path string, c transport.Config) time.Duration {
	t.Helper()
	s, err := store.Open(path, store.Options{Destinations: []string{agent.Portal}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	a := agent.New(agent.Options{
		Config: config.Default(), ID: transporttest.Agent, Version: "test", Store: s, Copiers: &fleet{},
		Outputs: []agent.Output{{Name: agent.Portal, Link: link, Orders: true}},
	})
	begin := time.Now()
	sum, err := a.Once(t.Context())
	if err != nil || sum.Pending > 0 || sum.Rejected > 0 {
		t.Fatalf("%+v: %v", sum, err)
	}
	return time.Since(begin)
}
