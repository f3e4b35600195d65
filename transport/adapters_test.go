package transport_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// A receiver is a web server that is no portal: answer says what it does with the nth
// request, from 0.
type receiver struct {
	*httptest.Server
	answer func(n int, w http.ResponseWriter)
	got    []*http.Request
	bodies []string
}

func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.got, r.bodies = append(r.got, request), append(r.bodies, string(body))
		r.answer(len(r.got)-1, w)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) dial(t *testing.T, c transport.Config) transport.Link {
	t.Helper()
	c.URL, c.Agent, c.Software = r.URL+"/hook", transporttest.Agent, "meteragent/test"
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// A webhook gets each record by itself, signed, and its status confirms. What it had of a
// batch is not sent again when the rest is.
func TestWebhookKind(t *testing.T) {
	const key = "a key of the test"
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusUnprocessableEntity)
		case 3:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			io.WriteString(w, "<html>thank you</html>")
		}
	})
	link := r.dial(t, transport.Config{
		Kind: transport.KindWebhook, Customer: "1", Token: transporttest.Token, Header: "X-Api-Key",
		Secret: transport.Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte(key))),
	})
	batch := transporttest.Batch(1, 5)
	_, err := link.Send(t.Context(), batch)
	if wait, _ := transport.RetryAfter(err); wait.Seconds() != 7 || len(r.got) != 4 {
		t.Fatalf("error %v after %d requests", err, len(r.got))
	}
	receipt, err := link.Send(t.Context(), batch)
	if err != nil || receipt.Accepted != 5 || len(receipt.Rejected) != 0 {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	var ids []string
	for i, request := range r.got {
		var e event.Event
		if err := json.Unmarshal([]byte(r.bodies[i]), &e); err != nil || e.Validate() != nil {
			t.Errorf("body %d is no CloudEvent: %v, %v", i, err, e.Validate())
		}
		ids = append(ids, e.ID())
		h := request.Header
		sum := hmac.New(sha256.New, []byte(key))
		fmt.Fprintf(sum, "%s.%s.%s", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), r.bodies[i])
		if want := "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil)); h.Get("Webhook-Signature") != want || h.Get("Webhook-Id") != e.ID() {
			t.Errorf("signature %q of %q, want %q", h.Get("Webhook-Signature"), h.Get("Webhook-Id"), want)
		}
		if h.Get("X-Api-Key") != transporttest.Token.Reveal() || h.Get("Authorization") != "" || h.Get("Content-Type") != "application/json" {
			t.Errorf("headers are %v", h)
		}
	}
	var want []string
	for _, i := range []int{0, 1, 2, 3, 1, 3, 4} { // 1 was refused, and asked once more with the rest
		want = append(want, batch[i].ID())
	}
	if !slices.Equal(ids, want) {
		t.Errorf("sent %v, want %v", ids, want)
	}
}

// What a webhook refuses is refused by itself, and nobody but it confirms.
func TestWebhookRefuses(t *testing.T) {
	for status, want := range map[int]error{400: nil, 413: nil, 422: nil, 401: transport.ErrUnauthorized, 404: transport.ErrNotPortal, 302: transport.ErrNotPortal} {
		r := newReceiver(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(status) })
		receipt, err := r.dial(t, transport.Config{Kind: transport.KindWebhook}).Send(t.Context(), transporttest.Batch(1, 2))
		if !errors.Is(err, want) || want == nil && len(receipt.Rejected) != 2 {
			t.Errorf("%d: receipt %+v, error %v", status, receipt, err)
		}
	}
}

