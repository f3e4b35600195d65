package transport_test

import (
	"crypto/tls"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// Brokers that prescribe topics, names and protocols are a matter of configuration.
func TestBrokersOfTheCloud(t *testing.T) {
	const agent = transporttest.Agent
	for _, c := range []struct {
		name    string
		user    string // as the broker sees it
		rights  string // the beginning of its topics
		change  func(*transport.Config)
		records string // topic
		answer  string // topic; "" if nobody answers
		status  string // topic; "" if there is none
	}{
		{
			name: "AWS IoT Core", user: agent, rights: "dt/copiers/",
			change: func(c *transport.Config) {
				c.ALPN, c.ClientID = "x-amzn-mqtt-ca", "copiers-{agent}"
				c.Topics = transport.Topics{
					Records: "dt/copiers/{agent}/{kind}", Receipts: "dt/copiers/{agent}/receipts", Status: "dt/copiers/{agent}/status",
				}
			},
			records: "dt/copiers/" + agent + "/reading", answer: "dt/copiers/" + agent + "/receipts", status: "dt/copiers/" + agent + "/status",
		},
		{
			name: "Azure IoT Hub", user: "hub.azure-devices.net/" + agent + "/?api-version=2021-04-12", rights: "devices/" + agent + "/messages/",
			change: func(c *transport.Config) {
				c.User = "hub.azure-devices.net/{agent}/?api-version=2021-04-12"
				c.Topics = transport.Topics{
					Records:  "devices/{agent}/messages/events/$.ct=application%2Fjson&$.ce=utf-8",
					Receipts: "devices/{agent}/messages/devicebound/#", Status: "none",
				}
			},
			records: "devices/" + agent + "/messages/events/$.ct=application%2Fjson&$.ce=utf-8",
			answer:  "devices/" + agent + "/messages/devicebound/$.to=x",
		},
		{
			name: "ThingsBoard", user: "A1_TEST_TOKEN", rights: "v1/devices/me/",
			change: func(c *transport.Config) {
				c.User, c.Receipts = "A1_TEST_TOKEN", transport.ReceiptsBroker
				c.Topics = transport.Topics{Records: "v1/devices/me/telemetry", Status: "v1/devices/me/attributes", Probe: "none"}
			},
			records: "v1/devices/me/telemetry", status: "v1/devices/me/attributes",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			authority := transporttest.NewAuthority(t)
			security := authority.Server()
			security.NextProtos = []string{"x-amzn-mqtt-ca"}
			b := transporttest.StartBroker(t, authority, security)
			b.Let(c.user, c.rights)
			published := make(chan string, 10) // a question, and then the batch
			b.Take(t, c.records, func(payload []byte) { published <- string(payload) })
			link := transporttest.Dial(t, b, c.change)
			go func() {
				for c.answer != "" {
					select {
					case text := <-published:
						b.Say(t, c.answer, acceptAll(text))
					case <-t.Context().Done():
						return
					}
				}
			}()
			receipt, err := link.Send(t.Context(), transporttest.Batch(1, 3))
			if err != nil || receipt.Accepted != 3 {
				t.Errorf("got %v, %v", receipt, err)
			}
			topics := []string{}
			for topic := range b.Retained() {
				if !strings.HasPrefix(topic, "$SYS") {
					topics = append(topics, topic)
				}
			}
			if want := strings.Fields(c.status); !slices.Equal(topics, want) {
				t.Errorf("retained: got %v, want %v", topics, want)
			}
		})
	}
}

// acceptAll answers a batch.
func acceptAll(batch string) string {
	var records []struct{ ID string }
	json.Unmarshal([]byte(batch), &records) // what is none of a batch has no records
	type result struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	results := []result{}
	for _, r := range records {
		results = append(results, result{r.ID, "accepted"})
	}
	text, _ := json.Marshal(map[string]any{"results": results}) // texts only
	return string(text)
}

// The protocol's name is what a broker on a shared port tells its clients apart by.
func TestALPN(t *testing.T) {
	authority := transporttest.NewAuthority(t)
	names := make(chan []string, 8)
	security := authority.Server()
	inner := security.Clone()
	inner.NextProtos = []string{"mqtt"}
	security.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.SupportedProtos
		return inner, nil
	}
	b := transporttest.StartBroker(t, authority, security)
	<-names // of the portal
	if _, err := transporttest.Dial(t, b, func(c *transport.Config) { c.ALPN = "mqtt" }).Send(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := <-names; !slices.Equal(got, []string{"mqtt"}) {
		t.Errorf("got %q", got)
	}
}
