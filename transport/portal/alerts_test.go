package portal_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"meteragent/transport/portal"
)

// A complaint stands on the page until it is over, and a request stays.
func TestAlerts(t *testing.T) {
	p := portal.New(portal.Options{})
	alert := func(n int, data map[string]any) map[string]any {
		return event(n, 0, func(e map[string]any) { e["type"], e["data"] = "meteragent.alert.v1", data })
	}
	post(t, p,
		alert(1, map[string]any{"event": "alertRaised", "id": "a", "class": "jam", "code": "jam", "description": "Paper <jam>"}),
		alert(2, map[string]any{"event": "alertRaised", "id": "b", "class": "other", "code": "coverOpen"}),
		alert(3, map[string]any{"event": "alertRaised", "id": "a", "class": "jam", "code": "jam", "description": "Paper <jam>"}),
		alert(4, map[string]any{"event": "alertCleared", "id": "b", "class": "other", "code": "coverOpen"}),
		alert(5, map[string]any{"event": "technicianRequested", "id": "c", "text": "grey stripes"}),
		alert(6, map[string]any{"event": "supplyReplaced"}))
	got := p.Alerts()
	if len(got) != 2 || got[0].ID != "a" || got[1].Class != "request" || got[1].What != "grey stripes" {
		t.Errorf("alerts: %+v", got)
	}
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	for _, want := range []string{"Paper &lt;jam&gt;", "grey stripes"} {
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
