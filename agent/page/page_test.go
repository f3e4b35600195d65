package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/agent/toner"
	"meteragent/collector"
)

const total = "systemTotals.impressions.total"

func facts() page.Facts {
	now := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC)
	percent := 9.5
	reading := &collector.Reading{
		Meters: []collector.Meter{
			{Name: "systemTotals.impressions.total", Value: 123455, OID: "1.3.6.1.2.1.43.10.2.1.4.1.1"},
			{Name: "systemTotals.impressions.total", Value: 123456, Primary: true},
		},
		Supplies: []collector.Supply{
			{Key: "1.1", Description: `Toner <b>"black"`, Colorant: "black", Type: "toner", Level: collector.Level{Kind: collector.Measured, Percent: &percent}},
			{Key: "1.2", Colorant: "cyan", Type: "toner", Level: collector.Level{Kind: collector.Some}},
			{Key: "1.3", Colorant: "violet", Type: "inkCartridge", Level: collector.Level{Kind: collector.Unknown}},
			{Key: "1.3", Description: "Waste", Class: "receptacleThatIsFilled", Level: collector.Level{Kind: collector.Measured, Percent: &percent}},
		},
	}
	return page.Facts{
		Status: func(string) (page.Status, error) {
			return page.Status{
				Agent: "6f3c1d5e", Version: "1.2.3", Customer: "0123", Site: "Wien", Now: now, Running: true,
				Devices: []page.Device{{ID: "ABC12345", Model: "C3500", Address: "10.0.0.1:161", LastReading: now.Add(-time.Hour), State: "online", Reading: reading},
					{ID: "LST00001", State: "lost", LastReading: now.Add(-200 * time.Hour)},
					{ID: "TWO00001", Address: "10.0.0.3:161", State: "online", Conflict: "10.0.0.4:161", Rival: "TWO00002"}},
				Portals: []page.Portal{{Name: "portal", URL: "https://portal.example.com/events", State: "failing", Bulk: 7, LastError: "no such host", Hint: "hint.portal.name"}},
				Orders: []page.Order{{
					ID: "o1", Device: "ABC12345", Name: "Black toner", State: "ordered", At: now.Add(-time.Minute),
					Why: toner.Reason{Code: toner.LevelBelow, Percent: &percent, OrderBelow: 15, Rule: "toner.order_below"},
				}},
				Silent: []page.Silent{{Address: "10.0.0.9:161", Reason: "no answer", Hint: "hint.device.silent"}},
			}, nil
		},
		Readings: func(device string) ([]page.Entry, error) { return []page.Entry{{Device: device}}, nil },
		Recent: func(device string) ([]page.Entry, error) {
			return []page.Entry{
				{At: now, Device: device, Meters: map[string]int64{total: 1250}, Supplies: map[string]float64{"1.1": 9.5}},
				{At: now.Add(-time.Hour), Device: device, Meters: map[string]int64{total: 1000}},
				{At: now.Add(-2 * time.Hour), Device: device, Supplies: map[string]float64{"1.1": 11}},
			}, nil
		},
		Outgoing: func() ([]page.Message, error) {
			return []page.Message{{Portal: "portal", At: now, To: "POST https://portal.example.com/events", Body: `[{"a":"<b>&"}]`}}, nil
		},
		Orders: func() ([]page.Order, error) { return nil, errors.New("the database is closed") },
	}
}

func get(t *testing.T, path, host string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = host
	answer := httptest.NewRecorder()
	page.Handler(facts(), true).ServeHTTP(answer, request)
	return answer
}

// The page says what a technician looks for, in both languages, and what a device
// says cannot become markup.
func TestPage(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"ABC12345", "123,456", "1 h ago", "Not delivering", "no such host", "DNS", "9.5", "some left", "cyan toner", "violet ink<", "10.0.0.9:161", "ordered", "LST00001 is lost", "at 10.0.0.4:161", "TWO00002 answer at 10.0.0.3:161 by turns"},
		"de": {"ABC12345", "123.456", "vor 1 h", "Liefert nicht", "no such host", "DNS", "9,5", "etwas da", "Toner Cyan", "Tinte violet<", "10.0.0.9:161", "bestellt", "LST00001 ist verschwunden", "unter 10.0.0.4:161", "TWO00002 antworten abwechselnd unter 10.0.0.3:161"},
	} {
		body := get(t, "/?lang="+lang, "127.0.0.1:8631").Body.String()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the page lacks %q", lang, text)
			}
		}
		for _, never := range []string{"<b>", "123455", "Waste", "ZgotmplZ", "[page.", "[hint.", "[level.", "<script", "style="} {
			if strings.Contains(body, never) {
				t.Errorf("%s: the page has %q", lang, never)
			}
		}
	}
}

