package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		fault  transporttest.Fault
		is     error // nil: an error without a name, to try again after
		status int
		wait   time.Duration
	}{
		{transporttest.BadRequest, transport.ErrRefused, 400, 0},
		{transporttest.TooLarge, transport.ErrRefused, 413, 0},
		{transporttest.Unprocessable, transport.ErrRefused, 422, 0},
		{transporttest.Unauthorized, transport.ErrUnauthorized, 401, 0},
		{transporttest.Forbidden, transport.ErrUnauthorized, 403, 0},
		{transporttest.NoCertificate, transport.ErrUnauthorized, 400, 0},
		{transporttest.PlainPage, transport.ErrNotPortal, 400, 0},
		{transporttest.NotFound, transport.ErrNotPortal, 404, 0},
		{transporttest.Moved, transport.ErrNotPortal, 302, 0},
		{transporttest.CaptivePortal, transport.ErrNotPortal, 200, 0},
		{transporttest.OtherJSON, transport.ErrNotPortal, 200, 0},
		{transporttest.OtherRecords, transport.ErrNotPortal, 200, 0},
		{transporttest.Garbage, transport.ErrNotPortal, 200, 0},
		{transporttest.Endless, transport.ErrNotPortal, 200, 0},
		{transporttest.ServerError, nil, 500, 0},
		{transporttest.RetryLater, nil, 503, 2 * time.Minute},
		{transporttest.TooMany, nil, 429, time.Minute},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			server := transporttest.NewServer(t)
			server.Fail(c.fault, 1)
			link := transporttest.Dial(t, server, nil)
			receipt, err := link.Send(t.Context(), transporttest.Batch(1, 2))
			failure, ok := errors.AsType[*transport.Error](err)
			if !ok {
				t.Fatalf("got %v and error %v", receipt, err)
			}
			if failure.Kind != c.is || failure.Status != c.status {
				t.Errorf("got kind %v, status %d; want %v, %d", failure.Kind, failure.Status, c.is, c.status)
			}
			if wait, asked := transport.RetryAfter(err); wait != c.wait || asked != (c.wait > 0) {
				t.Errorf("retry after: got %v, %v; want %v", wait, asked, c.wait)
			}
			if strings.Contains(err.Error(), transporttest.Token.Reveal()) {
				t.Errorf("error tells the token: %v", err)
			}
			receipt, err = link.Send(t.Context(), transporttest.Batch(1, 2))
			if err != nil || receipt.Accepted != 2 {
				t.Errorf("the next try: got %v, %v", receipt, err)
			}
		})
	}
}

func TestAnswerThatBreaksOff(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.Stuck, 1)
	link := transporttest.Dial(t, server, func(c *transport.Config) { c.Timeout = 300 * time.Millisecond })
	_, err := link.Send(t.Context(), transporttest.Batch(1, 1))
	if !errors.Is(err, transport.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v", err)
	}
}

func TestEmptyAnswerAcceptsAll(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.Empty, 1)
	receipt, err := transporttest.Dial(t, server, nil).Send(t.Context(), transporttest.Batch(1, 3))
	if err != nil || receipt.Accepted != 3 {
		t.Errorf("got %v, %v", receipt, err)
	}
}

func TestRejectAll(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.RejectAll, 1)
	receipt, err := transporttest.Dial(t, server, nil).Send(t.Context(), transporttest.Batch(1, 3))
	if err != nil || receipt.Accepted != 0 || len(receipt.Rejected) != 3 || receipt.Rejected[2].Problem.Title == "" {
		t.Errorf("got %v, %v", receipt, err)
	}
}

