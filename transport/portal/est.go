package portal

import (
	"crypto"
	"crypto/rand"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"

	"meteragent/transport"
)

// An Authority gives agents certificates by EST (RFC 7030): the least of it that makes an
// enrolment and a renewal. A real portal gives out codes that can be used once.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	Code        transport.Secret // that an agent must know to be given its first certificate
	Life        time.Duration    // of a certificate; 0 means 90 days
}

// Pool is what a server trusts that lets these agents in.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// serve adds the resources of EST.
func (a *Authority) serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/est/cacerts", func(w http.ResponseWriter, _ *http.Request) { a.send(w, a.Certificate) })
	mux.HandleFunc("POST /.well-known/est/simpleenroll", func(w http.ResponseWriter, r *http.Request) {
		user, code, _ := r.BasicAuth()
		if a.Code == "" || subtle.ConstantTimeCompare([]byte(code), []byte(a.Code.Reveal())) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="enrolment"`)
			refuse(w, http.StatusUnauthorized, "unauthorized", "the code is wrong, or was used already")
			return
		}
		a.issue(w, r, user)
	})
	mux.HandleFunc("POST /.well-known/est/simplereenroll", func(w http.ResponseWriter, r *http.Request) {
		if !known(r) {
			refuse(w, http.StatusForbidden, "unauthorized", "no certificate that can be renewed was presented")
			return
		}
		a.issue(w, r, r.TLS.VerifiedChains[0][0].Subject.CommonName)
	})
}

// known says whether a request comes with a certificate that the server has verified.
func known(r *http.Request) bool { return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 }

// issue answers a certificate request of the agent called name.
func (a *Authority) issue(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil {
		body, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body)), ""))
	}
	var request *x509.CertificateRequest
	if err == nil {
		request, err = x509.ParseCertificateRequest(body)
	}
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid-request", err.Error())
		return
	}
	if name == "" || request.Subject.CommonName != name {
		refuse(w, http.StatusBadRequest, "invalid-request", "the request is for another agent than who asks")
		return
	}
	certificate, err := a.sign(request.PublicKey, name)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "failed", err.Error())
		return
	}
	a.send(w, certificate)
}

func (a *Authority) sign(key any, name string) (*x509.Certificate, error) {
	life := a.Life
	if life <= 0 {
		life = 90 * 24 * time.Hour
	}
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.Certificate, key, a.Key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// send answers with one certificate.
func (a *Authority) send(w http.ResponseWriter, c *x509.Certificate) {
	der, err := transport.MarshalCertificates(c)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "failed", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime; smime-type=certs-only")
	w.Header().Set("Content-Transfer-Encoding", "base64")
	io.WriteString(w, base64.StdEncoding.EncodeToString(der)) // nobody is left to tell if this fails
}