// Every page that the first one leads to leads back, and a cell of a table says by itself what it
// is, for screens too narrow for the head.
func TestPagesLeadBackAndCellsAreNamed(t *testing.T) {
	for _, path := range []string{"/outgoing?lang=de", "/device?device=ABC12345&lang=de"} {
		if body := get(t, path, "localhost").Body.String(); !strings.Contains(body, `<a href="/?lang=de">Zurück</a>`) {
			t.Errorf("%s does not lead back", path)
		}
	}
	body := get(t, "/?lang=en", "localhost").Body.String()
	for _, want := range []string{`<th scope="col">State</th>`, `<td data-label="State">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// A web site whose name points to this machine cannot read the page.
func TestForeignNames(t *testing.T) {
	for host, want := range map[string]int{
		"127.0.0.1:8631": 200, "localhost:8631": 200, "[::1]:8631": 200, "localhost": 200,
		"evil.example.com:8631": 403, "evil.example.com": 403, "": 403,
	} {
		if got := get(t, "/status.json", host).Code; got != want {
			t.Errorf("host %q: status %d, want %d", host, got, want)
		}
	}
}

// A technician can be asked for from the page and by a program, not from a web site.
func TestRequest(t *testing.T) {
	for _, test := range []struct {
		name, site, origin, host, body string
		local                          bool
		want                           int
	}{
		{"the form", "same-origin", "http://localhost:8631", "localhost:8631", "device=ABC12345&text=stripes", true, 200},
		{"the command", "", "", "127.0.0.1:8631", "device=ABC12345&text=stripes", true, 200},
		{"a device nobody knows", "", "", "localhost", "device=other&text=x", true, 422},
		{"another site", "cross-site", "https://evil.example.com", "localhost:8631", "device=ABC12345&text=x", true, 403},
		{"another port of this machine", "same-site", "http://localhost:9999", "localhost:8631", "device=ABC12345&text=x", true, 403},
		{"an old browser", "", "https://evil.example.com", "localhost:8631", "device=ABC12345&text=x", true, 403},
		{"a name of its own", "same-origin", "http://evil.example.com:8631", "evil.example.com:8631", "device=ABC12345&text=x", true, 403},
		{"a book", "", "", "localhost", "device=ABC12345&text=" + strings.Repeat("x", 100_000), true, 400},
		{"a page for everybody", "", "", "localhost", "device=ABC12345&text=x", false, 404},
	} {
		asked := 0
		f := facts()
		f.Request = func(device, text string) error {
			if device != "ABC12345" {
				return errors.New("no such device")
			}
			asked++
			return nil
		}
		f.Hint = func(error) text.Key { return "hint.request.device" }
		r := httptest.NewRequest(http.MethodPost, "/request", strings.NewReader(test.body))
		r.Host = test.host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if test.site != "" {
			r.Header.Set("Sec-Fetch-Site", test.site)
		}
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		answer := httptest.NewRecorder()
		page.Handler(f, test.local).ServeHTTP(answer, r)
		if answer.Code != test.want || (asked == 1) != (test.want == 200) {
			t.Errorf("%s: status %d, asked %d times; want %d", test.name, answer.Code, asked, test.want)
		}
		if test.want == 422 && !(strings.Contains(answer.Body.String(), "No copier with this serial number") && strings.Contains(answer.Body.String(), ">x</textarea>")) {
			t.Errorf("%s: it says %s; want why, and the form as it was filled in", test.name, answer.Body)
		}
	}
	f := facts()
	f.Request = func(string, string) error { return nil }
	r := httptest.NewRequest(http.MethodGet, "/request?device=%3Cb%3E", nil)
	r.Host = "localhost"
	answer := httptest.NewRecorder()
	page.Handler(f, true).ServeHTTP(answer, r)
	if body := answer.Body.String(); !strings.Contains(body, "&lt;b&gt;") || !strings.Contains(body, "<textarea") {
		t.Errorf("the form is %s", body)
	}
}

func TestJSON(t *testing.T) {
	if got := get(t, "/status.json", "localhost").Body.String(); !strings.Contains(got, `"id":"ABC12345"`) {
		t.Errorf("status.json is %s", got)
	}
	if got := get(t, "/readings.json?device=ABC12345", "localhost").Body.String(); !strings.Contains(got, `"device":"ABC12345"`) {
		t.Errorf("readings.json is %s", got)
	}
	if got := get(t, "/orders.json", "localhost"); got.Code != 500 || !strings.Contains(got.Body.String(), "the database is closed") {
		t.Errorf("a failure is %d %s, want 500 and the cause", got.Code, got.Body)
	}
	if got := get(t, "/elsewhere", "localhost").Code; got != 404 {
		t.Errorf("another path is %d, want 404", got)
	}
}

// What has left is shown as it left, and cannot become markup.
func TestOutgoing(t *testing.T) {
	for path, want := range map[string]string{
		"/outgoing":         `[{&#34;a&#34;:&#34;&lt;b&gt;&amp;&#34;}]`,
		"/outgoing?lang=de": "Was gesendet wurde",
		"/outgoing.json":    `"body":"[{\"a\":\"\u003cb\u003e\u0026\"}]"`,
	} {
		if got := get(t, path, "localhost").Body.String(); !strings.Contains(got, want) || strings.Contains(got, "<b>") {
			t.Errorf("%s lacks %s: %s", path, want, got)
		}
	}
}

// The last days of a copier: what it said, and what changed.
func TestDevice(t *testing.T) {
	body := get(t, "/device?device=ABC12345&lang=en", "localhost").Body.String()
	for _, want := range []string{"ABC12345", "1,250", "+250", "9.5 %", "1,000", "11 %", "Toner &lt;b&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q: %s", want, body)
		}
	}
	if body := get(t, "/device?device=%3Cb%3E&lang=de", "localhost").Body.String(); strings.Contains(body, "<b>") || !strings.Contains(body, "Die letzten 14 Tage") {
		t.Errorf("another device: %s", body)
	}
	if got := get(t, "/recent.json?device=ABC12345", "localhost").Body.String(); !strings.Contains(got, `"1.1":9.5`) {
		t.Errorf("recent.json is %s", got)
	}
}

// Metrics are those of the documentation, with a help line each.
func TestMetrics(t *testing.T) {
	body := get(t, "/metrics", "localhost").Body.String()
	for _, line := range []string{
		`printer_impressions_total{device="ABC12345"} 123456`,
		`printer_supply_level_ratio{device="ABC12345",supply="1.1",colorant="black",type="toner"} 0.095`,
		`meteragent_outbox_records{portal="portal",lane="bulk"} 7`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, body)
		}
	}
	if strings.Count(body, "# HELP") != strings.Count(body, "# TYPE") {
		t.Error("a metric lacks its help or its type")
	}
}