// A webhook that answers with a page of its own is a receiver, if the configuration
// says so.
func TestWebhook(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.OtherJSON, 1)
	server.Fail(transporttest.ServerError, 1)
	link := transporttest.Dial(t, server, func(c *transport.Config) { c.Receipts = transport.ReceiptsStatus })
	receipt, err := link.Send(t.Context(), transporttest.Batch(1, 3))
	if err != nil || receipt.Accepted != 3 {
		t.Errorf("got %v, %v", receipt, err)
	}
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 3)); err == nil {
		t.Error("500: got no error")
	}
	if coding := server.Requests()[0].Header.Get("Content-Encoding"); coding != "" {
		t.Errorf("got Content-Encoding %q; a webhook may not know it", coding)
	}
}

func TestPlainAfter415(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.NoGzip, 1)
	link := transporttest.Dial(t, server, nil)
	for i := range 2 {
		if receipt, err := link.Send(t.Context(), transporttest.Batch(1+i, 1)); err != nil || receipt.Accepted != 1 {
			t.Errorf("got %v, %v", receipt, err)
		}
	}
	var codings []string
	for _, r := range server.Requests() {
		codings = append(codings, r.Header.Get("Content-Encoding"))
	}
	if diff := cmp.Diff([]string{"gzip", "", ""}, codings); diff != "" {
		t.Errorf("Content-Encoding (-want +got):\n%s", diff)
	}
}

// It says so to each of the batches that are on the way, and none of them fails.
func TestPlainAfter415Twice(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Header.Get("Content-Encoding") == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		both.Done()
		both.Wait()
		w.WriteHeader(http.StatusUnsupportedMediaType)
	}))
	defer server.Close()
	link, err := transport.Dial(transport.Config{URL: server.URL, Agent: transporttest.Agent})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	var sends sync.WaitGroup
	for range 2 {
		sends.Go(func() {
			if _, err := link.Send(t.Context(), transporttest.Batch(1, 3)); err != nil {
				t.Error(err)
			}
		})
	}
	sends.Wait()
}

