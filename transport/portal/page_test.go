package portal_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"meteragent/transport/portal"
)

func TestPage(t *testing.T) {
	p := portal.New(portal.Options{})
	fill(t, p)
	for _, path := range []string{"/", "/style.css", "/received.json"} {
		r := get(t, p, path)
		if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'") {
			t.Errorf("%s: got %d, %v", path, r.StatusCode, r.Header)
		}
	}
	if r := get(t, p, "/events"); r.StatusCode != 405 {
		t.Errorf("GET /events: got %d", r.StatusCode)
	}
	text, err := io.ReadAll(get(t, p, "/").Body)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, want := range []string{
		"ABC12345", "123\u202f456", `aria-label="black toner: 38.5 %"`, `width="38.5%"`, "some left", "92 % free", "lowToner", "running low",
		`<meta http-equiv="refresh"`, "&lt;script&gt;", "shipped",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "style=", "onclick", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("page has %q", never)
		}
	}
	var received struct {
		Counts portal.Counts
		Events []portal.Event
		Holes  []portal.Hole
		Orders []portal.Order
	}
	if err := json.NewDecoder(get(t, p, "/received.json").Body).Decode(&received); err != nil {
		t.Fatal(err)
	}
	if received.Counts.Received != 3 || len(received.Events) != 3 || len(received.Orders) != 1 || received.Holes == nil {
		t.Errorf("received.json: got %+v", received)
	}
}

// fill gives the portal one of each to show.
func fill(t *testing.T, p *portal.Portal) {
	t.Helper()
	level := func(kind string, percent any) map[string]any {
		l := map[string]any{"kind": kind}
		if percent != nil {
			l["percent"] = percent
		}
		return l
	}
	post(t, p, event(1, 123456, func(e map[string]any) {
		data := e["data"].(map[string]any)
		data["status"] = map[string]any{"printer": "idle", "errors": []string{"lowToner"}}
		data["supplies"] = []any{
			map[string]any{"type": "toner", "colorant": "black", "level": level("measured", 38.5)},
			map[string]any{"type": "toner", "colorant": "cyan", "level": level("measured", 4.0)},
			map[string]any{"type": "toner", "colorant": "magenta", "level": level("some", nil)},
			map[string]any{"description": "Waste <script> box", "class": "receptacleThatIsFilled", "level": level("measured", 92.0)},
		}
	}), event(2, 0, func(e map[string]any) {
		e["type"] = "meteragent.order.v1"
		e["data"] = map[string]any{"id": "o1", "supply": "cyan toner", "reason": "running low: 4 %, 3 days left"}
	}), event(3, 0, func(e map[string]any) {
		e["type"] = "meteragent.alert.v1"
		e["data"] = map[string]any{"code": "jam"}
	}))
	if !p.SetOrder("o1", "shipped") {
		t.Fatal("no order")
	}
}
