package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/store"
)

func TestAppendGivesIdentity(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	var want []store.Record
	update(t, s, func(tx *store.Tx) error {
		for i := range 3 {
			r := newRecord(store.Bulk)
			r.At = time.Date(2026, 11, 30, 18, 0, i, 123456789, time.FixedZone("", 3600))
			got, err := appendTo(tx, r)
			if err != nil {
				return err
			}
			r.Stream, r.Seq, r.At = s.Stream(), uint64(i+1), time.Date(2026, 11, 30, 17, 0, i, 123456000, time.UTC)
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("append (-want +got):\n%s", diff)
			}
			want = append(want, r)
		}
		_, err := appendTo(tx, newRecord(store.Urgent))
		return err
	})
	stream := s.Stream()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if s.Stream() != stream || stream == "" {
		t.Errorf("stream %q, was %q", s.Stream(), stream)
	}
	if diff := cmp.Diff(want, pending(t, s, portal, store.Bulk)); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	if got := numbers(pending(t, s, portal, store.Urgent)); got != "1" {
		t.Errorf("urgent: %q, want its own numbers", got)
	}
	if other := open(t, newPath(t)); other.Stream() == stream {
		t.Error("two files have one stream")
	}
}

func TestAppendRefuses(t *testing.T) {
	s := open(t, newPath(t))
	for name, change := range map[string]func(*store.Record){
		"no lane":         func(r *store.Record) { r.Lane = "" },
		"unknown lane":    func(r *store.Record) { r.Lane = "slow" },
		"no kind":         func(r *store.Record) { r.Kind = "" },
		"long kind":       func(r *store.Record) { r.Kind = strings.Repeat("x", 65) },
		"long subject":    func(r *store.Record) { r.Subject = strings.Repeat("x", 256) },
		"subject no text": func(r *store.Record) { r.Subject = "\xff" },
		"body not JSON":   func(r *store.Record) { r.Body = []byte("{") },
		"body too long":   func(r *store.Record) { r.Body = []byte(`"` + strings.Repeat("x", store.MaxBody) + `"`) },
		"another stream":  func(r *store.Record) { r.Stream, r.Seq = "OTHER", 1 },
	} {
		err := s.Update(func(tx *store.Tx) error {
			r := newRecord(store.Bulk)
			change(&r)
			_, err := appendTo(tx, r)
			return err
		})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := pending(t, s, portal, store.Bulk); len(got) != 0 {
		t.Errorf("pending: %v", got)
	}
}

func TestPendingIsBounded(t *testing.T) {
	s := open(t, newPath(t))
	for _, size := range []int{100, 10, 10, 10} {
		update(t, s, func(tx *store.Tx) error {
			r := newRecord(store.Bulk)
			r.Body = []byte(`"` + strings.Repeat("x", size-2) + `"`)
			_, err := appendTo(tx, r)
			return err
		})
	}
	for _, c := range []struct {
		max, maxBytes int
		want          string
	}{
		{10, 1000, "1 2 3 4"},
		{10, 130, "1 2 3 4"},
		{10, 129, "1 2 3"},
		{2, 1000, "1 2"},
		{10, 50, "1"}, // one that is too large must not block the lane
		{10, 0, "1"},
		{0, 1000, ""},
	} {
		records, err := s.Pending(portal, store.Bulk, c.max, c.maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(records); got != c.want {
			t.Errorf("at most %d of %d bytes: %q, want %q", c.max, c.maxBytes, got, c.want)
		}
	}
}

// A reader goes on behind what it has given, whatever is settled, added or to be sent
// again meanwhile; a new one begins with what is not settled.
func TestReader(t *testing.T) {
	s := open(t, newPath(t))
	fill(t, s, store.Bulk, 5)
	r := s.Reader(portal, store.Bulk)
	next := func(want string) (batch []store.Record) {
		t.Helper()
		waiting, err := r.Next(2, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range waiting {
			batch = append(batch, w.Record)
		}
		if got := numbers(batch); got != want {
			t.Errorf("next is %q, want %q", got, want)
		}
		return batch
	}
	first := next("1 2")
	next("3 4")
	settle(t, s, portal, first, reject(first[0]))
	next("5")
	next("")
	fill(t, s, store.Bulk, 1)
	update(t, s, func(tx *store.Tx) error { return tx.Retry(quarantine(t, s, portal)[0]) })
	next("1")
	next("6")
	next("")
	r = s.Reader(portal, store.Bulk)
	next("1")
	next("3 4")
}

func TestPendingGivesCopies(t *testing.T) {
	s := open(t, newPath(t))
	fill(t, s, store.Bulk, 1)
	first := pending(t, s, portal, store.Bulk)[0]
	first.Body[0] = 'X' // would be a fault in the mapped file
	if got := pending(t, s, portal, store.Bulk)[0].Body; !bytes.Equal(got, newRecord(store.Bulk).Body) {
		t.Errorf("body is now %s", got)
	}
}

// settle settles a batch.
func settle(t testing.TB, s *store.Store, dest string, answered []store.Record, rejected ...store.Rejection) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { return tx.Settle(dest, answered, rejected) })
}

func TestSettleInParts(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, store.Bulk, 5)
	batch := pending(t, s, portal, store.Bulk)
	settle(t, s, portal, batch[:2])
	settle(t, s, portal, batch[:3]) // 1 and 2 for the second time
	settle(t, s, portal, batch[:1]) // the cursor does not go back
	s.Close()
	s = open(t, path)
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "4 5" {
		t.Errorf("pending %q, want 4 5", got)
	}
	settle(t, s, portal, pending(t, s, portal, store.Bulk))
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "" {
		t.Errorf("pending %q, want nothing", got)
	}
	s.Close()
	s = open(t, path)
	fill(t, s, store.Bulk, 1)
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "6" {
		t.Errorf("pending %q: numbers must go on after the lane was empty", got)
	}
}

