package portal

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	testAgent = "5d3c9ab4-6f0e-4c1b-9a57-0d5b7c1f2e10"
	testEvent = `{"specversion":"1.0","id":"7f3a-bulk-1","source":"urn:uuid:` + testAgent + `","type":"meteragent.agent.v1",` +
		`"time":"2026-11-30T17:00:00Z","sequence":"00000000000000000001","customer":"1234567","datacontenttype":"application/json","data":{}}`
)

func TestTopics(t *testing.T) {
	for _, c := range []struct {
		name, topic, payload string
		want                 string // status of the answer; "" for none
	}{
		{"its own", "meteragent/v1/1234567/" + testAgent + "/agent", "[" + testEvent + "]", "accepted"},
		{"empty batch", "meteragent/v1/1234567/" + testAgent + "/agent", "[]", "none"},
		{"of another kind", "meteragent/v1/1234567/" + testAgent + "/reading", "[" + testEvent + "]", "rejected"},
		{"of another agent", "meteragent/v1/1234567/00000000-6f0e-4c1b-9a57-0d5b7c1f2e10/agent", "[" + testEvent + "]", ""},
		{"of another customer", "meteragent/v1/7654321/" + testAgent + "/agent", "[" + testEvent + "]", ""},
		{"receipts", "meteragent/v1/1234567/" + testAgent + "/receipts", `{"results":[]}`, ""},
		{"status", "meteragent/v1/1234567/" + testAgent + "/status", `{"status":"online"}`, ""},
		{"probe", "meteragent/v1/1234567/" + testAgent + "/probe", `{"probe":"x"}`, ""},
		{"nonsense", "meteragent/v1/1234567/" + testAgent + "/agent", "x", ""},
	} {
		p := New(Options{})
		topic, text := p.hear(c.topic, []byte(c.payload))
		if c.want == "" {
			if topic != "" || p.Counts() != (Counts{}) {
				t.Errorf("%s: got an answer on %s: %s", c.name, topic, text)
			}
			continue
		}
		if want := "meteragent/v1/1234567/" + testAgent + "/receipts"; topic != want {
			t.Errorf("%s: got an answer on %q, want %s", c.name, topic, want)
		}
		if c.want != "none" && !strings.Contains(string(text), `"status":"`+c.want+`"`) {
			t.Errorf("%s: got %s, want %s", c.name, text, c.want)
		}
	}
}

// FuzzTake makes sure that whatever arrives is answered record by record, or as a
// whole, and that the page can show what was taken.
func FuzzTake(f *testing.F) {
	f.Add([]byte("[" + testEvent + "]"))
	for kind, data := range map[string]string{
		"reading": `{"takenAt":"2026-11-30T17:00:00Z","meters":[{"name":"systemTotals.impressions.total","value":1,"primary":true}],"supplies":[{"level":{"kind":"measured","percent":1e300}}]}`,
		"order":   `{"id":"a","supply":{"level":[{}]},"reason":{"text":{}}}`,
	} {
		event := strings.Replace(testEvent, "meteragent.agent.v1", "meteragent."+kind+`.v1","subject":"A","partitionkey":"A`, 1)
		f.Add([]byte("[" + strings.Replace(event, `"data":{}`, `"data":`+data, 1) + "]"))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := decode(body)
		if err != nil {
			return
		}
		p := New(Options{})
		a := p.take(events, "https")
		if c := p.Counts(); len(a.Results) != len(events) || c.Received+c.Repeats+c.Refused != len(events) {
			t.Errorf("%d results, counts %+v for %d records", len(a.Results), c, len(events))
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
		var page strings.Builder
		if err := write(&page, p.view().page()); err != nil {
			t.Error(err)
		}
	})
}
