package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"
)

// Append adds a record to the end of its lane and returns it with Stream and Seq
// filled in and At as it is kept. Lane, Kind, At and Body come from the caller.
//
// A record whose Stream is that of another file keeps it, and its Seq: so records
// saved from a damaged file keep their identity. They are delivered before this
// file's own.
func (t *Tx) Append(r Record) (Record, error) {
	if err := r.check(); err != nil {
		return Record{}, fmt.Errorf("append %s record: %w", r.Lane, err)
	}
	r.At = time.UnixMicro(r.At.UnixMicro()).UTC()
	q, err := t.number(&r)
	if err == nil {
		err = q.records.Put(number(r.Seq), r.encode())
	}
	if err != nil {
		return Record{}, fmt.Errorf("append %s record: %w", r.Lane, err)
	}
	return r, nil
}

// number gives r its identity and returns the queue it belongs to.
func (t *Tx) number(r *Record) (queue, error) {
	var err error
	switch own := t.store.stream; {
	case r.Stream == "" || r.Stream == own:
		q := t.queue(r.Lane, own)
		r.Stream = own
		r.Seq, err = q.records.NextSequence()
		return q, err
	case !isName(r.Stream) || r.Seq == 0:
		return queue{}, errors.New("identity from another file is incomplete")
	}
	if _, err = t.tx.CreateBucketIfNotExists(laneBucket(r.Lane, r.Stream)); err != nil {
		return queue{}, err
	}
	return t.queue(r.Lane, r.Stream), nil
}

// Pending returns what dest has not answered for in this lane, oldest first: at
// most max records with bodies of at most maxBytes in all, but always one if there
// is one. What a person sent again comes first. The records are copies.
func (s *Store) Pending(dest, lane string, max, maxBytes int) ([]Record, error) {
	var batch []Record
	err := s.View(func(t *Tx) error {
		if err := t.checkDestination(dest); err != nil {
			return fmt.Errorf("pending: %w", err)
		}
		size := 0
		for r := range t.pending(dest, lane) {
			size += len(r.Body)
			if len(batch) >= max || len(batch) > 0 && size > maxBytes {
				break
			}
			r.Body = bytes.Clone(r.Body)
			batch = append(batch, r)
		}
		return nil
	})
	return batch, err
}

// pending yields what dest has not answered for. A record that does not decode is
// left out; settling the next one puts it into quarantine.
func (t *Tx) pending(dest, lane string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for k, v := range scan(t.bucket(returnedBucket), join(dest, lane, ""), nil) {
			if _, r, ok := parseShelfKey(k); ok && r.decode(v) == nil && !yield(r) {
				return
			}
		}
		for _, q := range t.queues(lane) {
			for seq, v := range q.after(q.cursor(dest)) {
				r := Record{Stream: q.stream, Lane: lane, Seq: seq}
				if r.decode(v) == nil && !yield(r) {
					return
				}
			}
		}
	}
}

// Waiting says how much a destination has not answered for.
type Waiting struct {
	Urgent, Bulk int       // records
	Oldest       time.Time // At of the record that is next in its lane, the earlier of both; zero if nothing waits
}

// Waiting counts what waits for dest. It walks what it counts: about 10 ms for
// 100,000 records in memory.
func (s *Store) Waiting(dest string) (Waiting, error) {
	var w Waiting
	err := s.View(func(t *Tx) error {
		if err := t.checkDestination(dest); err != nil {
			return fmt.Errorf("waiting: %w", err)
		}
		w.Urgent = t.count(dest, Urgent)
		w.Bulk = t.count(dest, Bulk)
		for _, lane := range lanes() {
			for r := range t.pending(dest, lane) {
				if w.Oldest.IsZero() || r.At.Before(w.Oldest) {
					w.Oldest = r.At
				}
				break
			}
		}
		return nil
	})
	return w, err
}

func (t *Tx) count(dest, lane string) int {
	n := 0
	for range scan(t.bucket(returnedBucket), join(dest, lane, ""), nil) {
		n++
	}
	for _, q := range t.queues(lane) {
		for range q.after(q.cursor(dest)) {
			n++
		}
	}
	return n
}

// A queue is one lane of one stream.
type queue struct {
	tx           *Tx
	lane, stream string
	records      *bbolt.Bucket
}

func laneBucket(lane, stream string) []byte { return []byte(lanePrefix + lane + "/" + stream) }

// queue returns one lane of one stream. Its records are nil if it does not exist;
// those of the file's own stream always do.
func (t *Tx) queue(lane, stream string) queue {
	q := queue{tx: t, lane: lane, stream: stream, records: t.tx.Bucket(laneBucket(lane, stream))}
	if q.records != nil {
		q.records.FillPercent = 1 // keys only grow
	}
	return q
}

// queues returns the queues of a lane: those saved from other files, then our own.
func (t *Tx) queues(lane string) []queue {
	var all []queue
	prefix := laneBucket(lane, "")
	c := t.tx.Cursor()
	for name, _ := c.Seek(prefix); bytes.HasPrefix(name, prefix); name, _ = c.Next() {
		if stream := string(name[len(prefix):]); stream != t.store.stream {
			all = append(all, t.queue(lane, stream))
		}
	}
	if own := t.queue(lane, t.store.stream); own.records != nil {
		all = append(all, own)
	}
	return all
}

// after yields what is stored behind a number, undecoded.
func (q queue) after(seq uint64) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		for k, v := range scan(q.records, nil, number(seq+1)) {
			if n, ok := parseNumber(k); ok && !yield(n, v) {
				return
			}
		}
	}
}

// cursor is the number of the last record dest has answered for. A destination
// without a cursor is new and starts at the oldest record there is; so does one
// whose cursor is damaged, as to send twice is better than to leave out.
func (q queue) cursor(dest string) uint64 {
	key := join(dest, q.lane, q.stream)
	payload, err := unseal(key, q.tx.bucket(cursorBucket).Get(key))
	if err != nil {
		return 0
	}
	seq, _ := parseNumber(payload)
	return seq
}

func (q queue) setCursor(dest string, seq uint64) error {
	key := join(dest, q.lane, q.stream)
	return q.tx.bucket(cursorBucket).Put(key, seal(key, number(seq)))
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
