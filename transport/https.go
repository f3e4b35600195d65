package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	largestAnswer    = 1 << 20        // bytes of an HTTP answer or an MQTT receipt
	longestWait      = 24 * time.Hour // what is believed of a Retry-After
	connectTimeout   = 30 * time.Second
	idleTimeout      = 90 * time.Second
	mostInFlight     = 16      // Sends at once whose connections are kept for the next
	zstdWindow       = 1 << 18 // bytes that a packer looks back, and keeps; with 1 << 20 a batch of 100 readings is 1 % smaller
	batchContentType = "application/cloudevents-batch+json"
)

// httpsLink posts batches. HTTP/1.1 is enough; a portal that offers HTTP/2 gets all batches
// over one connection.
type httpsLink struct {
	lifetime
	config   Config
	url      string
	shown    string // the URL without what may be secret
	host     string
	envelope envelope
	client   *http.Client
	packing  chan struct{} // holds one for each batch that is being packed
	packers  sync.Pool     // of *packer: nobody uses them now, and while nothing is sent they go

	coding atomic.Value // string: how bodies are packed; see the codings
}

// The codings of a body, by their names in HTTP. It is gzip to begin with; zstd, which takes an
// eighth of the time and half of the bytes, once the portal has named it in an
// Accept-Encoding (RFC 7694); and none for a webhook, which may understand neither, and for
// a portal that has said 415.
const (
	codedZstd = "zstd"
	codedGzip = "gzip"
	codedNot  = "identity"
)

// A packer packs one body after the other. It is large.
type packer struct {
	writer interface {
		io.WriteCloser
		Reset(io.Writer)
	}
	coding string
}

func newPacker(coding string) (p *packer, err error) {
	p = &packer{coding: coding}
	if coding == codedZstd {
		p.writer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		return p, err // it has only its options to complain about
	}
	p.writer = gzip.NewWriter(nil)
	return p, nil
}

func newHTTPS(c Config, target *url.URL, security *tls.Config) *httpsLink {
	l := &httpsLink{
		lifetime: newLifetime(),
		config:   c,
		url:      target.String(),
		shown:    bare(target),
		host:     target.Host,
		envelope: newEnvelope(c.Agent, c.Customer),
		packing:  make(chan struct{}, min(2, runtime.GOMAXPROCS(0))),
		client: &http.Client{
			Transport: &http.Transport{
				Proxy:                  c.ProxyFor,
				DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
				TLSClientConfig:        security,
				TLSHandshakeTimeout:    connectTimeout,
				MaxIdleConnsPerHost:    mostInFlight,
				IdleConnTimeout:        idleTimeout,
				MaxResponseHeaderBytes: 64 << 10,
				OnProxyConnectResponse: proxyAnswer,
				ForceAttemptHTTP2:      true, // which a dialer and TLS settings of our own would switch off
			},
			CheckRedirect: redirect,
		},
	}
	l.coding.Store(codedGzip)
	if c.Receipts == ReceiptsStatus {
		l.coding.Store(codedNot)
	}
	return l
}

// redirect follows a portal that moved a path on its own host, and nothing else: the
// token and the readings are not for anybody else, and a POST that became a GET
// delivers nothing.
func redirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || r.Method != first.Method || r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

func (l *httpsLink) Close() error {
	l.close()
	l.client.CloseIdleConnections()
	return nil
}

func (l *httpsLink) Send(ctx context.Context, batch []Message) (Receipt, error) {
	ctx, done := l.join(ctx, l.config.Timeout)
	defer done()
	receipt, err := l.deliver(ctx, batch)
	if err != nil {
		return Receipt{}, fail(ctx, l.host, err)
	}
	return receipt, nil
}

func (l *httpsLink) deliver(ctx context.Context, batch []Message) (Receipt, error) {
	good, refused := sendable(batch)
	if len(good) == 0 && len(refused) > 0 {
		return Receipt{Rejected: refused}, nil
	}
	coding := l.coding.Load().(string)
	response, err := l.post(ctx, good, coding)
	if err == nil && response.StatusCode == http.StatusUnsupportedMediaType && coding != codedNot {
		l.coding.Store(codedNot)
		response.Body.Close()
		response, err = l.post(ctx, good, codedNot)
	}
	if err != nil {
		return Receipt{}, err
	}
	defer response.Body.Close()
	if response.StatusCode < 300 && offers(response.Header, codedZstd) {
		l.coding.CompareAndSwap(codedGzip, codedZstd)
	}
	receipt, err := l.judge(ctx, response, good)
	receipt.Rejected = append(receipt.Rejected, refused...)
	return receipt, err
}

// offers says whether an Accept-Encoding names a coding, and does not forbid it.
func offers(h http.Header, coding string) bool {
	for _, line := range h.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(name), coding) && strings.TrimRight(strings.TrimSpace(weight), "0.") != "q=" {
				return true
			}
		}
	}
	return false
}

