package transport

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettle(t *testing.T) {
	batch := []Message{{Stream: "s", Lane: "bulk", Seq: 1}, {Stream: "s", Lane: "bulk", Seq: 2}, {Stream: "s", Lane: "bulk", Seq: 3}}
	last := int64(500)
	for _, c := range []struct {
		name, said string
		want       Receipt
		err        string // part of it; "" for none
	}{
		{"what is not named is accepted", `{"results":[]}`, Receipt{Accepted: 3}, ""},
		{"named one by one", `{"results":[{"id":"s-bulk-1","status":"accepted"},{"id":"s-bulk-2","status":"duplicate"},
			{"id":"s-bulk-3","status":"rejected","problem":{"type":"https://p.example/problems/lower-than-last","lastValue":500}}]}`,
			Receipt{Accepted: 1, Duplicates: 1, Rejected: []Rejection{{"s-bulk-3", Problem{Type: "https://p.example/problems/lower-than-last", LastValue: &last}}}}, ""},
		{"rejected without a reason", `{"results":[{"id":"s-bulk-1","status":"rejected","problem":null}]}`, Receipt{Accepted: 2, Rejected: []Rejection{{"s-bulk-1", Problem{}}}}, ""},
		{"orders", `{"results":[],"orders":[{"id":"o","state":"on its way"}]}`, Receipt{Accepted: 3, Orders: []OrderState{{"o", "on its way"}}}, ""},
		{"members of a later version", `{"results":[{"id":"s-bulk-1","status":"accepted","shard":7}],"mood":"good"}`, Receipt{Accepted: 3}, ""},
		{"another batch", `{"results":[{"id":"s-bulk-4","status":"accepted"}]}`, Receipt{}, "was not sent"},
		{"twice", `{"results":[{"id":"s-bulk-1","status":"accepted"},{"id":"s-bulk-1","status":"rejected"}]}`, Receipt{}, "twice"},
		{"unknown status", `{"results":[{"id":"s-bulk-1","status":"maybe"}]}`, Receipt{}, "unknown status"},
		{"order without state", `{"results":[],"orders":[{"id":"o"}]}`, Receipt{}, "without id or state"},
		{"text", `OK`, Receipt{}, "not the contract's JSON"},
		{"list", `["s-bulk-1"]`, Receipt{}, "not the contract's JSON"},
		{"two answers", `{"results":[]}{"results":[]}`, Receipt{}, "not the contract's JSON"},
		{"status as number", `{"results":[{"id":"s-bulk-1","status":1}]}`, Receipt{}, "not the contract's JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := decodeAnswer([]byte(c.said))
			var got Receipt
			if err == nil {
				got, err = a.settle(batch)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("got error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("receipt (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzAnswer makes sure that whatever a portal says settles each record once or
// nothing at all, over HTTPS and MQTT alike.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"results":[]}`, `{"results":null}`, `{}`, `null`, `[]`, `{"results":[{"id":"s-bulk-1","status":"accepted"}]}`,
		`{"results":[{"id":"s-bulk-1","status":"rejected","problem":{"type":"x","lastValue":-1}},{"id":"s-bulk-2","status":"duplicate"}],"orders":[{"id":"o","state":"shipped"}]}`,
	} {
		f.Add([]byte(seed))
	}
	batch := []Message{{Stream: "s", Lane: "bulk", Seq: 1}, {Stream: "s", Lane: "bulk", Seq: 2}}
	f.Fuzz(func(t *testing.T, said []byte) {
		link := &mqttLink{waiting: map[*delivery]bool{}}
		d := newDelivery(batch)
		link.expect(d)
		link.hear(said)
		link.hear(said)
		if r := d.receipt; r.Accepted+r.Duplicates+len(r.Rejected)+len(d.open) != len(batch) || len(link.orders) > mostOrders {
			t.Errorf("mqtt: got %+v with %d open", r, len(d.open))
		}
		a, err := decodeAnswer(said)
		if err != nil {
			return
		}
		r, err := a.settle(batch)
		if err == nil && r.Accepted+r.Duplicates+len(r.Rejected) != len(batch) {
			t.Errorf("https: got %+v for a batch of %d", r, len(batch))
		}
		for _, rejected := range r.Rejected {
			if line := rejected.Problem.line(); len([]rune(line)) > longestLine+1 || strings.ContainsAny(line, "\r\n\x1b") {
				t.Errorf("a line of %q", line)
			}
		}
	})
}
