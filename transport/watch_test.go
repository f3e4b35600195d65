package transport_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// seen is what a link says it has sent.
type seen struct {
	mu  sync.Mutex
	all []transport.Sent
}

func (s *seen) note(one transport.Sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.Body = slices.Clone(one.Body)
	s.all = append(s.all, one)
}

// check fails if a token is anywhere, and returns the bodies sent to a place.
func (s *seen) check(t *testing.T, to string) (bodies []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		body, err := one.Text()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{transporttest.Token.Reveal(), "hunter2"} {
			if strings.Contains(one.To+one.Type+body, secret) {
				t.Errorf("%s shows a secret: %s", one.To, body)
			}
		}
		if one.At.IsZero() || one.Type == "" {
			t.Errorf("%s: at %s, of type %q", one.To, one.At, one.Type)
		}
		if one.To == to {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// What is shown as sent is what arrived, byte for byte, and nothing secret.
func TestWatchHTTPS(t *testing.T) {
	var arrived []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(unpacked)
		if err != nil {
			t.Error(err)
		}
		arrived = append(arrived, string(body))
	}))
	t.Cleanup(server.Close)
	var s seen
	link, err := transport.Dial(transport.Config{
		URL: server.URL + "/events?key=hunter2", Token: transporttest.Token, Agent: transporttest.Agent,
		Customer: transporttest.Customer, Watch: s.note,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	for i := range 3 {
		if _, err := link.Send(t.Context(), transporttest.Batch(1+10*i, 10)); err != nil {
			t.Fatal(err)
		}
	}
	shown := s.check(t, "POST "+server.URL+"/events")
	if len(arrived) != 3 || strings.Join(shown, "\n") != strings.Join(arrived, "\n") {
		t.Errorf("shown\n%s\narrived\n%s", shown, arrived)
	}
}

func TestWatchMQTT(t *testing.T) {
	broker := transporttest.NewBroker(t)
	heard := make(chan string, 10)
	broker.Take(t, "reading", func(payload []byte) { heard <- string(payload) })
	var s seen
	link := transporttest.Dial(t, broker, func(c *transport.Config) { c.Watch = s.note })
	if _, err := link.Send(t.Context(), transporttest.Batch(1, 10)); err != nil {
		t.Fatal(err)
	}
	const topic = "PUBLISH meteragent/v1/" + transporttest.Customer + "/" + transporttest.Agent + "/"
	shown := s.check(t, topic+"reading")
	if len(shown) != 2 || shown[0] != "[]" || shown[0] != <-heard || shown[1] != <-heard {
		t.Errorf("shown, a question and a batch:\n%s", shown)
	}
	if status := s.check(t, topic+"status"); len(status) != 1 {
		t.Errorf("status was shown as %q", status)
	}
}
