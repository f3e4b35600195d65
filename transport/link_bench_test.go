package transport_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
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
	config := transporttest.LeanServer(b)
	link, err := transport.Dial(config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { link.Close() })
	body := plainBatch(batch)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool(b, config)}, MaxIdleConnsPerHost: 8,
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

func BenchmarkMQTT(b *testing.B) {
	batch := readings(b, 100)
	broker := transporttest.NewBroker(b)
	broker.Lean(b, "reading")
	broker.Let("bare", "bare/")
	broker.Lean(b, "bare/reading")
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

func pool(b *testing.B, c transport.Config) *x509.CertPool {
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		b.Fatal(err)
	}
	all := x509.NewCertPool()
	all.AppendCertsFromPEM(pem)
	return all
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
			var ours, theirs time.Duration
			for left := b.N; left > 0; { // by turns, so that both meet the same machine
				n := min(left, 4*depth)
				ours += spread(b, n, depth, delivered)
				b.StopTimer()
				theirs += spread(b, n, depth, bare)
				b.StartTimer()
				left -= n
			}
			b.ReportMetric(float64(b.N*len(batch))/ours.Seconds(), "readings/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-bare")
		})
	}
}

// spread does something that many times, by so many at once, and says how long it took.
func spread(b *testing.B, times, depth int, do func() error) time.Duration {
	begin := time.Now()
	var group sync.WaitGroup
	for i := range depth {
		group.Go(func() {
			for n := i; n < times; n += depth {
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
