package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/store"
)

const portal = "portal"

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "meteragent.db") }

// open opens the store at path, by default for one destination, and closes it at
// the end of the test.
func open(t testing.TB, path string, destinations ...string) *store.Store {
	t.Helper()
	if len(destinations) == 0 {
		destinations = []string{portal}
	}
	s, err := store.Open(path, store.Options{Destinations: destinations})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func update(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(fn); err != nil {
		t.Fatal(err)
	}
}

// fill appends n records to a lane, one in a transaction, numbered in their bodies.
func fill(t testing.TB, s *store.Store, lane string, n int) {
	t.Helper()
	for range n {
		update(t, s, func(tx *store.Tx) error {
			_, err := appendTo(tx, newRecord(lane))
			return err
		})
	}
}

// appendTo appends a record with the body that it has.
func appendTo(tx *store.Tx, r store.Record) (store.Record, error) {
	return tx.Append(r, json.RawMessage(r.Body))
}

func newRecord(lane string) store.Record {
	return store.Record{
		Lane:    lane,
		Kind:    "reading.v1",
		Subject: "ABC12345",
		At:      time.Date(2026, 11, 30, 17, 0, 0, 123456000, time.UTC),
		Body:    []byte(`{"meters":[1]}`),
	}
}

func pending(t testing.TB, s *store.Store, dest, lane string) []store.Record {
	t.Helper()
	records, err := s.Pending(dest, lane, 1_000_000, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func numbers(records []store.Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%d ", r.Seq)
	}
	return strings.TrimSpace(b.String())
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	s := open(t, newPath(t))
	refused := errors.New("refused")
	err := s.Update(func(tx *store.Tx) error {
		if _, err := appendTo(tx, newRecord(store.Urgent)); err != nil {
			return err
		}
		if err := tx.Put("ledger", "ABC12345", 1); err != nil {
			return err
		}
		return refused
	})
	if err != refused {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got := pending(t, s, portal, store.Urgent); len(got) != 0 {
		t.Errorf("a record survived: %v", got)
	}
	fill(t, s, store.Urgent, 1)
	if got := numbers(pending(t, s, portal, store.Urgent)); got != "1" {
		t.Errorf("numbers %q, want no hole after a refused transaction", got)
	}
	err = s.View(func(tx *store.Tx) error {
		var n int
		found, err := tx.Get("ledger", "ABC12345", &n)
		if found {
			t.Error("a value survived")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUpdateSurvivesAPanic(t *testing.T) {
	s := open(t, newPath(t))
	func() {
		defer func() { recover() }()
		s.Update(func(tx *store.Tx) error {
			if _, err := appendTo(tx, newRecord(store.Bulk)); err != nil {
				return err
			}
			panic("of one reading")
		})
	}()
	fill(t, s, store.Bulk, 1)
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "1" {
		t.Errorf("pending %q, want 1", got)
	}
}

func TestViewCannotWrite(t *testing.T) {
	s := open(t, newPath(t))
	fill(t, s, store.Bulk, 1)
	for name, write := range map[string]func(*store.Tx) error{
		"append": func(tx *store.Tx) error { _, err := appendTo(tx, newRecord(store.Bulk)); return err },
		"put":    func(tx *store.Tx) error { return tx.Put("a", "b", 1) },
		"settle": func(tx *store.Tx) error { return tx.Settle(portal, pending(t, s, portal, store.Bulk), nil) },
	} {
		if err := s.View(write); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, newPath(t))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := s.Update(func(*store.Tx) error { return nil }); err == nil {
		t.Error("update: no error")
	}
	if _, err := s.Pending(portal, store.Bulk, 1, 1); err == nil {
		t.Error("pending: no error")
	}
}

func TestKeyedValues(t *testing.T) {
	type ledger struct {
		Orders []string
		Level  float64
	}
	path := newPath(t)
	s := open(t, path)
	want := ledger{[]string{"a"}, 12.5}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(
			tx.Put("ledger", "b/2", want),
			tx.Put("ledger", "b/1", "<old>"),
			tx.Put("ledger", "b/1", "<new>"),
			tx.Put("ledger", "a", nil),
			tx.Put("ledger", "gone", 1),
			tx.Delete("ledger", "gone"),
			tx.Delete("ledger", "never there"),
			tx.Delete("no bucket", "x"),
			tx.Put("device", "b/1", json.RawMessage(`{"x":1}`)),
		)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	stop := errors.New("stop")
	err := s.View(func(tx *store.Tx) error {
		var got ledger
		if found, err := tx.Get("ledger", "b/2", &got); err != nil || !found || !cmp.Equal(got, want) {
			t.Errorf("get: %v %v %v", got, found, err)
		}
		for _, key := range []string{"gone", "", "b"} {
			if found, err := tx.Get("ledger", key, &got); err != nil || found {
				t.Errorf("get %q: %v %v", key, found, err)
			}
		}
		if found, err := tx.Get("nothing", "b/1", &got); err != nil || found {
			t.Errorf("get of no bucket: %v %v", found, err)
		}
		if _, err := tx.Get("ledger", "b/1", &got); err == nil {
			t.Error("get of a string into a struct: no error")
		}
		var each []string
		err := tx.Each("ledger", "b/", func(key string, value []byte) error {
			each = append(each, key+" "+string(value))
			return nil
		})
		if diff := cmp.Diff([]string{`b/1 "\u003cnew\u003e"`, `b/2 {"Orders":["a"],"Level":12.5}`}, each); err != nil || diff != "" {
			t.Errorf("each: %v %s", err, diff)
		}
		if err := tx.Each("nothing", "", func(string, []byte) error { return stop }); err != nil {
			t.Errorf("each of no bucket: %v", err)
		}
		return tx.Each("ledger", "", func(string, []byte) error { return stop })
	})
	if err != stop {
		t.Errorf("got %v, want what the function said", err)
	}
}

func TestPutRefuses(t *testing.T) {
	s := open(t, newPath(t))
	long := strings.Repeat("x", store.MaxBody)
	for name, put := range map[string]func(*store.Tx) error{
		"not JSON":    func(tx *store.Tx) error { return tx.Put("a", "b", func() {}) },
		"too long":    func(tx *store.Tx) error { return tx.Put("a", "b", long) },
		"long key":    func(tx *store.Tx) error { return tx.Put("a", long, 1) },
		"no key":      func(tx *store.Tx) error { return tx.Put("a", "", 1) },
		"no bucket":   func(tx *store.Tx) error { return tx.Put("", "b", 1) },
		"slash":       func(tx *store.Tx) error { return tx.Put("a/b", "b", 1) },
		"long bucket": func(tx *store.Tx) error { return tx.Put(long, "b", 1) },
	} {
		if err := s.Update(put); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A try keeps nothing of what it does, and waits for nobody who writes.
func TestTry(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{Destinations: []string{"portal"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(func(tx *store.Tx) error { return tx.Put("things", "old", 1) })
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	err = s.Update(func(*store.Tx) error { // a try in it would wait for ever if it waited
		return s.Try(func(tx *store.Tx) error {
			_, err := tx.Append(store.Record{Lane: store.Bulk, Kind: "reading", At: time.Now()}, 1)
			return errors.Join(err, tx.Put("things", "new", 2), tx.Put("others", "new", 2), tx.Delete("things", "old"))
		})
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Try(func(*store.Tx) error { return refused }); err != refused {
		t.Error(err)
	}
	err = s.View(func(tx *store.Tx) error {
		if !tx.Has("things", "old") || tx.Has("things", "new") || tx.Has("others", "new") {
			t.Error("something was kept")
		}
		return nil
	})
	if w, waitingErr := s.Waiting("portal"); err != nil || waitingErr != nil || w.Bulk != 0 {
		t.Errorf("%+v, %v, %v", w, err, waitingErr)
	}
}
