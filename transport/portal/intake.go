package portal

import (
	"compress/gzip"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"meteragent/transport"
)

// retryAfterDown is what a portal that is down asks for, in seconds.
const retryAfterDown = "5"

// codings are what a body may be packed with; agents look for zstd in it.
const codings = "zstd, gzip"

// post answers POST /events.
func (p *Portal) post(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		w.Header().Set("Retry-After", retryAfterDown)
		refuse(w, http.StatusServiceUnavailable, "down", "the portal is down for a while")
		return
	}
	if !p.admits(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "unauthorized", "the token is missing or unknown")
		return
	}
	body, status, err := unpack(w, r)
	if err != nil {
		refuse(w, status, "unreadable", err.Error())
		return
	}
	events, err := decode(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid-batch", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Accept-Encoding", codings)
	json.NewEncoder(w).Encode(p.take(events, "https")) // nobody is left to tell if this fails; the agent sends again
}

func (p *Portal) admits(r *http.Request) bool {
	want := p.options.Token.Reveal()
	got, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if p.options.Authority != nil && known(r) {
		return true
	}
	return want == "" && p.options.Authority == nil || want != "" && bearer && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// unpack reads the body of a request, bounded before and after unpacking, or returns
// the status that says why not.
func unpack(w http.ResponseWriter, r *http.Request) ([]byte, int, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/cloudevents-batch+json" {
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Type is %q; it must be application/cloudevents-batch+json", kind)
	}
	if r.Header.Get("Idempotency-Key") == "" {
		return nil, http.StatusBadRequest, fmt.Errorf("Idempotency-Key is missing")
	}
	var packed io.Reader = http.MaxBytesReader(w, r.Body, largestBatch)
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			return nil, http.StatusBadRequest, fmt.Errorf("body is not gzip: %w", err)
		}
		packed = unpacked
	case "zstd":
		unpacked, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*largestBatch))
		if err != nil {
			return nil, http.StatusBadRequest, fmt.Errorf("body is not zstd: %w", err)
		}
		defer unpacked.Close()
		packed = unpacked
	default:
		w.Header().Set("Accept-Encoding", codings)
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding %q is not understood", coding)
	}
	body, err := io.ReadAll(io.LimitReader(packed, largestBatch+1))
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("body breaks off: %w", err)
	}
	if len(body) > largestBatch {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("batch is over %d bytes", largestBatch)
	}
	return body, 0, nil
}

// refuse answers with a problem (RFC 9457).
func refuse(w http.ResponseWriter, status int, name, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(transport.Problem{Type: problems + name, Title: http.StatusText(status), Status: status, Detail: detail})
}