// A portal that names zstd gets it from the next batch on; one that forbids it does not.
func TestZstd(t *testing.T) {
	server := transporttest.NewServer(t)
	server.Fail(transporttest.Empty, 1) // names nothing
	link := transporttest.Dial(t, server, nil)
	for i := range 4 {
		if _, err := link.Send(t.Context(), transporttest.Batch(1+i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	var codings []string
	for _, r := range server.Requests() {
		codings = append(codings, r.Header.Get("Content-Encoding"))
	}
	if diff := cmp.Diff([]string{"gzip", "gzip", "zstd", "zstd"}, codings); diff != "" {
		t.Errorf("Content-Encoding (-want +got):\n%s", diff)
	}
	if n := server.Portal().Counts().Received; n != 3 {
		t.Errorf("the portal has %d records, want 3", n)
	}
}

func TestRequest(t *testing.T) {
	server := transporttest.NewServer(t)
	link := transporttest.Dial(t, server, nil)
	for _, batch := range [][]transport.Message{transporttest.Batch(1, 2), transporttest.Batch(1, 2), transporttest.Batch(1, 1)} {
		if _, err := link.Send(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	requests := server.Requests()
	first := requests[0]
	for name, want := range map[string]string{
		"Authorization":    "Bearer " + transporttest.Token.Reveal(),
		"Content-Type":     "application/cloudevents-batch+json",
		"Content-Encoding": "gzip",
		"User-Agent":       "meteragent/test",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	key := func(i int) string { return requests[i].Header.Get("Idempotency-Key") }
	if key(0) == "" || key(0) != key(1) || key(0) == key(2) {
		t.Errorf("Idempotency-Key: got %s, %s for the same batch and %s for another", key(0), key(1), key(2))
	}
}

// The token goes to the portal's own host only.
func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		fault transporttest.Fault
		times int
		to    string // named in the error; "" if it is followed
	}{
		{transporttest.MovedHere, 1, ""},
		{transporttest.MovedHere, 3, ""},
		{transporttest.MovedHere, 9, "127.0.0.1"},
		{transporttest.MovedToGet, 1, "127.0.0.1"}, // a GET delivers nothing
		{transporttest.Moved, 1, "login.example.net"},
		{transporttest.MovedAway, 1, "login.example.net"},
		{transporttest.MovedPlain, 1, "127.0.0.1"},
	} {
		t.Run(fmt.Sprintf("%s, %d times", c.fault, c.times), func(t *testing.T) {
			server := transporttest.NewServer(t)
			server.Fail(c.fault, c.times)
			receipt, err := transporttest.Dial(t, server, nil).Send(t.Context(), transporttest.Batch(1, 1))
			if c.to == "" && (err != nil || receipt.Accepted != 1) {
				t.Errorf("got %v, %v", receipt, err)
			}
			if c.to != "" && (!errors.Is(err, transport.ErrNotPortal) || !strings.Contains(err.Error(), c.to) || strings.Contains(err.Error(), "from=")) {
				t.Errorf("got error %v", err)
			}
			for _, r := range server.Requests() {
				if r.Method != "POST" {
					t.Errorf("got a %s", r.Method)
				}
			}
		})
	}
}

// A trusted certificate with another key is not the portal's: a firewall opens the
// connection.
func TestPin(t *testing.T) {
	server := transporttest.NewServer(t)
	dial := func(pin string) transport.Link {
		return transporttest.Dial(t, server, func(c *transport.Config) { c.Pin = pin })
	}
	_, err := dial("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").Send(t.Context(), nil)
	if !errors.Is(err, transport.ErrPin) || !strings.Contains(err.Error(), "issued by CN=test authority") {
		t.Fatalf("got error %v", err)
	}
	own := regexp.MustCompile(`sha256/[^ ,]*`).FindString(err.Error())
	for name, pin := range map[string]string{
		"own": own, "one of several": "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= " + own, "of the authority": server.Authority.Pin(),
	} {
		if _, err := dial(pin).Send(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a technician can mend has a name, over HTTPS and MQTT alike.
func TestCauses(t *testing.T) {
	authority := transporttest.NewAuthority(t)
	hour := time.Hour
	closed := listen(t)
	closed.Close()
	plain := listen(t)
	go greet(plain)

	for _, scheme := range []string{"https", "mqtts", "wss"} {
		tls := func(name string, until time.Duration) string {
			return transporttest.StartServer(t, authority, authority.ServerFor(name, time.Now().Add(until))).Address()
		}
		for _, c := range []struct {
			name, address, ca string
			want              error
		}{
			{"unknown authority", tls("127.0.0.1", hour), "", transport.ErrUnknownAuthority},
			{"another host", tls("portal.example.com", hour), authority.File, transport.ErrWrongHost},
			{"expired", tls("127.0.0.1", -hour), authority.File, transport.ErrExpired},
			{"not yet valid", tls("127.0.0.1", 10*hour), authority.File, transport.ErrExpired},
			{"not TLS", plain.Addr().String(), authority.File, transport.ErrNotTLS},
			{"nobody listens", closed.Addr().String(), authority.File, transport.ErrConnectionRefused},
		} {
			t.Run(scheme+" "+c.name, func(t *testing.T) {
				link, err := transport.Dial(transport.Config{
					URL: scheme + "://" + c.address + "/events?key=hunter2", CAFile: c.ca,
					Agent: transporttest.Agent, Customer: transporttest.Customer,
				})
				if err != nil {
					t.Fatal(err)
				}
				defer link.Close()
				_, err = link.Send(t.Context(), transporttest.Batch(1, 1))
				if c.want == transport.ErrUnknownAuthority && !strings.Contains(err.Error(), "issued by CN=test authority") {
					t.Errorf("got error %v, want it to name who opens the connection", err)
				}
				if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), c.address+": ") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got error %v, want %v of %s", err, c.want, c.address)
				}
			})
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// greet is a server that speaks first, in plain text.
func greet(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		c.Write([]byte("220 mail.example.com ready\r\n"))
	}
}
