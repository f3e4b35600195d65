package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/store"
)

// A backlog is delivered. While the store is open its file stays as long as it was, and
// does not grow when the same happens again; the next Open makes it short, and everything
// is as before.
func TestCompaction(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	var longest int64
	for round := range 10 {
		for range 100 {
			update(t, s, func(tx *store.Tx) error {
				for range 100 {
					r := newRecord(store.Bulk)
					r.Body = fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 600))
					if _, err := appendTo(tx, r); err != nil {
						return err
					}
				}
				return nil
			})
		}
		batch := pending(t, s, portal, store.Bulk)
		for len(batch) > 100 { // the last hundred stay
			settle(t, s, portal, batch[:100])
			batch = batch[100:]
		}
		if size := fileSize(t, path); round == 0 {
			longest = size
		} else if size > longest*5/4 {
			t.Errorf("round %d: %d bytes, after the first %d", round, size, longest)
		}
	}
	update(t, s, func(tx *store.Tx) error { return tx.Put("ledger", "a", 42) })
	before, u := pending(t, s, portal, store.Bulk), usage(t, s)
	stream := s.Stream()
	s.Close()

	s = open(t, path)
	if size := fileSize(t, path); size > 2*u.Used {
		t.Errorf("%d bytes for %d in use; the file was %d long", size, u.Used, u.File)
	}
	if diff := cmp.Diff(before, pending(t, s, portal, store.Bulk)); diff != "" || s.Stream() != stream {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	fill(t, s, store.Bulk, 1)
	all := pending(t, s, portal, store.Bulk)
	if got, want := all[len(all)-1].Seq, before[len(before)-1].Seq+1; got != want {
		t.Errorf("the next number is %d, want %d", got, want)
	}
	if _, err := os.Stat(path + ".compact"); !os.IsNotExist(err) {
		t.Errorf("the copy was left behind: %v", err)
	}
	t.Logf("%d bytes became %d, of which %d are in use", u.File, fileSize(t, path), usage(t, s).Used)
}

// The same in a running store, while others write and read.
func TestShorten(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	body := []byte(`"` + strings.Repeat("x", 600) + `"`)
	for range 100 {
		update(t, s, func(tx *store.Tx) error {
			for range 100 {
				r := newRecord(store.Bulk)
				r.Body = body
				if _, err := appendTo(tx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if done, err := s.Shorten(); done || err != nil {
		t.Errorf("a full file was made short: %v, %v", done, err)
	}
	settle(t, s, portal, pending(t, s, portal, store.Bulk)[:9990])
	var others sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		others.Go(func() {
			for more := true; more; {
				err := s.Update(func(tx *store.Tx) error { _, err := appendTo(tx, newRecord(store.Urgent)); return err })
				if _, failed := s.Waiting(portal); err != nil || failed != nil {
					t.Error(err, failed)
				}
				select {
				case <-stop:
					more = false
				default:
				}
			}
		})
	}
	long := fileSize(t, path)
	before := usage(t, s).Written
	if done, err := s.Shorten(); !done || err != nil {
		t.Errorf("it was not made short: %v, %v", done, err)
	}
	close(stop)
	others.Wait()
	if size := fileSize(t, path); size > long/4 || usage(t, s).Written < before {
		t.Errorf("%d bytes became %d; written were %d, then %d", long, size, before, usage(t, s).Written)
	}
	written := pending(t, s, portal, store.Urgent)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if diff := cmp.Diff(written, pending(t, s, portal, store.Urgent)); diff != "" || len(pending(t, s, portal, store.Bulk)) != 10 {
		t.Errorf("after it was opened again (-want +got):\n%s", diff)
	}
}

// What an interrupted compaction leaves behind is in nobody's way.
func TestCompactionInterrupted(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, store.Bulk, 3)
	s.Close()
	write(t, path+".compact", []byte("half a file"))
	s = open(t, path)
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "1 2 3" {
		t.Errorf("pending %q", got)
	}
	if _, err := os.Stat(path + ".compact"); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func usage(t *testing.T, s *store.Store) store.Usage {
	t.Helper()
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u
}
