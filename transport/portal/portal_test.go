package portal_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/transport/portal"
)

const agent = "urn:uuid:5d3c9ab4-6f0e-4c1b-9a57-0d5b7c1f2e10"

// event returns a reading as it arrives; change may spoil it.
func event(seq int, total int, change func(map[string]any)) map[string]any {
	e := map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("7f3a-bulk-%d", seq), "source": agent, "type": "meteragent.reading.v1",
		"subject": "ABC12345", "partitionkey": "ABC12345", "time": "2026-11-30T17:00:00Z",
		"sequence": fmt.Sprintf("%020d", seq), "customer": "1234567", "datacontenttype": "application/json",
		"data": map[string]any{
			"device":  map[string]any{"id": "ABC12345", "manufacturer": "Canon", "model": "iR-ADV C5535"},
			"takenAt": fmt.Sprintf("2026-11-30T17:%02d:00Z", seq%60),
			"meters": []any{
				map[string]any{"name": "systemTotals.impressions.total", "value": total + 7, "quality": "disputed"},
				map[string]any{"name": "systemTotals.impressions.total", "value": total, "primary": true},
			},
		},
	}
	if change != nil {
		change(e)
	}
	return e
}

type answer struct {
	Results []struct {
		ID, Status string
		Problem    struct {
			Type, Title, Detail string
			Status              int
			LastValue           *int64
		}
	}
	Orders []struct{ ID, State string }
	Type   string // of a refusal
	Detail string
}

// post sends events as an agent does, and returns what the portal says.
func post(t *testing.T, p *portal.Portal, events ...any) (int, answer) {
	t.Helper()
	body, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	return postBody(t, p, body, nil)
}

func postBody(t *testing.T, p *portal.Portal, body []byte, change func(*http.Request)) (int, answer) {
	t.Helper()
	r := httptest.NewRequest("POST", "/events", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/cloudevents-batch+json; charset=utf-8")
	r.Header.Set("Idempotency-Key", `"1"`)
	r.Header.Set("Authorization", "Bearer hunter2")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, a
}

func get(t *testing.T, p *portal.Portal, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Result()
}

func statuses(a answer) string {
	var all []string
	for _, r := range a.Results {
		all = append(all, r.Status)
	}
	return strings.Join(all, " ")
}

func TestContract(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(e map[string]any) { e[name] = value }
	}
	drop := func(name string) func(map[string]any) { return func(e map[string]any) { delete(e, name) } }
	for _, c := range []struct {
		name    string
		change  func(map[string]any)
		problem string // "" if it is to be accepted
	}{
		{"as it should be", nil, ""},
		{"no customer", drop("customer"), ""},
		{"a member of a later version", set("traceparent", "00-1"), ""},
		{"kinds without a device", func(e map[string]any) {
			e["type"] = "meteragent.agent.v1"
			delete(e, "subject")
			delete(e, "partitionkey")
		}, ""},
		{"specversion", set("specversion", "0.3"), "invalid-record"},
		{"type", set("type", "meteragent.reading.v2"), "unknown-type"},
		{"type of somebody else", set("type", "com.example.reading"), "unknown-type"},
		{"sequence", set("sequence", "00000000000000000099"), "invalid-record"},
		{"sequence as number", set("sequence", 1), "invalid-record"},
		{"sequence without zeros", set("sequence", "1"), "invalid-record"},
		{"time", drop("time"), "invalid-record"},
		{"time as text", set("time", "yesterday"), "invalid-record"},
		{"subject", drop("subject"), "invalid-record"},
		{"partitionkey", set("partitionkey", "XYZ"), "invalid-record"},
		{"datacontenttype", set("datacontenttype", "text/plain"), "invalid-record"},
		{"data", drop("data"), "invalid-record"},
		{"data as text", set("data", "{}"), "invalid-record"},
		{"data as list", set("data", []int{1}), "invalid-record"},
		{"reading without a time", set("data", map[string]any{}), "invalid-record"},
		{"reading with a fraction", set("data", map[string]any{"takenAt": "2026-11-30T17:00:00Z", "meters": []any{map[string]any{"value": 1.5}}}), "invalid-record"},
		{"order without an id", func(e map[string]any) {
			e["type"] = "meteragent.order.v1"
			e["data"] = map[string]any{}
		}, "invalid-record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := portal.New(portal.Options{})
			status, a := post(t, p, event(1, 100, c.change), event(2, 200, nil))
			if status != 200 || len(a.Results) != 2 || a.Results[1].Status != "accepted" {
				t.Fatalf("got %d, %+v", status, a)
			}
			got := a.Results[0]
			if c.problem == "" {
				if got.Status != "accepted" {
					t.Errorf("got %+v, want it accepted", got)
				}
				return
			}
			if got.Status != "rejected" || !strings.HasSuffix(got.Problem.Type, "/"+c.problem) || got.Problem.Title == "" || got.Problem.Status != 422 {
				t.Errorf("got %+v, want it rejected as %s", got, c.problem)
			}
			if len(p.Received()) != 1 || len(p.Holes()) != 0 {
				t.Errorf("got %d events, holes %v", len(p.Received()), p.Holes())
			}
		})
	}
}

