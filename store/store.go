package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// A Store is an open file. It is safe for concurrent use.
type Store struct {
	db           atomic.Pointer[bbolt.DB]
	path         string
	stream       string
	destinations []string
	most         int64 // bytes that the file may become long; 0: as the disk allows
	commits      atomic.Uint64
	era          atomic.Uint64

	writtenBefore atomic.Int64 // bytes, to files that were made short since
	writing       sync.Mutex   // held by whoever writes, or changes db
	closed        bool
	renamed       atomic.Bool // the file has a new name that is not on disk yet
	failed        atomic.Bool // the last commit failed, and not all head pages were written since
	packer
}

// Path is the file's path, as it was given to Open.
func (s *Store) Path() string { return s.path }

// Stream is the random id that was born with the file. Another file, also one in
// the same place, has another.
func (s *Store) Stream() string { return s.stream }

// Destinations are the names that Open was given.
func (s *Store) Destinations() []string { return slices.Clone(s.destinations) }

// Most is how long the file may become, in bytes; 0 if that is up to the disk. Where address
// space is short, Update refuses records that would take the last sixteenth of it, so that
// what was answered can always be settled, which frees the rest.
func (s *Store) Most() int64 { return s.most }

// SetEra sets what records get from now on that name no era of their own. It is 0 until
// then, which means none.
func (s *Store) SetEra(era uint64) { s.era.Store(era) }

// Close waits for transactions in progress and closes the file. After it, every
// method but Close returns an error.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.closed = true
	if err := s.db.Load().Close(); err != nil {
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
//
// There is one exception: if the disk fails at the very last write, what fn did can be
// seen although Update returned an error, and is on disk with the next Update that succeeds.
func (s *Store) Update(fn func(*Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	var refused error
	var id int
	err := s.db.Load().Update(func(tx *bbolt.Tx) error {
		t := &Tx{tx: tx, store: s}
		id, refused = tx.ID(), fn(t)
		if refused == nil && t.appended && s.most > 0 && s.used(tx) > s.most/16*15 {
			return fmt.Errorf("it may become %d bytes long, and is full", s.most)
		}
		return refused
	})
	switch {
	case err != nil && refused == nil:
		s.failed.Store(true)
		if s.newest() == id && s.rewriteHeads() {
			err = nil // it could be seen: only the syncing of its head page had failed
		}
	case err == nil && s.failed.Load():
		s.rewriteHeads()
	}
	if err == nil && s.renamed.Load() {
		if err = syncFolder(s.path); err == nil { // or a power cut brings the long file back
			s.renamed.Store(false)
		}
	}
	if err == nil {
		s.commits.Add(1)
	}
	if lost(err) {
		s.reopen() // for the next time
	}
	if err != nil && refused == nil {
		return fmt.Errorf("commit to store %s: %w", s.path, err)
	}
	return err
}

// rewriteHeads writes both head pages by transactions without contents, and reports
// whether the first of them is on disk. A head page that could not be synced stays in the
// page cache as if it were.
func (s *Store) rewriteHeads() bool {
	nothing := func(*bbolt.Tx) error { return nil }
	if s.db.Load().Update(nothing) != nil {
		return false
	}
	s.failed.Store(s.db.Load().Update(nothing) != nil)
	return true
}

// newest is the number of the transaction that readers see; -1 if it cannot be told.
func (s *Store) newest() int {
	id := -1
	s.db.Load().View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }) // fails only if it is closed
	return id
}

// lost reports whether bbolt has given up the file, because it could not be mapped
// again when it had grown.
func lost(err error) bool {
	return errors.Is(err, bbolterrors.ErrInvalidMapping) || errors.Is(err, bbolterrors.ErrDatabaseNotOpen)
}

// reopen, of whoever writes, opens the file again, after the same check as at first. If it cannot be opened,
// that is tried again at the next Update.
func (s *Store) reopen() {
	if s.closed || !lost(s.db.Load().View(func(*bbolt.Tx) error { return nil })) {
		return
	}
	s.db.Load().Close() // an error changes nothing: the lock goes with the file
	if _, err := checkFile(s.path, time.Now().Add(time.Minute)); err != nil {
		return
	}
	if db, err := openDB(s.path, time.Second, false); err == nil {
		s.db.Store(db)
	}
}

// Try runs fn in a transaction of which nothing is kept, to find out what fn would do: what it
// appends, puts and deletes is neither made nor seen by what it reads. It waits for no Update.
func (s *Store) Try(fn func(*Tx) error) error {
	return s.View(func(t *Tx) error {
		t.dry = true
		return fn(t)
	})
}

// View runs fn in a transaction that only reads: the state after the last
// commit, which stays the same until fn returns. Many may run at a time, beside
// an Update. Calling Update inside fn can deadlock.
func (s *Store) View(fn func(*Tx) error) error {
	var refused error
	db := s.db.Load()
	err := db.View(func(tx *bbolt.Tx) error {
		refused = fn(&Tx{tx: tx, store: s})
		return refused
	})
	if refused == nil && lost(err) && s.db.Load() != db {
		return s.View(fn) // Shorten has put another file there before fn was called
	}
	if err != nil && refused == nil {
		return fmt.Errorf("read store %s: %w", s.path, err)
	}
	return err
}

// A Tx is one transaction, given to the function of Update or View.
type Tx struct {
	tx       *bbolt.Tx
	store    *Store
	appended bool // a record
	dry      bool // nothing is to be written; see Try
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
