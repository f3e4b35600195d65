package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// A Store is an open file. It is safe for concurrent use.
type Store struct {
	db           *bbolt.DB
	path         string
	stream       string
	destinations []string
	commits      atomic.Uint64
	era          atomic.Uint64
	packer
}

// Path is the file's path, as it was given to Open.
func (s *Store) Path() string { return s.path }

// Stream is the random id that was born with the file. Another file, also one in
// the same place, has another.
func (s *Store) Stream() string { return s.stream }

// Destinations are the names that Open was given.
func (s *Store) Destinations() []string { return slices.Clone(s.destinations) }

// SetEra sets what records get from now on that name no era of their own. It is 0 until
// then, which means none.
func (s *Store) SetEra(era uint64) { s.era.Store(era) }

// Close waits for transactions in progress and closes the file. After it, every
// method but Close returns an error.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", s.path, err)
	}
	return nil
}

// Update runs fn in a transaction that may write. One runs at a time. If fn
// returns nil, everything it did is on disk when Update returns nil. If fn
// returns an error, or the commit fails (a full disk, for example), nothing of it
// happened and the store goes on working. Change memory after Update, not in fn.
//
// The Tx is valid until fn returns. Calling Update inside fn deadlocks.
func (s *Store) Update(fn func(*Tx) error) error {
	var refused error
	err := s.db.Update(func(tx *bbolt.Tx) error {
		refused = fn(&Tx{tx: tx, store: s})
		return refused
	})
	if err == nil {
		s.commits.Add(1)
	}
	if err != nil && refused == nil {
		return fmt.Errorf("commit to store %s: %w", s.path, err)
	}
	return err
}

// Try runs fn as Update does, and takes back what it did: it tells what Update would do.
// Nothing is written to disk.
func (s *Store) Try(fn func(*Tx) error) error {
	taken := errors.New("taken back")
	if err := s.Update(func(t *Tx) error { return cmp.Or(fn(t), taken) }); err != taken {
		return err
	}
	return nil
}

// View runs fn in a transaction that only reads: the state after the last
// commit, which stays the same until fn returns. Many may run at a time, beside
// an Update. Calling Update inside fn can deadlock.
func (s *Store) View(fn func(*Tx) error) error {
	var refused error
	err := s.db.View(func(tx *bbolt.Tx) error {
		refused = fn(&Tx{tx: tx, store: s})
		return refused
	})
	if err != nil && refused == nil {
		return fmt.Errorf("read store %s: %w", s.path, err)
	}
	return err
}

// A Tx is one transaction, given to the function of Update or View.
type Tx struct {
	tx    *bbolt.Tx
	store *Store
}

// The buckets; see the package comment for their contents.
const (
	metaBucket       = "meta"
	cursorBucket     = "cursors"
	quarantineBucket = "quarantine"
	returnedBucket   = "returned"
	lanePrefix       = "lane/"
	statePrefix      = "state/"
)

func (t *Tx) bucket(name string) *bbolt.Bucket { return t.tx.Bucket([]byte(name)) }

// A tree has keys in order: a bucket, or a transaction as the bucket of all buckets.
type tree interface{ Cursor() *bbolt.Cursor }

// scan yields what lies in b under keys that begin with prefix, in order, from the
// key prefix+from on. b must not be changed meanwhile.
func scan(b tree, prefix, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := b.Cursor()
		for k, v := c.Seek(slices.Concat(prefix, from)); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}
