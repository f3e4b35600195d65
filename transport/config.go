package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// Receipts says whose word settles a record.
type Receipts string

// The receipts.
const (
	ReceiptsPortal Receipts = "portal" // the portal's answer, record by record; the default
	ReceiptsBroker Receipts = "broker" // MQTT only: the broker's acknowledgement, once a probe came back
	ReceiptsStatus Receipts = "status" // HTTPS only: any 2xx, for a plain webhook
)

// A Kind is what a receiver understands.
type Kind string

// The kinds.
const (
	KindPortal        Kind = ""              // docs/wire.md
	KindWebhook       Kind = "webhook"       // one CloudEvent for each POST
	KindGLPI          Kind = "glpi"          // GLPI's native inventory
	KindHomeAssistant Kind = "homeassistant" // MQTT discovery
)

// A Config describes one portal and who reports to it.
type Config struct {
	Kind Kind

	// URL is https://, mqtts:// (port 8883 unless given) or wss:// (MQTT over WebSocket,
	// path /mqtt unless given). The same without TLS, http://, mqtt:// and ws://, is for
	// loopback addresses only.
	URL   string
	Token Secret // bearer token, or the MQTT password; "" if the certificate is enough
	User  string // MQTT user name, may hold {agent}; "" means Agent, or none if there is no token

	CAFile   string // PEM; if given, only authorities in it are trusted, and not the system's
	CertFile string // PEM; the client certificate, read again at each connection so that it can be renewed
	KeyFile  string // PEM; its key

	// Pin holds the public key of the portal or of one of its authorities, as
	// "sha256/<SHA-256 of the SubjectPublicKeyInfo in base64>"; several are separated by
	// spaces. The certificate is verified all the same. "" pins none.
	Pin string

	// Proxy is http://host:port or https://host:port, with user:password@ before the host
	// for Basic authentication; "none" for a direct connection. "" follows the environment
	// (HTTPS_PROXY, NO_PROXY) for https:// and wss://, and connects directly for mqtts://.
	Proxy Secret

	Receipts Receipts // "" means ReceiptsPortal

	Agent    string // identity of this agent, a UUID
	Customer string // customer number; may be "" over HTTPS
	Software string // name and version for User-Agent and the MQTT status, such as "meteragent/1.2.0"

	Timeout time.Duration // bound of one Send; 0 means 2 min

	Header string // for webhooks: which header holds the token; "" is Authorization
	Secret Secret // for webhooks: signs each record; "whsec_" and base64, or any text; "" does not sign
	Tag    string // for GLPI: TAG of the inventory, for its rules; may be empty
	Prefix string // for Home Assistant: of discovery; "" is homeassistant

	// Watch is told of each message as it leaves. It must not block; nil tells nobody.
	Watch func(Sent)

	// For MQTT only.
	ClientID string // may hold {agent}; "" means Agent
	ALPN     string // protocol name in the TLS handshake, for brokers on a shared port; "" for none
	Topics   Topics

	// LargestBatch bounds what is published over MQTT at once, in bytes of JSON; 0 means
	// 128 KiB, which the large public brokers take. With ReceiptsBroker it is the size of
	// the probe.
	LargestBatch int
}

// Dial returns a link to the portal c describes. It reads the certificate files, but
// does not connect: Send does.
func Dial(c Config) (Link, error) {
	target, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	c.Receipts = cmp.Or(c.Receipts, ReceiptsPortal)
	c.Timeout = cmp.Or(c.Timeout, 2*time.Minute)
	c.LargestBatch = cmp.Or(c.LargestBatch, 128<<10)
	if c.Kind == KindHomeAssistant {
		c.Receipts, c.LargestBatch, c.Topics, c.Prefix = ReceiptsBroker, homeProbe, homeTopics(), cmp.Or(c.Prefix, "homeassistant")
	}
	if c.Token != "" && c.Kind != KindGLPI {
		c.User = cmp.Or(c.User, c.Agent)
	}
	c.User, c.ClientID = c.fill(c.User), c.fill(cmp.Or(c.ClientID, c.Agent))
	security, err := c.security(target.Hostname())
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	if strings.HasPrefix(target.Scheme, "http") {
		return c.overHTTPS(newHTTPS(c, target, security))
	}
	if c.ALPN != "" {
		security.NextProtos = []string{c.ALPN}
	}
	c.Topics, err = c.Topics.expand(c)
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	if c.Kind == KindHomeAssistant {
		return newHome(newMQTT(c, target, security)), nil
	}
	return newMQTT(c, target, security), nil
}

