package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/store"
)

func quarantine(t testing.TB, s *store.Store, dest string) []store.Quarantined {
	t.Helper()
	list, err := s.Quarantine(dest)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A record goes into quarantine, out again, is refused again, and is dropped at
// last. It stays the same record all the way, and nothing waits for it.
func TestQuarantine(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, store.Bulk, 3)
	batch := pending(t, s, portal, store.Bulk)
	before := time.Now().Add(-time.Second)
	settle(t, s, portal, batch, reject(batch[1]))
	if got := pending(t, s, portal, store.Bulk); len(got) != 0 {
		t.Errorf("pending %v", got)
	}
	s.Close()
	s = open(t, path)
	list := quarantine(t, s, portal)
	if len(list) != 1 {
		t.Fatalf("quarantine: %v", list)
	}
	q := list[0]
	if diff := cmp.Diff(batch[1], q.Record); diff != "" || q.Destination != portal || q.Damaged || q.At.Before(before) {
		t.Errorf("quarantined %+v, record (-want +got):\n%s", q, diff)
	}
	if got := string(q.Reason); got != `{"title":"lower than last"}` {
		t.Errorf("reason %s", got)
	}

	fill(t, s, store.Bulk, 1)
	update(t, s, func(tx *store.Tx) error { return tx.Retry(q) })
	if got := quarantine(t, s, portal); len(got) != 0 {
		t.Errorf("still in quarantine: %v", got)
	}
	again := pending(t, s, portal, store.Bulk)
	if got := numbers(again); got != "2" {
		t.Fatalf("pending %q, want 2", got)
	}
	if diff := cmp.Diff(batch[1], again[0]); diff != "" {
		t.Errorf("sent again (-want +got):\n%s", diff)
	}
	settle(t, s, portal, again, reject(again[0]))
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "4" {
		t.Errorf("pending %q, want 4", got)
	}
	list = quarantine(t, s, portal)
	if len(list) != 1 || list[0].Record.Seq != 2 {
		t.Fatalf("quarantine: %v", list)
	}
	update(t, s, func(tx *store.Tx) error { return tx.Drop(list[0]) })
	update(t, s, func(tx *store.Tx) error { return tx.Drop(list[0]) })
	if got := quarantine(t, s, portal); len(got) != 0 {
		t.Errorf("dropped, but there: %v", got)
	}
	if err := s.Update(func(tx *store.Tx) error { return tx.Retry(list[0]) }); err == nil {
		t.Error("retry of what was dropped: no error")
	}
}

// What a person sends again while a batch is on its way is not settled with it.
func TestRetryBesideABatch(t *testing.T) {
	s := open(t, newPath(t))
	retry := func(q store.Quarantined) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error { return tx.Retry(q) })
	}
	fill(t, s, store.Bulk, 5)
	batch := pending(t, s, portal, store.Bulk)
	settle(t, s, portal, batch[:3], reject(batch[0]), reject(batch[1]), reject(batch[2]))
	refused := quarantine(t, s, portal)

	onItsWay := pending(t, s, portal, store.Bulk)
	retry(refused[1])
	settle(t, s, portal, onItsWay[:1]) // 4
	onItsWay = pending(t, s, portal, store.Bulk)
	if got := numbers(onItsWay); got != "2" {
		t.Fatalf("pending %q, want 2", got)
	}
	retry(refused[2])
	retry(refused[0])
	settle(t, s, portal, onItsWay) // 2
	onItsWay = pending(t, s, portal, store.Bulk)
	if got := numbers(onItsWay); got != "3 1" {
		t.Fatalf("pending %q, want 3 1", got)
	}
	settle(t, s, portal, onItsWay[:1], reject(onItsWay[0])) // the first half
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "1" {
		t.Fatalf("pending %q, want 1", got)
	}
	retry(quarantine(t, s, portal)[0])
	onItsWay = pending(t, s, portal, store.Bulk)
	if got := numbers(onItsWay); got != "1 3" {
		t.Fatalf("pending %q, want 1 3", got)
	}
	settle(t, s, portal, onItsWay, reject(onItsWay[1]))
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "5" {
		t.Errorf("pending %q, want 5", got)
	}
	if list := quarantine(t, s, portal); len(list) != 1 || list[0].Record.Seq != 3 {
		t.Errorf("quarantine %v", list)
	}
}