// pack returns a batch as it is sent, and a key that is the same whenever its bytes are.
func (l *httpsLink) pack(batch []Message, coding string) (body []byte, key string, err error) {
	var packed bytes.Buffer
	sum := sha256.New()
	if coding == codedNot {
		err = l.envelope.write(io.MultiWriter(sum, &packed), batch)
		return packed.Bytes(), hex.EncodeToString(sum.Sum(nil)[:16]), err
	}
	l.packing <- struct{}{}
	defer func() { <-l.packing }()
	p, err := l.packer(coding)
	if err != nil {
		return nil, "", err
	}
	p.writer.Reset(&packed)
	err = errors.Join(l.envelope.write(io.MultiWriter(sum, p.writer), batch), p.writer.Close())
	l.packers.Put(p)
	return packed.Bytes(), hex.EncodeToString(sum.Sum(nil)[:16]), err
}

// packer returns one that was used before, or else a new one.
func (l *httpsLink) packer(coding string) (*packer, error) {
	if p, ok := l.packers.Get().(*packer); ok && p.coding == coding {
		return p, nil
	}
	return newPacker(coding)
}

// post sends one batch.
func (l *httpsLink) post(ctx context.Context, batch []Message, coding string) (*http.Response, error) {
	body, key, err := l.pack(batch, coding)
	if err != nil {
		return nil, err
	}
	l.config.watch(Sent{To: "POST " + l.shown, Type: batchContentType, Body: body, Coding: coding})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", batchContentType)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Idempotency-Key", `"`+key+`"`)
	if coding != codedNot {
		request.Header.Set("Content-Encoding", coding)
	}
	if l.config.Token != "" {
		request.Header.Set("Authorization", "Bearer "+l.config.Token.Reveal())
	}
	if l.config.Software != "" {
		request.Header.Set("User-Agent", l.config.Software)
	}
	return l.client.Do(request)
}

// judge says what an answer means for the batch.
func (l *httpsLink) judge(ctx context.Context, r *http.Response, batch []Message) (Receipt, error) {
	said, err := io.ReadAll(io.LimitReader(r.Body, largestAnswer+1))
	if err == nil {
		// A server that notices that we hang up may end its answer in good order while the
		// connection closes. What came by then is no answer, least of all an empty one.
		err = ctx.Err()
	}
	switch {
	case r.StatusCode >= 300:
		return Receipt{}, l.refusal(r, said)
	case l.config.Receipts == ReceiptsStatus:
		return Receipt{Accepted: len(batch)}, nil
	case err != nil:
		return Receipt{}, err
	case len(said) > largestAnswer:
		return Receipt{}, notPortal(r, fmt.Errorf("with more than %d bytes", largestAnswer))
	case len(bytes.TrimSpace(said)) == 0:
		return Receipt{Accepted: len(batch)}, nil
	}
	a, err := decodeAnswer(said)
	if err == nil && a.Results == nil {
		err = errors.New("answer has no results")
	}
	if err != nil {
		return Receipt{}, notPortal(r, err)
	}
	receipt, err := a.settle(batch)
	if err != nil {
		return Receipt{}, notPortal(r, err)
	}
	return receipt, nil
}

// refusal makes the error of an answer that is not 2xx.
func (l *httpsLink) refusal(r *http.Response, said []byte) error {
	e := &Error{Status: r.StatusCode, Cause: fmt.Errorf("it answers %s", status(r)), Wait: retryAfter(r.Header)}
	switch r.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.Kind = ErrRefused
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			e.Kind = webServer(said)
		}
	case http.StatusRequestEntityTooLarge:
		e.Kind = ErrRefused
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind = ErrUnauthorized
	case http.StatusProxyAuthRequired:
		e.Kind = ErrProxy
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		e.Kind = ErrNotPortal
	}
	if r.StatusCode < 400 {
		e.Kind = ErrNotPortal
		if to, err := r.Location(); err == nil {
			e.Cause = fmt.Errorf("it answers %s, to %s", status(r), to.Host)
		}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(said, &e.Problem) != nil {
		e.Problem = Problem{} // half of a problem explains nothing
	}
	if token := l.config.Token.Reveal(); token != "" {
		e.Problem.Title = strings.ReplaceAll(e.Problem.Title, token, "(secret)")
		e.Problem.Detail = strings.ReplaceAll(e.Problem.Detail, token, "(secret)")
	}
	return e
}

// webServer says what a 400 with a page means. It is no portal's word on records, but
// a web server's in front of it: nginx answers so when it misses a client certificate.
func webServer(page []byte) error {
	if bytes.Contains(page, []byte("SSL certificate")) {
		return ErrUnauthorized
	}
	return ErrNotPortal
}

// notPortal makes the error of a 2xx that does not follow the contract.
func notPortal(r *http.Response, cause error) error {
	kind := Problem{Title: r.Header.Get("Content-Type")}.line()
	return &Error{Kind: ErrNotPortal, Status: r.StatusCode, Cause: fmt.Errorf("it answers %s, %q: %w", status(r), kind, cause)}
}

// status returns "404 Not Found" in our own words: the answer's may be anything.
func status(r *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(r.StatusCode) + " " + http.StatusText(r.StatusCode))
}

// retryAfter reads Retry-After, in seconds or as a date. A date counts from the
// answer's own Date, since this machine's clock may be wrong.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(longestWait/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, min(until.Sub(now), longestWait))
}
