package transport_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// depths are how many batches of 100 readings are on the way at once.
func depths() []int { return []int{1, 8} }

// The links beside bare clients of the same libraries, which send the same bytes to the
// same server and look at no answer. of-bare is the ratio of their rates, in one run.
func BenchmarkHTTPS(b *testing.B) {
	batch := readings(b, 100)
	config, authority := leanServer(b)
	link, err := transport.Dial(config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { link.Close() })
	body := plainBatch(batch)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}, MaxIdleConnsPerHost: 8,
	}}
	compare(b, link, batch, func() error {
		var packed bytes.Buffer
		packer := gzip.NewWriter(&packed)
		packer.Write(body)
		packer.Close()
		request, err := http.NewRequest(http.MethodPost, config.URL, &packed)
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
	})
}

// leanServer accepts everything with as little work as can be.
func leanServer(b *testing.B) (transport.Config, *transporttest.Authority) {
	b.Helper()
	authority := transporttest.NewAuthority(b)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"results":[]}`)
	}))
	server.TLS = authority.Server()
	server.StartTLS()
	b.Cleanup(server.Close)
	return transport.Config{URL: server.URL, CAFile: authority.File, Agent: transporttest.Agent, Customer: transporttest.Customer}, authority
}

func BenchmarkMQTT(b *testing.B) {
	batch := readings(b, 100)
	broker := transporttest.NewBroker(b)
	broker.Lean(b, "reading")
	broker.Let("bare", "bare/")
	link := transporttest.Dial(b, broker, func(c *transport.Config) { c.LargestBatch = 1 << 20 })
	body := plainBatch(batch)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtts://" + broker.Address()).SetClientID("bare").
		SetUsername("bare").SetPassword(transporttest.Token.Reveal()).SetTLSConfig(&tls.Config{RootCAs: broker.Authority.Pool()}))
	connected := client.Connect()
	<-connected.Done()
	if connected.Error() != nil {
		b.Fatal(connected.Error())
	}
	b.Cleanup(func() { client.Disconnect(0) })
	compare(b, link, batch, func() error {
		token := client.Publish("bare/reading", 1, false, body)
		<-token.Done()
		return token.Error()
	})
}

// plainBatch is a batch as the link writes it, as long as makes no difference.
func plainBatch(batch []transport.Message) []byte {
	var b bytes.Buffer
	for i, m := range batch {
		fmt.Fprintf(&b, `%s{"specversion":"1.0","id":%q,"source":"urn:uuid:%s","type":"meteragent.reading.v1","subject":%[4]q,"partitionkey":%[4]q,`+
			`"time":%q,"sequence":"%020d","customer":%q,"datacontenttype":"application/json","data":%s}`,
			[]string{"[", ","}[min(i, 1)], m.ID(), transporttest.Agent, m.Subject, m.At.Format(time.RFC3339Nano), m.Seq, transporttest.Customer, m.Body)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func compare(b *testing.B, link transport.Link, batch []transport.Message, bare func() error) {
	for _, depth := range depths() {
		b.Run(fmt.Sprintf("%d in flight", depth), func(b *testing.B) {
			delivered := func() error {
				receipt, err := link.Send(b.Context(), batch)
				if err == nil && receipt.Accepted != len(batch) {
					err = fmt.Errorf("got %+v", receipt)
				}
				return err
			}
			for _, warm := range []func() error{delivered, bare} {
				if err := warm(); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			ours := spread(b, depth, delivered)
			b.StopTimer()
			theirs := spread(b, depth, bare)
			b.ReportMetric(float64(b.N*len(batch))/ours.Seconds(), "readings/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-bare")
		})
	}
}

// spread does something b.N times, by that many at once, and says how long it took.
func spread(b *testing.B, depth int, do func() error) time.Duration {
	begin := time.Now()
	var group sync.WaitGroup
	for i := range depth {
		group.Go(func() {
			for n := i; n < b.N; n += depth {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(begin)
}