// overHTTPS returns the link of c's kind.
func (c Config) overHTTPS(l *httpsLink) (Link, error) {
	switch c.Kind {
	case KindWebhook:
		return newWebhook(l)
	case KindGLPI:
		return newGLPI(l), nil
	}
	return l, nil
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// check returns the URL taken apart. Its errors do not quote the URL, which may hold
// a secret.
func (c Config) check() (*url.URL, error) {
	target, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("url: is not an address")
	}
	mqtt := false
	switch target.Scheme {
	case "https":
	case "mqtts", "wss":
		mqtt = true
	case "http", "mqtt", "ws":
		if !loopback(target.Hostname()) {
			return nil, fmt.Errorf("url: %s:// is for this machine only; use https://, mqtts:// or wss://", target.Scheme)
		}
		mqtt = target.Scheme != "http"
	default:
		return nil, errors.New("url: must start with https://, mqtts:// or wss://")
	}
	switch {
	case (c.Kind == KindWebhook || c.Kind == KindGLPI) && mqtt, c.Kind == KindHomeAssistant && !mqtt:
		return nil, fmt.Errorf("url: %s:// does not go with %s", target.Scheme, c.Kind)
	case target.Hostname() == "":
		return nil, errors.New("url: names no host")
	case target.User != nil:
		return nil, errors.New("url: holds a user name or password; give them as user and token")
	case !uuid.MatchString(c.Agent):
		return nil, fmt.Errorf("agent: %q is not a UUID in lower case", c.Agent)
	case (c.CertFile == "") != (c.KeyFile == ""):
		return nil, errors.New("client certificate and client key: give both or none")
	}
	if _, err := c.checkProxy(); err != nil {
		return nil, err
	}
	switch c.Receipts {
	case "", ReceiptsPortal:
	case ReceiptsBroker, ReceiptsStatus:
		if mqtt != (c.Receipts == ReceiptsBroker) {
			return nil, fmt.Errorf("receipts: %q does not go with %s://", c.Receipts, target.Scheme)
		}
	default:
		return nil, fmt.Errorf("receipts: %q is none of portal, broker, status", c.Receipts)
	}
	return target, nil
}

func isIP(host string) bool { return net.ParseIP(host) != nil }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// security returns the TLS settings for one host.
func (c Config) security(host string) (*tls.Config, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	keys, err := pins(c.Pin)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		security.VerifyConnection = pinned(keys)
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		security.RootCAs = x509.NewCertPool()
		if !security.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca %s: holds no certificate", c.CAFile)
		}
	}
	if c.CertFile == "" {
		return security, nil
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", c.CertFile, err)
		}
		return &pair, nil
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	security.GetClientCertificate = load
	return security, nil
}

// A lifetime ends every Send of a link at its Close.
type lifetime struct {
	ctx   context.Context // ends at Close
	close context.CancelFunc
}

func newLifetime() lifetime {
	ctx, cancel := context.WithCancel(context.Background())
	return lifetime{ctx, cancel}
}

// join returns a context that ends with ctx, after timeout, and at Close, which is
// told by its cause.
func (l lifetime) join(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, expire := context.WithTimeout(ctx, timeout)
	ctx, cancel := context.WithCancelCause(ctx)
	if l.ctx.Err() != nil {
		cancel(ErrClosed) // AfterFunc would take a moment
	}
	stop := context.AfterFunc(l.ctx, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		expire()
	}
}
