package store

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

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