// GLPI gets one inventory for each device, in its own format.
func TestGLPI(t *testing.T) {
	r := newReceiver(t, func(_ int, w http.ResponseWriter) { io.WriteString(w, `{"status":"ok","expiration":24}`) })
	link := r.dial(t, transport.Config{Kind: transport.KindGLPI, Tag: "Wien", User: "agent", Token: transporttest.Token})
	partial := transporttest.Reading(9, "ABC12345", 123_999) // between two full ones
	other := transporttest.Reading(8, "XYZ 1", 7)
	batch := []transport.Message{
		transporttest.Record(t, "bulk", 1, "reading"), transporttest.Record(t, "urgent", 1, "order"), other, partial,
	}
	receipt, err := link.Send(t.Context(), batch)
	if err != nil || receipt.Accepted != 4 || len(r.bodies) != 2 {
		t.Fatalf("receipt %+v, %v, bodies %v", receipt, err, r.bodies)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("testdata/glpi/printer.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range r.bodies {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		h := r.got[i].Header
		user, password, _ := r.got[i].BasicAuth()
		if h.Get("Glpi-Agent-Id") != transporttest.Agent || user != "agent" || password != transporttest.Token.Reveal() {
			t.Errorf("headers are %v", h)
		}
	}
	golden, err := os.ReadFile("testdata/glpi/printer.json")
	if err != nil || strings.TrimSpace(string(golden)) != r.bodies[0] {
		t.Errorf("inventory is\n%s\nwant\n%s (%v)", r.bodies[0], golden, err)
	}
}

// Only GLPI's own "ok" confirms.
func TestGLPISays(t *testing.T) {
	reading := []transport.Message{transporttest.Record(t, "bulk", 1, "reading")}
	for name, a := range map[string]struct {
		status   int
		said     string
		want     error
		rejected int
		later    bool
	}{
		"ok":         {200, `{"status":"ok"}`, nil, 0, false},
		"bad format": {200, `{"status":"error","message":"bad-format","expiration":24}`, nil, 1, false},
		"400":        {400, `{"status":"error","message":"JSON does not validate"}`, nil, 1, false},
		"busy":       {200, `{"status":"error","message":"busy server","expiration":1}`, nil, 0, true},
		"pending":    {202, `{"status":"pending"}`, nil, 0, true},
		"login page": {200, `<html>log in</html>`, transport.ErrNotPortal, 0, false},
		"empty":      {200, ``, transport.ErrNotPortal, 0, false},
		"401":        {401, `{"status":"error","message":"authorization"}`, transport.ErrUnauthorized, 0, false},
		"500":        {500, `oops`, nil, 0, true},
	} {
		r := newReceiver(t, func(_ int, w http.ResponseWriter) {
			w.WriteHeader(a.status)
			io.WriteString(w, a.said)
		})
		receipt, err := r.dial(t, transport.Config{Kind: transport.KindGLPI}).Send(t.Context(), reading)
		if a.want != nil && !errors.Is(err, a.want) || len(receipt.Rejected) != a.rejected || (err != nil) != (a.later || a.want != nil) {
			t.Errorf("%s: receipt %+v, error %v", name, receipt, err)
		}
	}
}

// Home Assistant finds every counter and supply described and with its value, both kept
// by the broker; also by a broker that has forgotten everything.
func TestHomeAssistant(t *testing.T) {
	broker := transporttest.NewBroker(t)
	broker.Let(transporttest.Agent, "")
	link := transporttest.Dial(t, broker, func(c *transport.Config) {
		c.Kind, c.Software = transport.KindHomeAssistant, "meteragent/1.2.0"
	})
	const base = "meteragent/home/" + transporttest.Agent + "/"
	send := func(batch ...transport.Message) {
		t.Helper()
		if receipt, err := link.Send(t.Context(), batch); err != nil || receipt.Accepted != len(batch) {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
	}
	send(transporttest.Record(t, "bulk", 1, "reading"), transporttest.Record(t, "urgent", 1, "order"))
	send(transporttest.Reading(2, "ABC12345", 123_999))
	check := func() {
		t.Helper()
		kept := broker.Retained()
		for topic, want := range map[string]string{
			base + "status": `{"status":"online","software":"meteragent/1.2.0"}`,
			base + "ABC12345/meter_systemTotals_impressions_total": "123999",
			base + "ABC12345/supply_1_1":                           "38",
			base + "ABC12345/problem":                              "OFF",
			base + "ABC12345/printer_status":                       "idle",
			base + "ABC12345/last_reading":                         "2026-11-30T17:02:00Z",
		} {
			if kept[topic] != want {
				t.Errorf("%s is %q, want %q", topic, kept[topic], want)
			}
		}
		ids := map[string]bool{}
		for topic, text := range kept {
			if !strings.HasPrefix(topic, "homeassistant/") {
				continue
			}
			var about struct {
				Unique       string `json:"unique_id"`
				State        string `json:"state_topic"`
				Availability string `json:"availability_topic"`
				Class        string `json:"device_class"`
				Device       struct{ Identifiers []string }
			}
			if err := json.Unmarshal([]byte(text), &about); err != nil {
				t.Fatal(err)
			}
			if ids[about.Unique] || kept[about.State] == "" || about.Availability != base+"status" || about.Device.Identifiers[0] != "meteragent_ABC12345" {
				t.Errorf("%s describes %+v", topic, about)
			}
			ids[about.Unique] = true
		}
		if len(ids) != 10 {
			t.Errorf("%d components are described: %v", len(ids), ids)
		}
	}
	check()
	broker.Forget()
	broker.Restart()
	for { // the first sends find that the connection is gone
		if _, err := link.Send(t.Context(), []transport.Message{transporttest.Reading(2, "ABC12345", 123_999)}); err == nil {
			break
		}
	}
	check()
	link.Close()
	if got := broker.Retained()[base+"status"]; !strings.Contains(got, "offline") {
		t.Errorf("status at the end is %s", got)
	}
}

// What comes once more after something newer changes nothing.
func TestHomeAssistantOlder(t *testing.T) {
	broker := transporttest.NewBroker(t)
	broker.Let(transporttest.Agent, "")
	link := transporttest.Dial(t, broker, func(c *transport.Config) { c.Kind = transport.KindHomeAssistant })
	for _, m := range []transport.Message{transporttest.Reading(2, "ABC12345", 124_000), transporttest.Reading(1, "ABC12345", 123_000)} {
		if _, err := link.Send(t.Context(), []transport.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	for topic, value := range broker.Retained() {
		if value == "123000" {
			t.Errorf("%s went back to %s", topic, value)
		}
	}
}

// A broker that acknowledges what it drops confirms nothing.
func TestHomeAssistantProof(t *testing.T) {
	broker := transporttest.NewBroker(t)
	broker.Let(transporttest.Agent, "")
	broker.Limit(1000)
	link := transporttest.Dial(t, broker, func(c *transport.Config) { c.Kind, c.Timeout = transport.KindHomeAssistant, time.Second })
	if _, err := link.Send(t.Context(), []transport.Message{transporttest.Record(t, "bulk", 1, "reading")}); !errors.Is(err, transport.ErrUnproved) {
		t.Errorf("error is %v", err)
	}
}
