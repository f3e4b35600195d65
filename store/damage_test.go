package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"meteragent/store"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sample makes a store with something in every bucket and returns its file. Trees
// are several pages high, some records are longer than a page.
func sample(t testing.TB) []byte {
	t.Helper()
	path := newPath(t)
	s := open(t, path)
	defer s.Close()
	for i := range 7 {
		update(t, s, func(tx *store.Tx) error {
			for j := range 40 {
				r := newRecord(store.Bulk)
				r.Body = fmt.Appendf(nil, `{"body":"%d %s"}`, 40*i+j, strings.Repeat("x", 20*j))
				if _, err := appendTo(tx, r); err != nil {
					return err
				}
				if err := tx.Put("ledger", fmt.Sprint(40*i+j), strings.Repeat("y", 100)); err != nil {
					return err
				}
			}
			r := newRecord(store.Urgent)
			r.Body = fmt.Appendf(nil, `"%s"`, strings.Repeat("z", 3000*i))
			_, err := appendTo(tx, r)
			return err
		})
	}
	batch := pending(t, s, portal, store.Bulk)[:50]
	settle(t, s, portal, batch, reject(batch[3]), reject(batch[4]))
	list := quarantine(t, s, portal)
	update(t, s, func(tx *store.Tx) error { return tx.Retry(list[0]) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, path)
}

// reopen opens a file with these contents, checks that what comes out is what went
// in, goes on working with it, and returns the error of Open.
func reopen(t *testing.T, what string, data []byte, truth map[string]bool) error {
	t.Helper()
	path := newPath(t)
	write(t, path, data)
	s, err := store.Open(path, store.Options{Destinations: []string{portal}})
	if err != nil {
		if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNewer) {
			t.Errorf("%s: %v", what, err)
		}
		if !bytes.Equal(data, read(t, path)) {
			t.Errorf("%s: Open changed the damaged file", what)
		}
		return err
	}
	defer s.Close()
	for _, r := range drain(t, s) {
		if truth != nil && !truth[fmt.Sprintf("%s %d %s", r.Lane, r.Seq, r.Body)] {
			t.Errorf("%s: %s %d was never written: %.80s", what, r.Lane, r.Seq, r.Body)
		}
	}
	fill(t, s, store.Bulk, 2)
	if got := pending(t, s, portal, store.Bulk); len(got) != 2 {
		t.Errorf("%s: %d pending after 2 were added", what, len(got))
	}
	return nil
}

func truth(t *testing.T, data []byte) map[string]bool {
	t.Helper()
	path := newPath(t)
	write(t, path, data)
	s := open(t, path)
	defer s.Close()
	all := map[string]bool{}
	for _, r := range drain(t, s) {
		all[fmt.Sprintf("%s %d %s", r.Lane, r.Seq, r.Body)] = true
	}
	return all
}

// drain settles all that is pending and returns it.
func drain(t *testing.T, s *store.Store) []store.Record {
	t.Helper()
	var all []store.Record
	for _, lane := range []string{store.Urgent, store.Bulk} {
		for range 4 { // what is to be sent again comes apart from what is new, and twice if the cursor is damaged
			if batch := pending(t, s, portal, lane); len(batch) > 0 {
				settle(t, s, portal, batch)
				all = append(all, batch...)
			}
		}
	}
	return all
}