func TestSettleRefuses(t *testing.T) {
	s := open(t, newPath(t))
	fill(t, s, store.Bulk, 4)
	all := pending(t, s, portal, store.Bulk)
	settle(t, s, portal, all[:1])
	as := func(change func(*store.Record)) []store.Record {
		r := all[1]
		change(&r)
		return []store.Record{r}
	}
	for _, c := range []struct {
		name, dest string
		answered   []store.Record
		rejected   []store.Rejection
	}{
		{"never given", portal, as(func(r *store.Record) { r.Seq = 5 }), nil},
		{"no number", portal, as(func(r *store.Record) { r.Seq = 0 }), nil},
		{"never given in this lane", portal, as(func(r *store.Record) { r.Lane = store.Urgent }), nil},
		{"unknown destination", "nobody", all[1:2], nil},
		{"unknown lane", portal, as(func(r *store.Record) { r.Lane = "slow" }), nil},
		{"one left out", portal, all[2:3], nil},
		{"refused but not settled", portal, all[1:2], []store.Rejection{reject(all[2])}},
		{"refused but settled before", portal, all[:2], []store.Rejection{reject(all[0])}},
		{"all settled before", portal, all[:1], []store.Rejection{reject(all[0])}},
	} {
		err := s.Update(func(tx *store.Tx) error { return tx.Settle(c.dest, c.answered, c.rejected) })
		if err == nil {
			t.Errorf("%s: no error", c.name)
		}
		if got := numbers(pending(t, s, portal, store.Bulk)); got != "2 3 4" {
			t.Errorf("%s: pending is %q", c.name, got)
		}
	}
	if got := quarantine(t, s, ""); len(got) != 0 {
		t.Errorf("quarantine %v", got)
	}
	if _, err := s.Pending("nobody", store.Bulk, 1, 1); err == nil {
		t.Error("pending for an unknown destination: no error")
	}
	if _, err := s.Pending(portal, "slow", 1, 1); err == nil {
		t.Error("pending in an unknown lane: no error")
	}
	if _, err := s.Waiting("nobody"); err == nil {
		t.Error("waiting for an unknown destination: no error")
	}
}

func reject(r store.Record) store.Rejection {
	return store.Rejection{Record: r, Reason: []byte(`{"title":"lower than last"}`)}
}

