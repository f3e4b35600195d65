package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const pinPrefix = "sha256/"

// pins reads Config.Pin.
func pins(text string) ([]string, error) {
	all := strings.Fields(text)
	for _, pin := range all {
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(pin, pinPrefix))
		if err != nil || len(sum) != sha256.Size || !strings.HasPrefix(pin, pinPrefix) {
			return nil, fmt.Errorf("pin: %q is not %s and the SHA-256 of a public key in base64", pin, pinPrefix)
		}
	}
	return all, nil
}

// pinOf returns the pin of a certificate's public key (RFC 7469 section 2.4).
func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// pinned refuses a connection unless one of the pins is that of a certificate in its
// chain. The chain has been verified before.
func pinned(pins []string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		for _, chain := range s.VerifiedChains {
			for _, c := range chain {
				if slices.Contains(pins, pinOf(c)) {
					return nil
				}
			}
		}
		if len(s.PeerCertificates) == 0 {
			return &Error{Kind: ErrPin, Cause: errors.New("it presents no certificate")}
		}
		c := s.PeerCertificates[0]
		return &Error{Kind: ErrPin, Cause: fmt.Errorf("it presents %s, issued by %s", pinOf(c), issuer(c))}
	}
}

// issuer returns who signed a certificate, as one printable line.
func issuer(c *x509.Certificate) string { return Problem{Title: c.Issuer.String()}.line() }
