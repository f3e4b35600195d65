package store

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// Where address space is short, and the file is full, what waits can still be delivered, and
// then there is room again.
func TestFullFile(t *testing.T) {
	const most = 4 << 20
	s, err := Open(filepath.Join(t.TempDir(), "meteragent.db"), Options{Destinations: []string{aPortal}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.most = most
	s.db.Load().MaxSize, s.db.Load().AllocSize = most, pageSize
	add := func() error {
		return s.Update(func(tx *Tx) error {
			for range 20 {
				if _, err := tx.Append(Record{Lane: Bulk, Kind: "k"}, rand.Text()+strings.Repeat("x", 600)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for round := range 3 {
		kept := 0
		for add() == nil {
			kept += 20
		}
		if err := add(); err == nil || errors.Is(err, bbolterrors.ErrMaxSizeReached) || kept < 2000 {
			t.Errorf("round %d: %d fit; then %v", round, kept, err)
		}
		if err := s.Update(func(tx *Tx) error { return tx.Put("ledger", "a", round) }); err != nil {
			t.Errorf("round %d: what is small has no room: %v", round, err)
		}
		for {
			batch, err := s.Pending(aPortal, Bulk, 100, 1<<30)
			if err == nil && len(batch) > 0 {
				err = s.Update(func(tx *Tx) error { return tx.Settle(aPortal, batch, nil) })
			}
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if len(batch) == 0 {
				break
			}
			kept -= len(batch)
		}
		if kept != 0 {
			t.Errorf("round %d: %d were not there", round, kept)
		}
	}
}

// Where address space is short, the file ends at a length that can be mapped: what does
// not fit is refused, and what is there stays.
func TestLongestFile(t *testing.T) {
	if _, most := sizes(); (most == 256<<20) != (strconv.IntSize == 32) {
		t.Errorf("the file may become %d bytes long", most)
	}
	path := filepath.Join(t.TempDir(), "meteragent.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.db.Load().MaxSize = 1 << 20 // as where address space is short
	kept := 0
	for err = error(nil); err == nil && kept < 1000; {
		if err = s.Update(func(tx *Tx) error {
			b, err := tx.tx.CreateBucketIfNotExists([]byte("state/raw"))
			if err != nil {
				return err
			}
			b.FillPercent = bbolt.DefaultFillPercent
			return b.Put(number(uint64(kept)), make([]byte, 30000))
		}); err == nil {
			kept++
		}
	}
	if !errors.Is(err, bbolterrors.ErrMaxSizeReached) || kept < 10 {
		t.Errorf("after %d puts: %v", kept, err)
	}
	if got, err := s.Usage(); err != nil || got.File > 1<<20 {
		t.Errorf("%d bytes, %v", got.File, err)
	}
}