func TestDestinations(t *testing.T) {
	const a, b, c = "a", "b", "c"
	path := newPath(t)
	s := open(t, path, a, b)
	fill(t, s, store.Bulk, 6)
	settle(t, s, a, pending(t, s, a, store.Bulk)[:4])
	settle(t, s, b, pending(t, s, b, store.Bulk)[:2])
	check := func(what string, s *store.Store, want map[string]string) {
		t.Helper()
		for dest, want := range want {
			if got := numbers(pending(t, s, dest, store.Bulk)); got != want {
				t.Errorf("%s: %s has %q, want %q", what, dest, got, want)
			}
		}
	}
	s.Close()
	s = open(t, path, a, b, "never")
	s.Close()
	s = open(t, path, a, b)
	if left, err := s.Left(); err != nil || !slices.Equal(left, []string{"never"}) {
		t.Errorf("left is %v, %v: one that never answered is forgotten", left, err)
	}
	if err := s.Forget("never"); err != nil {
		t.Error(err)
	}
	check("each at its own pace", s, map[string]string{a: "5 6", b: "3 4 5 6"})
	s.Close()

	s = open(t, path, a, b, c)
	check("a new one starts at the oldest still kept", s, map[string]string{a: "5 6", b: "3 4 5 6", c: "3 4 5 6"})
	settle(t, s, c, pending(t, s, c, store.Bulk)[:1])
	s.Close()

	s = open(t, path, a, c)
	if left, err := s.Left(); err != nil || !slices.Equal(left, []string{b}) {
		t.Errorf("left is %v, %v", left, err)
	}
	settle(t, s, c, pending(t, s, c, store.Bulk)[:1])
	check("what b has not got is kept", s, map[string]string{a: "5 6", b: "3 4 5 6", c: "5 6"})
	if err := s.Forget(a); err == nil {
		t.Error("a destination in use was forgotten")
	}
	s.Close()
	s = open(t, path, a, c)
	if err := s.Forget(b); err != nil {
		t.Error(err)
	}
	check("b is forgotten", s, map[string]string{a: "5 6", c: "5 6"})
	s.Close()
	s = open(t, path, a)
	if err := s.Forget(c); err != nil {
		t.Error(err)
	}
	check("c is forgotten", s, map[string]string{a: "5 6"})
	s.Close()
	s = open(t, path, a, b)
	check("4 was dropped with c", s, map[string]string{b: "5 6"})
	settle(t, s, a, pending(t, s, a, store.Bulk))
	settle(t, s, b, pending(t, s, b, store.Bulk))
	s.Close()

	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, store.Bulk, 2)
	s.Close()
	s = open(t, path, a)
	check("without a destination nothing is dropped", s, map[string]string{a: "7 8"})
}

func TestWaiting(t *testing.T) {
	s := open(t, newPath(t))
	check := func(want store.Waiting) {
		t.Helper()
		got, err := s.Waiting(portal)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("waiting (-want +got):\n%s", diff)
		}
	}
	check(store.Waiting{})
	at := newRecord("").At
	for i, lane := range []string{store.Bulk, store.Urgent, store.Bulk, store.Bulk} {
		update(t, s, func(tx *store.Tx) error {
			r := newRecord(lane)
			r.At = at.Add(time.Duration(i) * time.Hour)
			_, err := appendTo(tx, r)
			return err
		})
	}
	check(store.Waiting{Urgent: 1, Bulk: 3, Oldest: at})
	batch := pending(t, s, portal, store.Bulk)
	settle(t, s, portal, batch[:2], reject(batch[0]))
	check(store.Waiting{Urgent: 1, Bulk: 1, Oldest: at.Add(time.Hour)})
	refused := quarantine(t, s, portal)[0]
	update(t, s, func(tx *store.Tx) error { return tx.Retry(refused) })
	check(store.Waiting{Urgent: 1, Bulk: 2, Oldest: at})
}

// Writers, forwarders and readers work at the same time; each destination gets
// each record once and in order.
func TestConcurrentUse(t *testing.T) {
	const writers, each = 4, 50
	dests := []string{"a", "b"}
	s := open(t, newPath(t), dests...)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				err := s.Update(func(tx *store.Tx) error {
					r, err := appendTo(tx, newRecord(store.Bulk))
					return errors.Join(err, tx.Put("last", "seq", r.Seq), tx.Put("device", fmt.Sprint(i), r.At))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, dest := range dests {
		wg.Go(func() {
			for next := uint64(1); next <= writers*each; {
				batch, err := s.Pending(dest, store.Bulk, 7, 1<<20)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range batch {
					if r.Seq != next {
						t.Errorf("%s: got %d, want %d", dest, r.Seq, next)
						return
					}
					next++
				}
				if err := s.Update(func(tx *store.Tx) error { return tx.Settle(dest, batch, nil) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for last := 0; last < writers*each; {
			err := s.View(func(tx *store.Tx) error {
				var now int
				_, err := tx.Get("last", "seq", &now)
				if now < last {
					t.Errorf("went back from %d to %d", last, now)
				}
				last = now
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	for _, dest := range dests {
		if w, err := s.Waiting(dest); err != nil || w != (store.Waiting{}) {
			t.Errorf("%s: waiting %v %v", dest, w, err)
		}
	}
}

// A value is stored as its JSON; one that has none is refused, as is a body that is none.
func TestAppend(t *testing.T) {
	s := open(t, newPath(t))
	update(t, s, func(tx *store.Tx) error {
		_, err := tx.Append(newRecord(store.Bulk), map[string]int{"a": 1})
		return err
	})
	if got := pending(t, s, portal, store.Bulk); len(got) != 1 || string(got[0].Body) != `{"a":1}` {
		t.Errorf("pending %v", got)
	}
	for _, bad := range []func(*store.Tx) error{
		func(tx *store.Tx) error { _, err := tx.Append(newRecord(store.Bulk), make(chan int)); return err },
		func(tx *store.Tx) error { _, err := tx.Append(newRecord("no lane"), 1); return err },
	} {
		if err := s.Update(bad); err == nil {
			t.Error("it was stored")
		}
	}
}