func TestRefusedBatch(t *testing.T) {
	good, err := json.Marshal([]any{event(1, 100, nil)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		body   []byte
		change func(*http.Request)
		status int
		kind   string
	}{
		{"as it should be", good, nil, 200, ""},
		{"packed", pack(good), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 200, ""},
		{"no token", good, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "unauthorized"},
		{"wrong token", good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer hunter3") }, 401, "unauthorized"},
		{"token without Bearer", good, func(r *http.Request) { r.Header.Set("Authorization", "hunter2") }, 401, "unauthorized"},
		{"other media type", good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415, "unreadable"},
		{"other coding", good, func(r *http.Request) { r.Header.Set("Content-Encoding", "br") }, 415, "unreadable"},
		{"not packed", good, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 400, "unreadable"},
		{"packed in half", pack(good)[:40], func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 400, "unreadable"},
		{"a bomb", pack(make([]byte, 17<<20)), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 413, "unreadable"},
		{"no key", good, func(r *http.Request) { r.Header.Del("Idempotency-Key") }, 400, "unreadable"},
		{"not JSON", []byte("x"), nil, 400, "invalid-batch"},
		{"one event", good[1 : len(good)-1], nil, 400, "invalid-batch"},
		{"without id", []byte(`[{"source":"` + agent + `"}]`), nil, 400, "invalid-batch"},
		{"id of another form", []byte(`[{"source":"` + agent + `","id":"1"}]`), nil, 400, "invalid-batch"},
		{"source of another form", []byte(`[{"source":"me","id":"7f3a-bulk-1"}]`), nil, 400, "invalid-batch"},
		{"too many", []byte("[" + strings.Repeat("{},", 10_000) + "{}]"), nil, 400, "invalid-batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := portal.New(portal.Options{Token: "hunter2"})
			status, a := postBody(t, p, c.body, c.change)
			if status != c.status || c.kind != "" && !strings.HasSuffix(a.Type, "/"+c.kind) {
				t.Errorf("got %d %+v, want %d %s", status, a, c.status, c.kind)
			}
			if taken := len(p.Received()) == 1; taken != (c.status == 200) {
				t.Errorf("taken: %v", taken)
			}
		})
	}
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(body)
	w.Close()
	return b.Bytes()
}

func TestDown(t *testing.T) {
	p := portal.New(portal.Options{})
	p.Down(true)
	if status, a := post(t, p, event(1, 100, nil)); status != 503 || !strings.HasSuffix(a.Type, "/down") {
		t.Errorf("got %d %+v", status, a)
	}
	if page := get(t, p, "/"); page.StatusCode != 200 {
		t.Errorf("page: got %d", page.StatusCode)
	}
	p.Down(false)
	if status, _ := post(t, p, event(1, 100, nil)); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestRepeatsAndHoles(t *testing.T) {
	p := portal.New(portal.Options{})
	other := func(e map[string]any) { e["source"] = strings.ReplaceAll(agent, "5d3c", "0000") }
	for _, step := range []struct {
		seqs []any
		want string
	}{
		{[]any{event(1, 1, nil), event(2, 2, nil)}, "accepted accepted"},
		{[]any{event(2, 2, nil), event(5, 5, nil), event(5, 5, nil)}, "duplicate accepted duplicate"},
		{[]any{event(1, 1, other)}, "accepted"},
		{[]any{event(4, 4, func(e map[string]any) { e["type"] = "x" })}, "rejected"},
		{[]any{event(4, 4, func(e map[string]any) { e["type"] = "x" })}, "rejected"}, // a refused one is not forgotten, and not taken either
	} {
		if _, a := post(t, p, step.seqs...); statuses(a) != step.want {
			t.Errorf("got %s, want %s", statuses(a), step.want)
		}
	}
	want := []portal.Hole{{Source: agent, Stream: "7f3a", Lane: "bulk", First: 3, Last: 3}}
	if diff := cmp.Diff(want, p.Holes()); diff != "" {
		t.Errorf("holes (-want +got):\n%s", diff)
	}
	post(t, p, event(3, 3, nil))
	if holes := p.Holes(); len(holes) > 0 {
		t.Errorf("holes: got %v, want none", holes)
	}
	if diff := cmp.Diff(portal.Counts{Received: 5, Repeats: 2, Refused: 2, Batches: 6}, p.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestLowerThanLast(t *testing.T) {
	p := portal.New(portal.Options{})
	customer := func(e map[string]any) { e["customer"] = "7654321" }
	for _, step := range []struct {
		event any
		want  string
	}{
		{event(10, 500, nil), "accepted"},
		{event(11, 499, nil), "rejected"},
		{event(12, 500, nil), "accepted"},
		{event(9, 400, nil), "accepted"}, // taken before, arrived late
		{event(13, 400, customer), "accepted"},
		{event(14, 499, nil), "rejected"}, // the late one changed nothing
	} {
		_, a := post(t, p, step.event)
		if statuses(a) != step.want {
			t.Errorf("got %+v, want %s", a, step.want)
		}
		if step.want == "rejected" && (a.Results[0].Problem.LastValue == nil || *a.Results[0].Problem.LastValue != 500) {
			t.Errorf("got %+v, want the last value", a.Results[0].Problem)
		}
	}
}

// What another agent has ordered is not sent twice, until a new cartridge was seen, or long after.
func TestOrdersOfTwoAgents(t *testing.T) {
	p := portal.New(portal.Options{})
	seq := 0
	say := func(source, kind string, after time.Duration, data map[string]any) {
		t.Helper()
		seq++
		_, a := post(t, p, event(seq, 0, func(e map[string]any) {
			at, err := time.Parse(time.RFC3339, fmt.Sprint(e["time"]))
			if err != nil {
				t.Fatal(err)
			}
			e["source"] = strings.ReplaceAll(agent, "5d3c", source)
			e["id"] = strings.ReplaceAll(fmt.Sprint(e["id"]), "5d3c", source)
			e["time"], e["type"], e["data"] = at.Add(after).Format(time.RFC3339), "meteragent."+kind+".v1", data
		}))
		if statuses(a) != "accepted" {
			t.Fatalf("got %+v", a)
		}
	}
	order := func(source, id, key string, after time.Duration) {
		t.Helper()
		say(source, "order", after, map[string]any{"id": id, "supply": map[string]any{"key": key}, "reason": map[string]any{"text": "low"}})
	}
	const day = 24 * time.Hour
	order("5d3c", "first", "1.1", 0)
	order("0001", "anew", "1.1", 2*day)
	order("0001", "other supply", "1.2", 2*day)
	order("5d3c", "reopened", "1.1", 3*day)
	say("0001", "alert", 4*day, map[string]any{"event": "supplyReplaced", "supply": "1.1"})
	order("0001", "next cartridge", "1.1", 5*day)
	order("5d3c", "late", "1.2", 40*day)
	want := map[string]string{"first": "accepted", "anew": "cancelled", "other supply": "accepted", "reopened": "accepted", "next cartridge": "accepted", "late": "accepted"}
	got := map[string]string{}
	for _, o := range p.Orders() {
		got[o.ID] = o.State
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

func TestOrders(t *testing.T) {
	p := portal.New(portal.Options{})
	order := func(seq int, data map[string]any) any {
		return event(seq, 0, func(e map[string]any) { e["type"], e["data"] = "meteragent.order.v1", data })
	}
	_, a := post(t, p,
		order(1, map[string]any{"id": "a", "supply": "black toner", "reason": "12 % left", "level": 12.0}),
		order(2, map[string]any{"id": "b", "supply": map[string]any{"colorant": "cyan", "type": "toner", "level": map[string]any{"percent": 9.04}}, "reason": map[string]any{"text": "7 days left"}}),
		order(3, map[string]any{"id": "a"}),
		order(4, map[string]any{"id": "c", "supply": 7, "reason": nil}),
		order(5, map[string]any{"id": "d", "reason": map[string]any{"text": "13.5 % left", "percent": 13.5}}),
	)
	if statuses(a) != "accepted accepted accepted accepted accepted" {
		t.Fatalf("got %+v", a)
	}
	var got []string
	for _, o := range p.Orders() {
		got = append(got, fmt.Sprintf("%s %s|%s|%s|%s|%s|%d", o.ID, o.Device, o.Supply, o.Level, o.Reason, o.State, o.Asked))
	}
	want := []string{"a ABC12345|black toner|12 %|12 % left|accepted|2", "b ABC12345|cyan toner|9 %|7 days left|accepted|1", "c ABC12345||||accepted|1", "d ABC12345||13.5 %|13.5 % left|accepted|1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	if p.SetOrder("x", "shipped") || !p.SetOrder("b", "cancelled") {
		t.Error("SetOrder knows the wrong orders")
	}
	_, a = post(t, p, event(5, 1, nil))
	if diff := cmp.Diff("[{d accepted} {c accepted} {b cancelled} {a accepted}]", fmt.Sprint(a.Orders)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	_, a = post(t, p, event(5, 1, func(e map[string]any) { e["source"] = strings.ReplaceAll(agent, "5d3c", "0000") }))
	if len(a.Orders) != 0 {
		t.Errorf("another agent is told of %v", a.Orders)
	}
}

func TestKeep(t *testing.T) {
	p := portal.New(portal.Options{Keep: 3})
	for seq := range 10 {
		post(t, p, event(seq+1, seq, nil))
	}
	if got := p.Received(); len(got) != 3 || got[2].Seq != 10 || p.Counts().Received != 10 {
		t.Errorf("got %v", got)
	}
	if _, a := post(t, p, event(1, 0, nil)); statuses(a) != "duplicate" {
		t.Errorf("what is no longer kept is forgotten: %+v", a)
	}
}

func TestUntil(t *testing.T) {
	p := portal.New(portal.Options{})
	done := make(chan error)
	go func() { done <- p.Until(t.Context(), func() bool { return p.Counts().Received == 2 }) }()
	post(t, p, event(1, 1, nil))
	post(t, p, event(2, 2, nil))
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Until(ctx, func() bool { return false }); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
