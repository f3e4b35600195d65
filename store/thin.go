package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// A Thinner makes room by dropping records that later ones of the same group make
// superfluous. What a group is, it is told; it knows neither kinds nor bodies. It is
// for one goroutine.
//
// It goes through the bulk lane from the oldest to the newest, and remembers where it
// is. Numbers stay as they are: what is dropped leaves a hole.
type Thinner struct {
	store *Store
	group func(Record) string
	next  uint64         // number of the record to look at next
	last  map[sum]uint64 // group: number of its last record so far
}

// A sum stands for the name of a group: after weeks there are many, and of one size they
// take a quarter of the memory.
type sum [16]byte

func sumOf(group string) sum {
	whole := sha256.Sum256([]byte(group))
	return sum(whole[:16])
}

// NewThinner makes a Thinner. group names the group of a record; "" means that it is
// never dropped. Of each group the last record stays.
func (s *Store) NewThinner(group func(Record) string) *Thinner {
	return &Thinner{store: s, group: group, next: 1, last: map[sum]uint64{}}
}

// Thinned says what a step has dropped.
type Thinned struct {
	Records     int
	First, Last time.Time // of their times; zero if there are none
	More        bool      // the step ended because it had done enough
}

// Step looks at no more than most records, and not at those from until on, and drops
// what is superfluous among them, in one transaction with what also does, which is
// called if anything was dropped. If it fails, nothing has happened.
func (h *Thinner) Step(until time.Time, most int, also func(*Tx, Thinned) error) (Thinned, error) {
	var done Thinned
	nothing := errors.New("there is nothing to drop") // and nothing is written
	err := h.store.Update(func(t *Tx) error {
		done = Thinned{}
		drop := h.look(t, until, most, &done)
		if len(drop) == 0 {
			return nothing
		}
		if err := deleteAll(t.lane(Bulk, h.store.stream), drop); err != nil {
			return err
		}
		return also(t, done)
	})
	if err == nothing {
		return done, nil
	}
	if err != nil {
		h.next, h.last = 1, map[sum]uint64{} // what it remembers is not so
		return Thinned{}, fmt.Errorf("thin: %w", err)
	}
	return done, nil
}

// look finds what can be dropped.
func (h *Thinner) look(t *Tx, until time.Time, most int, done *Thinned) (drop [][]byte) {
	lane := t.lane(Bulk, h.store.stream)
	for k, value := range scan(lane, nil, number(h.next)) {
		seq, _ := parseNumber(k)
		r := Record{Stream: h.store.stream, Lane: Bulk, Seq: seq}
		if r.decode(&h.store.packer, value) != nil {
			h.next = seq + 1
			continue // it goes to quarantine when its turn comes
		}
		if !r.At.Before(until) {
			break
		}
		if most == 0 {
			done.More = true
			break
		}
		most--
		h.next = seq + 1
		group := h.group(r)
		if group == "" {
			continue
		}
		if before, ok := h.last[sumOf(group)]; ok {
			drop = h.superfluous(t, before, drop, done)
		}
		h.last[sumOf(group)] = seq
	}
	return drop
}

// superfluous adds a record to what is dropped, unless it has been delivered by now.
func (h *Thinner) superfluous(t *Tx, seq uint64, drop [][]byte, done *Thinned) [][]byte {
	value := t.lane(Bulk, h.store.stream).Get(number(seq))
	r := Record{Stream: h.store.stream, Lane: Bulk, Seq: seq}
	if value == nil {
		return drop
	}
	if _, err := r.decodeHead(value); err != nil {
		return drop
	}
	done.Records++
	if done.First.IsZero() || r.At.Before(done.First) {
		done.First = r.At
	}
	if r.At.After(done.Last) {
		done.Last = r.At
	}
	return append(drop, number(seq))
}

// Usage is what the file takes.
type Usage struct {
	File int64 // bytes on disk
	Used int64 // bytes of them that hold something; the rest is used again

	Commits uint64 // transactions since Open
	Written int64  // bytes they have written
}

// Usage tells what the file takes.
func (s *Store) Usage() (Usage, error) {
	var u Usage
	err := s.View(func(t *Tx) error {
		db := s.db.Load()
		u.File, u.Used = t.tx.Size(), s.used(t.tx)
		u.Commits = s.commits.Load()
		u.Written = s.writtenBefore.Load() + written(db) + int64(u.Commits)*pageSize // each writes a head page, too
		return nil
	})
	return u, err
}

// used is how many bytes of the file hold something, as of the last commit.
func (s *Store) used(tx *bbolt.Tx) int64 {
	stats := s.db.Load().Stats()
	return tx.Size() - int64(stats.FreePageN+stats.PendingPageN)*pageSize
}

// written is how many bytes of pages were written since the file was opened.
func written(db *bbolt.DB) int64 {
	stats := db.Stats()
	return stats.TxStats.GetPageAlloc()
}