func TestOpenDamaged(t *testing.T) {
	good := sample(t)
	zero := make([]byte, pageSize)
	edit := func(at int, with []byte) []byte {
		data := bytes.Clone(good)
		copy(data[at:], with)
		return data
	}
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"sound", good, nil},
		{"one byte", []byte("x"), store.ErrDamaged},
		{"short text", []byte("site = \"Wien\"\n"), store.ErrDamaged},
		{"text", bytes.Repeat([]byte("site = \"Wien\"\n"), 5000), store.ErrDamaged},
		{"zeros", make([]byte, len(good)), store.ErrDamaged},
		{"5000 bytes", good[:5000], store.ErrDamaged},
		{"both head pages zero", edit(0, make([]byte, 2*pageSize)), store.ErrDamaged},
		{"first head page zero", edit(0, zero), store.ErrDamaged},
		{"second head page zero", edit(pageSize, zero), store.ErrDamaged},
		{"first head page text", edit(0, bytes.Repeat([]byte("text"), 1024)), store.ErrDamaged},
		{"all but the head pages zero", edit(2*pageSize, make([]byte, len(good))), store.ErrDamaged},
		{"half", good[:len(good)/2/pageSize*pageSize], store.ErrDamaged},
		{"longer", append(bytes.Clone(good), zero...), nil},
	} {
		if err := reopen(t, c.name, c.data, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// Every page in turn is cut off, zeroed, or replaced by another. Open says so, or
// the page did not matter.
func TestOpenWithOneBadPage(t *testing.T) {
	good := sample(t)
	truth := truth(t, good)
	pages := len(good) / pageSize
	if pages < 60 {
		t.Fatalf("only %d pages: the sample is too small", pages)
	}
	damaged := 0
	for i := range pages {
		at := i * pageSize
		for what, page := range map[string][]byte{
			"zero":        make([]byte, pageSize),
			"ones":        bytes.Repeat([]byte{0xFF}, pageSize),
			"a neighbour": good[(i+1)%pages*pageSize:][:pageSize],
		} {
			data := bytes.Clone(good)
			copy(data[at:], page)
			if reopen(t, fmt.Sprintf("page %d is %s", i, what), data, truth) != nil {
				damaged++
			}
		}
		if reopen(t, fmt.Sprintf("cut at page %d", i), good[:at], truth) != nil {
			damaged++
		}
	}
	if damaged < pages {
		t.Errorf("only %d of %d pages were missed", damaged, pages)
	}
}

// Single bits flip anywhere. Open does not panic, and no record comes out that did
// not go in.
func TestOpenWithFlippedBits(t *testing.T) {
	good := sample(t)
	truth := truth(t, good)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		data := bytes.Clone(good)
		at := random.IntN(len(data))
		if random.IntN(2) == 0 { // headers and elements are where it hurts
			at = at/pageSize*pageSize + random.IntN(128)
		}
		data[at] ^= 1 << random.IntN(8)
		reopen(t, fmt.Sprintf("seed %d: bit at %d", seed, at), data, truth)
	}
}

// A record that is damaged on disk is not sent, does not hold up the next, and
// ends in quarantine.
func TestDamagedRecord(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, store.Bulk, 4)
	lane := "lane/bulk/" + s.Stream()
	s.Close()
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(lane))
		for _, seq := range []byte{2, 4} {
			key := []byte{0, 0, 0, 0, 0, 0, 0, seq}
			value := bytes.Clone(b.Get(key))
			value[len(value)-5] ^= 1
			if err := b.Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
	s = open(t, path)
	batch := pending(t, s, portal, store.Bulk)
	if got := numbers(batch); got != "1 3" {
		t.Fatalf("pending %q", got)
	}
	settle(t, s, portal, batch)
	fill(t, s, store.Bulk, 1)
	settle(t, s, portal, pending(t, s, portal, store.Bulk))
	list := quarantine(t, s, portal)
	if len(list) != 2 || !list[0].Damaged || list[0].Record.Seq != 2 || list[1].Record.Seq != 4 {
		t.Fatalf("quarantine %v", list)
	}
	if err := s.Update(func(tx *store.Tx) error { return tx.Retry(list[0]) }); err == nil {
		t.Error("retry of a damaged record: no error")
	}
	update(t, s, func(tx *store.Tx) error { return errors.Join(tx.Drop(list[0]), tx.Drop(list[1])) })
	if w, err := s.Waiting(portal); err != nil || w != (store.Waiting{}) {
		t.Errorf("waiting %v %v", w, err)
	}
}

// A damaged cursor sends again rather than leave out.
func TestDamagedCursor(t *testing.T) {
	path := newPath(t)
	s := open(t, path, portal, "slow")
	fill(t, s, store.Bulk, 3)
	settle(t, s, portal, pending(t, s, portal, store.Bulk)[:2])
	s.Close()
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("cursors"))
		key, value := b.Cursor().First()
		value = bytes.Clone(value)
		value[len(value)-1] ^= 1
		return b.Put(bytes.Clone(key), value)
	})
	s = open(t, path, portal, "slow")
	if got := numbers(pending(t, s, portal, store.Bulk)); got != "1 2 3" {
		t.Errorf("pending %q", got)
	}
}

