package transport

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// webhookLink posts each record by itself, as one CloudEvent in JSON, for receivers that
// know nothing of batches and receipts. It signs as the Standard Webhooks specification
// says, so that receivers find a library for it.
//
// A status of 2xx confirms a record, whatever the body says. What a receiver will never
// take (400, 413, 422) is refused by itself.
type webhookLink struct {
	*httpsLink
	key []byte // "" does not sign

	mu  sync.Mutex
	had map[string]bool // records it has confirmed, of batches of which it has not had all
}

// mostHad bounds what is remembered. To forget is safe: a record comes twice.
const mostHad = 10_000

func newWebhook(l *httpsLink) (Link, error) {
	w := &webhookLink{httpsLink: l, had: map[string]bool{}}
	scheme, _, _ := strings.Cut(l.url, ":")
	w.httpsLink.shown = scheme + "://" + l.host + "/..." // the path is the secret of many
	secret, encoded := strings.CutPrefix(l.config.Secret.Reveal(), "whsec_")
	w.key = []byte(secret)
	if encoded {
		key, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			return nil, errors.New("portal: secret: what follows whsec_ is not base64")
		}
		w.key = key
	}
	return w, nil
}

func (l *webhookLink) Send(ctx context.Context, batch []Message) (Receipt, error) {
	ctx, done := l.join(ctx, l.config.Timeout)
	defer done()
	good, refused := sendable(batch)
	receipt := Receipt{Rejected: refused}
	var err error
	if len(batch) == 0 {
		err = l.ask(ctx)
	}
	for _, m := range good {
		if l.knows(m.ID()) {
			receipt.Accepted++
			continue
		}
		if err = l.one(ctx, m); errors.Is(err, ErrRefused) {
			receipt.Rejected = append(receipt.Rejected, Rejection{m.ID(), refusedBy(err)})
			err = nil
			continue
		}
		if err != nil {
			break
		}
		receipt.Accepted++
		l.note(m.ID())
	}
	if err != nil {
		return Receipt{}, fail(ctx, l.host, err)
	}
	l.forget(batch)
	return receipt, nil
}

// refusedBy is the receiver's reason.
func refusedBy(err error) Problem {
	p := Problem{Title: "refused by the webhook", Detail: err.Error()}
	if e, ok := errors.AsType[*Error](err); ok && e.Problem != (Problem{}) {
		p = e.Problem
	}
	return p
}

// one posts one record.
func (l *webhookLink) one(ctx context.Context, m Message) error {
	body := l.envelope.event(nil, m)
	l.config.watch(Sent{To: "POST " + l.shown, Type: "application/json", Body: body})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", `"`+m.ID()+`"`)
	l.sign(request, m.ID(), body, time.Now())
	return l.answer(request)
}

// ask finds out whether anybody is there who lets us in, without a record.
func (l *webhookLink) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, l.url, nil)
	if err != nil {
		return err
	}
	err = l.answer(request)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrNotPortal) {
		return nil // it answers, and wants a POST
	}
	return err
}

// answer sends a request; nil is a status of 2xx.
func (l *webhookLink) answer(request *http.Request) error {
	if token := l.config.Token.Reveal(); token != "" {
		if name := cmp.Or(l.config.Header, "Authorization"); name == "Authorization" {
			request.Header.Set(name, "Bearer "+token)
		} else {
			request.Header.Set(name, token)
		}
	}
	if l.config.Software != "" {
		request.Header.Set("User-Agent", l.config.Software)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, largestAnswer)) // whatever it says, the status counts
	if response.StatusCode >= 300 {
		return l.refusal(response, said)
	}
	return request.Context().Err() // what came while we hung up is no answer
}

// sign proves who sends and when, so that a receiver can drop what is old or forged.
func (l *webhookLink) sign(request *http.Request, id string, body []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", stamp)
	if len(l.key) == 0 {
		return
	}
	sum := hmac.New(sha256.New, l.key)
	io.WriteString(sum, id+"."+stamp+".") // neither write can fail
	sum.Write(body)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)))
}

func (l *webhookLink) knows(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.had[id]
}

func (l *webhookLink) note(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.had) >= mostHad {
		clear(l.had)
	}
	l.had[id] = true
}

// forget drops what its caller settles now.
func (l *webhookLink) forget(batch []Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range batch {
		delete(l.had, m.ID())
	}
}
