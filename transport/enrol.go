package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ErrPending: the enrolment was taken, and a person has to agree to it. The error's Wait
// says when to ask again.
var ErrPending = errors.New("enrolment waits for somebody's consent")

const estPath = "/.well-known/est/"

// Enrol asks an EST server (RFC 7030) for a client certificate, for a key that is made here
// and never leaves. c names the server and whom to trust: of its URL host and port count.
//
// With a code, the agent proves itself by it (simpleenroll, the code as the password of
// HTTP Basic); with "", by the certificate of c, which is renewed (simplereenroll). It
// returns one PEM file with the certificate, those above it and the key.
//
// The error wraps ErrUnauthorized (a wrong or used code, a certificate that is not known),
// ErrRefused, ErrPending, ErrNotPortal, or is one of the network as from Send.
func Enrol(ctx context.Context, c Config, code Secret) ([]byte, error) {
	target, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	security, err := c.security(target.Hostname())
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	l := newHTTPS(c, target, security)
	defer l.Close()
	target.Path, target.RawQuery = estPath+"simpleenroll", ""
	if code == "" {
		target.Path = estPath + "simplereenroll"
	}
	l.url = target.String()
	file, err := l.enrol(ctx, code)
	if err != nil {
		return nil, fail(ctx, l.host, err)
	}
	return file, nil
}

func (l *httpsLink) enrol(ctx context.Context, code Secret) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{CommonName: l.config.Agent}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		return nil, err
	}
	der, err := l.submit(ctx, request, code)
	if err != nil {
		return nil, err
	}
	chain, err := parseCertificates(der)
	if err != nil {
		return nil, &Error{Kind: ErrNotPortal, Cause: err}
	}
	// The issued one comes first, as a rule; those above it may follow in any order.
	for i, one := range chain {
		if key.PublicKey.Equal(one.PublicKey) {
			chain[0], chain[i] = chain[i], chain[0]
			return certificateFile(chain, key)
		}
	}
	return nil, &Error{Kind: ErrNotPortal, Cause: errors.New("the certificate is for another key")}
}

// submit sends a certificate request and returns the answer's message.
func (l *httpsLink) submit(ctx context.Context, csr []byte, code Secret) ([]byte, error) {
	body := base64.StdEncoding.EncodeToString(csr)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/pkcs10")
	request.Header.Set("Content-Transfer-Encoding", "base64")
	request.Header.Set("User-Agent", l.config.Software)
	if code != "" {
		request.SetBasicAuth(l.config.Agent, code.Reveal())
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusAccepted:
		return nil, &Error{Kind: ErrPending, Status: response.StatusCode, Wait: retryAfter(response.Header)}
	case response.StatusCode != http.StatusOK:
		return nil, l.refusal(response, said)
	case !strings.HasPrefix(response.Header.Get("Content-Type"), "application/pkcs7-mime"):
		return nil, notPortal(response, errors.New("it is no EST server"))
	}
	der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(said), nil)))
	if err != nil {
		return nil, notPortal(response, err)
	}
	return der, nil
}

// certificateFile writes a chain and its key into one file, so that nobody finds the one
// without the other.
func certificateFile(chain []*x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var file []byte
	for _, c := range chain {
		if c.IsCA && bytes.Equal(c.RawSubject, c.RawIssuer) && c != chain[0] {
			continue // the root: who trusts it has it
		}
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return append(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

// A Certificate is what there is to know of a client certificate's life.
type Certificate struct {
	From, Until time.Time
}

// Renew says when to renew it: when a third of its life is left.
func (c Certificate) Renew() time.Time { return c.Until.Add(-c.Until.Sub(c.From) / 3) }

// ReadCertificate reads a file that Enrol made.
func ReadCertificate(path string) (Certificate, error) {
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return Certificate{}, fmt.Errorf("client certificate %s: %w", path, err)
	}
	return Certificate{From: pair.Leaf.NotBefore, Until: pair.Leaf.NotAfter}, nil
}