// A number is never given twice, also not when the counter is damaged.
func TestDamagedCounter(t *testing.T) {
	for _, settled := range []int{1, 3} {
		path := newPath(t)
		s := open(t, path)
		fill(t, s, store.Bulk, 3)
		settle(t, s, portal, pending(t, s, portal, store.Bulk)[:settled])
		lane := "lane/bulk/" + s.Stream()
		s.Close()
		change(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte(lane)).SetSequence(2) })
		if s, err := store.Open(path, store.Options{Destinations: []string{portal}}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%d settled: got %v", settled, err)
			s.Close()
		}
	}
}

// A value that would be in the way for ever is damage; the others are saved.
func TestDamagedValue(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	stream := s.Stream()
	update(t, s, func(tx *store.Tx) error { return errors.Join(tx.Put("ledger", "a", 100), tx.Put("ledger", "b", 200)) })
	fill(t, s, store.Urgent, 2)
	s.Close()
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("state/ledger"))
		value := bytes.Clone(b.Get([]byte("a")))
		value[len(value)-1] ^= 1 // 101
		return b.Put([]byte("a"), value)
	})
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	s, err := store.Open(path, store.Options{Destinations: []string{portal}, Salvage: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(func(tx *store.Tx) error {
		var n int
		if found, err := tx.Get("ledger", "a", &n); found || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if found, err := tx.Get("ledger", "b", &n); !found || err != nil || n != 200 {
			t.Errorf("got %d, %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := s.Saved()
	if err != nil || saved == nil {
		t.Fatal(saved, err)
	}
	want := store.Saved{At: saved.At, Damage: saved.Damage, SetAside: saved.SetAside, Streams: []string{stream}, Records: 2, Values: 1, Complete: true}
	if diff := cmp.Diff(want, *saved); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	// What was saved is what it was, comes before what is new, and leaves with its lane.
	fill(t, s, store.Urgent, 1)
	batch := pending(t, s, portal, store.Urgent)
	if got := numbers(batch); got != "1 2" || batch[0].Stream != stream || s.Stream() == stream {
		t.Errorf("pending %q of %s", got, batch[0].Stream)
	}
	settle(t, s, portal, batch, reject(batch[0]))
	settle(t, s, portal, batch) // again
	last := pending(t, s, portal, store.Urgent)
	if got := numbers(last); got != "1" || last[0].Stream != s.Stream() {
		t.Errorf("pending %q", got)
	}
	refused := quarantine(t, s, portal)
	if len(refused) != 1 || refused[0].Record.Stream != stream {
		t.Fatalf("quarantine %v", refused)
	}
	update(t, s, func(tx *store.Tx) error { return tx.Retry(refused[0]) })
	again := pending(t, s, portal, store.Urgent)
	if got := numbers(again); got != "1" || again[0].Stream != stream {
		t.Errorf("sent again: %q", got)
	}
	settle(t, s, portal, again) // not the other record with the number 1
	if diff := cmp.Diff(last, pending(t, s, portal, store.Urgent)); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
}

// What bbolt writes, the check in Open accepts, whatever was put and deleted before.
func TestOpenAfterRandomUse(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := newPath(t)
	want := map[string]string{}
	for range 12 {
		s := open(t, path)
		for range 1 + random.IntN(20) {
			deleting := random.IntN(3) // some transactions only delete, some only put
			update(t, s, func(tx *store.Tx) error {
				for range random.IntN(200) {
					key := fmt.Sprintf("%0*d", 1+random.IntN(60), random.IntN(500))
					if random.IntN(2) < deleting {
						delete(want, key)
						if err := tx.Delete("values", key); err != nil {
							return err
						}
						continue
					}
					want[key] = strings.Repeat("x", random.IntN(20)*random.IntN(20)*random.IntN(20))
					if err := tx.Put("values", key, want[key]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		got := map[string]string{}
		err := s.View(func(tx *store.Tx) error {
			return tx.Each("values", "", func(key string, value []byte) error {
				got[key] = strings.Trim(string(value), `"`)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: values (-want +got):\n%s", seed, diff)
		}
		s.Close()
	}
}
