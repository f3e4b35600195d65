package transport_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

func TestDialChecks(t *testing.T) {
	authority := transporttest.NewAuthority(t)
	cert, key := authority.Issue("agent", time.Now().Add(time.Hour))
	for _, c := range []struct {
		name   string
		change func(*transport.Config)
		want   string // part of the error; "" for none
	}{
		{"https", func(*transport.Config) {}, ""},
		{"mqtts", func(c *transport.Config) { c.URL = "mqtts://broker.example.com" }, ""},
		{"wss", func(c *transport.Config) { c.URL = "wss://broker.example.com/mqtt" }, ""},
		{"http on loopback", func(c *transport.Config) { c.URL = "http://127.0.0.1:8080/events" }, ""},
		{"mqtt on loopback", func(c *transport.Config) { c.URL = "mqtt://[::1]:1883" }, ""},
		{"client certificate", func(c *transport.Config) { c.CertFile, c.KeyFile = cert, key }, ""},
		{"no customer over https", func(c *transport.Config) { c.Customer = "" }, ""},
		{"http elsewhere", func(c *transport.Config) { c.URL = "http://portal.example.com" }, "for this machine only"},
		{"mqtt elsewhere", func(c *transport.Config) { c.URL = "mqtt://192.168.1.1:1883" }, "for this machine only"},
		{"ftp", func(c *transport.Config) { c.URL = "ftp://portal.example.com" }, "must start with https://"},
		{"no scheme", func(c *transport.Config) { c.URL = "portal.example.com/events" }, "must start with https://"},
		{"no host", func(c *transport.Config) { c.URL = "https:///events" }, "names no host"},
		{"not an address", func(c *transport.Config) { c.URL = "https://hunter2%zz" }, "is not an address"},
		{"password in the address", func(c *transport.Config) { c.URL = "https://me:hunter2@portal.example.com" }, "holds a user name"},
		{"agent", func(c *transport.Config) { c.Agent = "5D3C9AB4" }, "not a UUID"},
		{"customer in a topic", func(c *transport.Config) { c.URL, c.Customer = "mqtts://b.example.com", "a/b" }, "MQTT topic"},
		{"no customer in a topic", func(c *transport.Config) { c.URL, c.Customer = "mqtts://b.example.com", "" }, "MQTT topic"},
		{"receipts", func(c *transport.Config) { c.Receipts = "maybe" }, "none of portal, broker, status"},
		{"broker receipts over https", func(c *transport.Config) { c.Receipts = transport.ReceiptsBroker }, "does not go with https"},
		{"status receipts over mqtts", func(c *transport.Config) {
			c.URL, c.Receipts = "mqtts://b.example.com", transport.ReceiptsStatus
		}, "does not go with mqtts"},
		{"half a certificate", func(c *transport.Config) { c.CertFile = cert }, "give both or none"},
		{"key of another", func(c *transport.Config) { c.CertFile, c.KeyFile = cert, cert }, "client certificate"},
		{"pin", func(c *transport.Config) { c.Pin = "sha256/n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=" }, ""},
		{"pin that is none", func(c *transport.Config) { c.Pin = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=" }, "pin: "},
		{"pin too short", func(c *transport.Config) { c.Pin = "sha256/AAAA" }, "pin: "},
		{"proxy", func(c *transport.Config) { c.Proxy = "http://site:hunter2@proxy.example.com:3128" }, ""},
		{"no proxy", func(c *transport.Config) { c.Proxy = "none" }, ""},
		{"proxy without a scheme", func(c *transport.Config) { c.Proxy = "hunter2@proxy:3128" }, "proxy: must be"},
		{"proxy of another kind", func(c *transport.Config) { c.Proxy = "socks5://proxy:1080" }, "proxy: must be"},
		{"topics", func(c *transport.Config) {
			c.URL, c.Customer = "mqtts://b.example.com", ""
			c.Topics = transport.Topics{Records: "devices/{agent}/{kind}", Receipts: "devices/{agent}/#", Status: "none", Probe: "none"}
		}, ""},
		{"topic with a wildcard", func(c *transport.Config) { c.URL, c.Topics.Records = "mqtts://b.example.com", "devices/#" }, "topic of records"},
		{"topic with an unknown part", func(c *transport.Config) { c.URL, c.Topics.Status = "mqtts://b.example.com", "devices/{device}" }, "topic of status"},
		{"topic that must be", func(c *transport.Config) { c.URL, c.Topics.Receipts = "mqtts://b.example.com", "none" }, "topic of receipts"},
		{"no such ca", func(c *transport.Config) { c.CAFile = "missing.pem" }, "ca: open missing.pem"},
		{"ca without a certificate", func(c *transport.Config) { c.CAFile = key }, "holds no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := transport.Config{
				URL: "https://portal.example.com/events", Token: "hunter2", Agent: transporttest.Agent, Customer: transporttest.Customer,
			}
			c.change(&config)
			link, err := transport.Dial(config)
			if err == nil {
				link.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("error tells a secret: %v", err)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	s := transport.Secret("hunter2")
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprintf("%v %s %+v %#v %q", s, s, struct{ S transport.Secret }{s}, s, s), string(text), s.LogValue().String()} {
		if strings.Contains(got, "hunter2") {
			t.Errorf("got %s", got)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not")
	}
}