func TestQuarantineIsPerDestination(t *testing.T) {
	path := newPath(t)
	s := open(t, path, "a", "b")
	fill(t, s, store.Urgent, 2)
	batch := pending(t, s, "a", store.Urgent)
	settle(t, s, "a", batch, reject(batch[0]))
	if got := numbers(pending(t, s, "b", store.Urgent)); got != "1 2" {
		t.Errorf("b has %q", got)
	}
	settle(t, s, "b", batch, reject(batch[1]))
	if a, b, all := quarantine(t, s, "a"), quarantine(t, s, "b"), quarantine(t, s, ""); len(a) != 1 || len(b) != 1 || len(all) != 2 {
		t.Errorf("quarantine a %v b %v all %v", a, b, all)
	}
	refused := quarantine(t, s, "a")[0]
	update(t, s, func(tx *store.Tx) error { return tx.Retry(refused) })
	if a, b := numbers(pending(t, s, "a", store.Urgent)), numbers(pending(t, s, "b", store.Urgent)); a != "1" || b != "" {
		t.Errorf("pending a %q b %q", a, b)
	}
	s.Close()

	s = open(t, path, "b")
	if err := s.Forget("a"); err != nil { // and with it what was to be sent again to it
		t.Fatal(err)
	}
	if list := quarantine(t, s, ""); len(list) != 1 || list[0].Destination != "b" {
		t.Errorf("quarantine %v", list)
	}
	s.Close()
	s = open(t, path, "a")
	if got := pending(t, s, "a", store.Urgent); len(got) != 0 {
		t.Errorf("pending %v", got)
	}
	if err := s.Forget("b"); err != nil {
		t.Fatal(err)
	}
	left := quarantine(t, s, "b")
	if len(left) != 1 {
		t.Fatalf("the quarantine of a forgotten destination is for people to look at: %v", left)
	}
	if err := s.Update(func(tx *store.Tx) error { return tx.Retry(left[0]) }); err == nil {
		t.Error("retry for a destination that is gone: no error")
	}
}

// Whatever a destination gives as a reason, it must not block the lane.
func TestReasonsAreBounded(t *testing.T) {
	for name, reason := range map[string]string{
		"none":     "",
		"text":     "go away",
		"not text": "\xff\xfe{",
		"large":    `"` + strings.Repeat("\x01", 100<<10) + `"`,
	} {
		s := open(t, newPath(t))
		fill(t, s, store.Bulk, 1)
		batch := pending(t, s, portal, store.Bulk)
		r := reject(batch[0])
		r.Reason = []byte(reason)
		settle(t, s, portal, batch, r)
		list := quarantine(t, s, portal)
		if len(list) != 1 || list[0].Damaged || !json.Valid(list[0].Reason) || len(list[0].Reason) > 16<<10 {
			t.Errorf("%s: quarantine %.200v", name, list)
		}
	}
}

// A destination that succeeds another one gets what that one has not answered for, though it has passed
// it by, and learns how far that one is. What the other left to the one before it stays left.
func TestSucceed(t *testing.T) {
	for _, c := range []struct {
		name   string
		from   string
		other  int    // how far the other is
		before uint64 // how far the one before that was
		had    uint64
		want   string
		new    int // how far the new one is
	}{
		{"behind", "first", 2, 0, 2, "[3 true 5 true 6 false]", 5},
		{"it had come late itself", "first", 1, 4, 4, "[5 true 6 true]", 6},
		{"not known", "nobody", 2, 0, 0, "[6 false]", 5},
	} {
		s, err := store.Open(newPath(t), store.Options{Destinations: []string{"first", "second"}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		err = s.Update(func(tx *store.Tx) error {
			for i := range 6 {
				if _, err := tx.Append(store.Record{Lane: store.Urgent, Kind: "order", Subject: fmt.Sprint(i + 1), At: time.Now()}, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		settle := func(dest string, n int) {
			t.Helper()
			batch, err := s.Pending(dest, store.Urgent, n, 1<<20)
			if err == nil {
				err = s.Update(func(tx *store.Tx) error { return tx.Settle(dest, batch, nil) })
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		settle("first", c.other)
		settle("second", c.new)
		var had map[string]uint64
		err = s.Update(func(tx *store.Tx) (err error) {
			before := map[string]uint64{s.Stream(): c.before}
			had, err = tx.Succeed(store.Urgent, c.from, "second", before, func(r store.Record) bool { return string(r.Body) != "3" })
			return err
		})
		if err != nil || had[s.Stream()] != c.had {
			t.Errorf("%s: had %v, %v; want %d", c.name, had, err, c.had)
		}
		var got []string
		r := s.Reader("second", store.Urgent)
		for {
			batch, err := r.Next(100, 1<<20)
			if err != nil || len(batch) == 0 {
				break
			}
			for _, p := range batch {
				got = append(got, fmt.Sprint(p.Subject, " ", p.Again))
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: it gets %v, want %s", c.name, got, c.want)
		}
	}
}
