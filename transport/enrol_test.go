package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/portal"
	"meteragent/transport/transporttest"
)

// agents returns an authority for agents, whose certificates live for a time.
func agents(t *testing.T, life time.Duration) *portal.Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "agents"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &portal.Authority{Certificate: certificate, Key: key, Code: "right", Life: life}
}

// An estServer is a portal that enrols agents, on loopback, and how to reach it.
func estServer(t *testing.T, a *portal.Authority) (*portal.Portal, transport.Config) {
	t.Helper()
	p := portal.New(portal.Options{Authority: a})
	security := transporttest.NewAuthority(t)
	server := httptest.NewUnstartedServer(p)
	server.TLS = security.Server()
	server.TLS.ClientAuth, server.TLS.ClientCAs = tls.VerifyClientCertIfGiven, a.Pool()
	server.StartTLS()
	t.Cleanup(server.Close)
	return p, transport.Config{
		URL: server.URL + "/events", CAFile: security.File, Agent: transporttest.Agent, Customer: transporttest.Customer,
	}
}

// An agent enrols with a code, delivers with the certificate, and renews it by itself.
func TestEnrol(t *testing.T) {
	p, c := estServer(t, agents(t, time.Hour))
	if _, err := sendOne(t, c); !errors.Is(err, transport.ErrUnauthorized) {
		t.Fatalf("without a certificate: %v", err)
	}
	file := filepath.Join(t.TempDir(), "client.pem")
	enrol := func(code transport.Secret) transport.Certificate {
		t.Helper()
		text, err := transport.Enrol(t.Context(), c, code)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		certificate, err := transport.ReadCertificate(file)
		if err != nil {
			t.Fatal(err)
		}
		return certificate
	}
	first := enrol("right")
	if left := time.Until(first.Renew()); left < 30*time.Minute || left > 45*time.Minute {
		t.Errorf("it is to be renewed in %s", left)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.CertFile, c.KeyFile = file, file
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 1)); err != nil {
		t.Errorf("with the certificate: %v", err)
	}
	enrol("")
	after, err := os.ReadFile(file)
	if err != nil || string(after) == string(before) {
		t.Errorf("the renewed file is the old one, %v", err)
	}
	if _, err := link.Send(t.Context(), transporttest.Batch(2, 1)); err != nil {
		t.Errorf("with the new certificate: %v", err)
	}
	if got := p.Counts().Received; got != 2 {
		t.Errorf("%d records arrived", got)
	}
}

func sendOne(t *testing.T, c transport.Config) (transport.Receipt, error) {
	t.Helper()
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	return link.Send(t.Context(), transporttest.Batch(1, 1))
}

// What can go wrong has a name, and the code is in none of it.
func TestEnrolFails(t *testing.T) {
	authority := agents(t, time.Hour)
	_, c := estServer(t, authority)
	other, err := transport.MarshalCertificates(authority.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, kind, body string) transport.Config {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return transport.Config{URL: server.URL, Agent: transporttest.Agent}
	}
	const est = "application/pkcs7-mime"
	for name, test := range map[string]struct {
		config transport.Config
		code   transport.Secret
		want   error
	}{
		"wrong code":      {c, "hunter2", transport.ErrUnauthorized},
		"no certificate":  {c, "", transport.ErrUnauthorized},
		"pending":         {answer(202, "", ""), "hunter2", transport.ErrPending},
		"refused":         {answer(400, "text/plain", "no"), "hunter2", transport.ErrRefused},
		"no EST server":   {answer(404, "text/html", ""), "hunter2", transport.ErrNotPortal},
		"login page":      {answer(200, "text/html", "<html>"), "hunter2", transport.ErrNotPortal},
		"not base64":      {answer(200, est, "!!!"), "hunter2", transport.ErrNotPortal},
		"not a message":   {answer(200, est, "AAAA"), "hunter2", transport.ErrNotPortal},
		"another's key":   {answer(200, est, base64.StdEncoding.EncodeToString(other)), "hunter2", transport.ErrNotPortal},
		"unknown TLS":     {func() transport.Config { c := c; c.CAFile = ""; return c }(), "hunter2", transport.ErrUnknownAuthority},
		"nobody is there": {transport.Config{URL: "http://127.28.0.1:1", Agent: transporttest.Agent}, "hunter2", transport.ErrConnectionRefused},
	} {
		_, err := transport.Enrol(t.Context(), test.config, test.code)
		if !errors.Is(err, test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error is %v, want %v", name, err, test.want)
		}
	}
}
