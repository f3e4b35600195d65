package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/store"
)

// addAt appends a bulk record of a kind and subject at an hour.
func addAt(t *testing.T, s *store.Store, kind, subject string, hour int) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		r := newRecord(store.Bulk)
		r.Kind, r.Subject, r.At = kind, subject, r.At.Truncate(24*time.Hour).Add(time.Duration(hour)*time.Hour)
		r.Body = fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 3000))
		_, err := appendTo(tx, r)
		return err
	})
}

// byDay groups what may be dropped by subject and day.
func byDay(r store.Record) string {
	if r.Kind != "reading" {
		return ""
	}
	return r.Subject + r.At.Format(time.DateOnly)
}

// Of each device and day the last reading stays, and everything that is none. Steps of
// any size do the same.
func TestThin(t *testing.T) {
	for _, most := range []int{1, 3, 100} {
		s := open(t, newPath(t))
		for _, hour := range []int{1, 2, 3, 25, 26, 49} {
			addAt(t, s, "reading", "a", hour)
			addAt(t, s, "reading", "b", hour)
			addAt(t, s, "event", "a", hour)
		}
		day := newRecord("").At.Truncate(24 * time.Hour)
		h := s.NewThinner(byDay)
		dropped, noted := 0, 0
		for more := true; more; {
			done, err := h.Step(day.Add(48*time.Hour), most, func(tx *store.Tx, d store.Thinned) error {
				noted += d.Records
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			dropped, more = dropped+done.Records, done.More
			if done.Records > 0 && (done.First.Before(day.Add(time.Hour)) || done.Last.After(day.Add(25*time.Hour))) {
				t.Errorf("dropped from %v to %v", done.First, done.Last)
			}
		}
		// Numbers of "a" and "b" at hours 1 and 2 of the first day, and 25 of the second, are gone.
		if got, want := numbers(pending(t, s, portal, store.Bulk)), "3 6 7 8 9 12 13 14 15 16 17 18"; got != want || dropped != 6 || noted != 6 {
			t.Errorf("steps of %d: pending %q, want %q; dropped %d, noted %d", most, got, want, dropped, noted)
		}
		settle(t, s, portal, pending(t, s, portal, store.Bulk)) // holes are in nobody's way
		if w, err := s.Waiting(portal); err != nil || w.Bulk != 0 {
			t.Errorf("waiting %+v, %v", w, err)
		}
	}
}

// What was thinned while a batch was on its way is settled with it; what was delivered
// in between is not counted as dropped.
func TestThinBesideDelivery(t *testing.T) {
	s := open(t, newPath(t))
	for hour := range 6 {
		addAt(t, s, "reading", "a", hour)
	}
	batch := pending(t, s, portal, store.Bulk)
	h := s.NewThinner(byDay)
	all := time.Unix(1<<40, 0)
	if _, err := h.Step(all, 2, func(*store.Tx, store.Thinned) error { return nil }); err != nil {
		t.Fatal(err)
	}
	settle(t, s, portal, batch[:3])
	done, err := h.Step(all, 100, func(*store.Tx, store.Thinned) error { return nil })
	if err != nil || done.Records != 2 { // 4 and 5
		t.Errorf("dropped %+v, %v", done, err)
	}
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "6" {
		t.Errorf("pending %q, want 6", got)
	}
}

// To look, and find nothing to drop, writes nothing: flash memory wears.
func TestThinWritesOnlyWhatItDrops(t *testing.T) {
	s := open(t, newPath(t))
	addAt(t, s, "reading", "a", 1)
	addAt(t, s, "reading", "a", 2)
	h := s.NewThinner(byDay)
	for i, want := range []uint64{1, 0, 0} {
		before, _ := s.Usage()
		_, err := h.Step(time.Unix(1<<40, 0), 100, func(*store.Tx, store.Thinned) error { return nil })
		after, usageErr := s.Usage()
		if commits := after.Commits - before.Commits; err != nil || usageErr != nil || commits != want {
			t.Errorf("step %d: %d commits, want %d; %v, %v", i, commits, want, err, usageErr)
		}
	}
}

func TestThinIsAllOrNothing(t *testing.T) {
	s := open(t, newPath(t))
	for hour := range 3 {
		addAt(t, s, "reading", "a", hour)
	}
	before := pending(t, s, portal, store.Bulk)
	h := s.NewThinner(byDay)
	refused := errors.New("refused")
	for range 2 {
		if _, err := h.Step(time.Unix(1<<40, 0), 100, func(*store.Tx, store.Thinned) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(before, pending(t, s, portal, store.Bulk)); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
	}
}

// What is deleted is used again: the file does not grow for ever.
func TestUsage(t *testing.T) {
	s := open(t, newPath(t))
	var full store.Usage
	for round := range 6 {
		for range 20 {
			update(t, s, func(tx *store.Tx) error {
				for range 10 {
					r := newRecord(store.Bulk)
					r.Body = fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 900))
					if _, err := appendTo(tx, r); err != nil {
						return err
					}
				}
				return nil
			})
		}
		u, err := s.Usage()
		if err != nil || u.Used < 180_000 || u.Used > u.File {
			t.Fatalf("round %d: %+v, %v", round, u, err)
		}
		if round == 0 {
			full = u
		} else if u.File > 2*full.File || u.Used > 2*full.Used {
			t.Errorf("round %d: %+v, at first %+v", round, u, full)
		}
		settle(t, s, portal, pending(t, s, portal, store.Bulk))
		if u, err := s.Usage(); err != nil || u.Used > 100_000 {
			t.Errorf("round %d: %+v is in use when all is delivered, %v", round, u, err)
		}
	}
}

// A record is thinned while it is on its way, and refused.
func TestThinUnderWay(t *testing.T) {
	s := open(t, newPath(t))
	for _, hour := range []int{1, 2, 3} {
		addAt(t, s, "reading", "A", hour)
	}
	batch := pending(t, s, portal, store.Bulk)
	if done, err := s.NewThinner(byDay).Step(time.Now().AddDate(9, 0, 0), 100, func(*store.Tx, store.Thinned) error { return nil }); done.Records != 2 {
		t.Fatal(done, err)
	}
	settle(t, s, portal, batch, reject(batch[0]), reject(batch[2]))
	if q := quarantine(t, s, portal); len(q) != 1 || q[0].Record.Seq != 3 {
		t.Errorf("quarantine %v", q)
	}
	if left := pending(t, s, portal, store.Bulk); len(left) != 0 {
		t.Errorf("%d are pending", len(left))
	}
}
