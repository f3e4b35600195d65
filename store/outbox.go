package store

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Append adds a record to the end of its lane and returns it with Stream and Seq
// filled in and At as it is kept. Lane, Kind, At and Body come from the caller; a
// Stream, if it is set, must be this file's.
func (t *Tx) Append(r Record) (Record, error) {
	if err := t.append(&r); err != nil {
		return Record{}, fmt.Errorf("append %s record: %w", r.Lane, err)
	}
	return r, nil
}

func (t *Tx) append(r *Record) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Stream != "" && r.Stream != t.store.stream {
		return fmt.Errorf("stream %q is another file's", r.Stream)
	}
	records := t.lane(r.Lane)
	seq, err := records.NextSequence()
	if err != nil {
		return err
	}
	r.Stream, r.Seq, r.At = t.store.stream, seq, time.UnixMicro(r.At.UnixMicro()).UTC()
	return records.Put(number(seq), r.encode())
}

// Pending returns what dest has not answered for in this lane, oldest first: at
// most max records with bodies of at most maxBytes in all, but always one if there
// is one. What a person wants sent again comes first, in batches of its own. The
// records are copies.
func (s *Store) Pending(dest, lane string, max, maxBytes int) ([]Record, error) {
	var batch []Record
	err := s.View(func(t *Tx) error {
		if err := t.check(dest, lane); err != nil {
			return fmt.Errorf("pending: %w", err)
		}
		batch = collect(t.returned(dest, lane), max, maxBytes)
		if len(batch) == 0 {
			batch = collect(t.fresh(dest, lane), max, maxBytes)
		}
		return nil
	})
	return batch, err
}

// collect copies records until there are enough. One that does not decode is left
// out; settling the next one puts it into quarantine.
func collect(from iter.Seq2[Record, []byte], max, maxBytes int) []Record {
	var batch []Record
	size := 0
	for r, value := range from {
		if r.decode(value) != nil {
			continue
		}
		size += len(r.Body)
		if len(batch) >= max || len(batch) > 0 && size > maxBytes {
			break
		}
		r.Body = bytes.Clone(r.Body)
		batch = append(batch, r)
	}
	return batch
}

// fresh yields what lies behind the cursor: each record's identity and its stored
// value.
func (t *Tx) fresh(dest, lane string) iter.Seq2[Record, []byte] {
	return func(yield func(Record, []byte) bool) {
		for k, value := range scan(t.lane(lane), nil, number(t.cursor(dest, lane)+1)) {
			seq, _ := parseNumber(k)
			if !yield(Record{Stream: t.store.stream, Lane: lane, Seq: seq}, value) {
				return
			}
		}
	}
}

// Waiting says how much a destination has not answered for.
type Waiting struct {
	Urgent, Bulk int       // records
	Oldest       time.Time // the earliest At of those that are next; zero if nothing waits
}

// Waiting counts what waits for dest. It walks what it counts: some 10 ms for
// 100,000 records in memory.
func (s *Store) Waiting(dest string) (Waiting, error) {
	var w Waiting
	err := s.View(func(t *Tx) error {
		for lane, n := range map[string]*int{Urgent: &w.Urgent, Bulk: &w.Bulk} {
			if err := t.check(dest, lane); err != nil {
				return fmt.Errorf("waiting: %w", err)
			}
			for _, queue := range []iter.Seq2[Record, []byte]{t.returned(dest, lane), t.fresh(dest, lane)} {
				for _, r := range collect(queue, 1, 0) {
					if w.Oldest.IsZero() || r.At.Before(w.Oldest) {
						w.Oldest = r.At
					}
				}
				for range queue {
					*n++
				}
			}
		}
		return nil
	})
	return w, err
}

// check says whether dest and lane exist.
func (t *Tx) check(dest, lane string) error {
	switch {
	case !slices.Contains(t.store.destinations, dest):
		return fmt.Errorf("there is no destination %q", dest)
	case !slices.Contains(lanes(), lane):
		return fmt.Errorf("there is no lane %q", lane)
	}
	return nil
}

func laneBucket(lane, stream string) string { return lanePrefix + lane + "/" + stream }

// lane returns the bucket of one of our own lanes.
func (t *Tx) lane(lane string) *bbolt.Bucket {
	b := t.bucket(laneBucket(lane, t.store.stream))
	b.FillPercent = 1 // numbers only grow
	return b
}

// cursor is the number of the last record dest has answered for. A destination
// without a cursor is new and starts at the oldest record there is; so does one
// whose cursor is damaged, as to send twice is better than to leave out.
func (t *Tx) cursor(dest, lane string) uint64 {
	key := join(dest, lane, t.store.stream)
	payload, err := unseal(key, t.bucket(cursorBucket).Get(key))
	if err != nil {
		return 0
	}
	seq, _ := parseNumber(payload)
	return seq
}

func (t *Tx) setCursor(dest, lane string, seq uint64) error {
	key := join(dest, lane, t.store.stream)
	return t.bucket(cursorBucket).Put(key, seal(key, number(seq)))
}

// join builds keys out of names, which hold no zero bytes.
func join(names ...string) []byte {
	var key []byte
	for i, name := range names {
		if i > 0 {
			key = append(key, 0)
		}
		key = append(key, name...)
	}
	return key
}
