package store

import (
	"path/filepath"
	"testing"
)

// bbolt gives a file up that could not be mapped again. The next Update but one works.
func TestReopen(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "meteragent.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(v int) error { return s.Update(func(tx *Tx) error { return tx.Put("b", "k", v) }) }
	if err := put(1); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Load().Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(2); err == nil {
		t.Error("it was written to a closed file")
	}
	if err := put(3); err != nil {
		t.Error(err)
	}
	var v int
	if err := s.View(func(tx *Tx) error { _, err := tx.Get("b", "k", &v); return err }); err != nil || v != 3 {
		t.Errorf("got %d, %v", v, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if put(4) == nil || put(5) == nil {
		t.Error("what was closed on purpose was opened again")
	}
}
