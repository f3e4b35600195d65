package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Append adds a record to the end of its lane, with v in JSON as its body, and returns it with
// Stream, Seq and Body filled in and At as it is kept. Lane, Kind, Subject and At come from the
// caller; a Stream, if it is set, must be this file's.
func (t *Tx) Append(r Record, v any) (Record, error) {
	if t.dry {
		return r, nil
	}
	text, err := json.Marshal(v)
	if err == nil {
		r.Body = text
		err = t.append(&r)
	}
	if err != nil {
		return Record{}, fmt.Errorf("append %s record: %w", r.Kind, err)
	}
	return r, nil
}

// append is Append of a record whose body is JSON.
func (t *Tx) append(r *Record) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Stream != "" && r.Stream != t.store.stream {
		return fmt.Errorf("stream %q is another file's", r.Stream)
	}
	r.Era = cmp.Or(r.Era, t.store.era.Load())
	records := t.lane(r.Lane, t.store.stream)
	seq, err := records.NextSequence()
	if err != nil {
		return err
	}
	t.appended = true
	r.Stream, r.Seq, r.At = t.store.stream, seq, time.UnixMicro(r.At.UnixMicro()).UTC()
	return records.Put(number(seq), r.encode(&t.store.packer))
}

// Pending returns what dest has not answered for in this lane, oldest first: what the
// first Next of a [Reader] returns, with the bodies.
func (s *Store) Pending(dest, lane string, max, maxBytes int) ([]Record, error) {
	waiting, err := s.Reader(dest, lane).Next(max, maxBytes)
	var batch []Record
	for _, w := range waiting {
		if body, err := w.AppendBody(nil); err == nil {
			w.Body = body
			batch = append(batch, w.Record)
		}
	}
	return batch, err
}

// A Reader goes through what waits for one destination in one lane, ahead of what is
// settled, so that several batches can be on the way at once. It holds nothing of the
// file between two calls, and is not safe for concurrent use. A new one begins again with
// what is not settled.
type Reader struct {
	store      *Store
	dest, lane string
	passed     passed
}

// passed says how far a reader has come.
type passed struct {
	returned map[identity]bool
	fresh    map[string]uint64 // stream: the last number
}

// Reader returns a reader that begins with the oldest record dest has not answered for.
func (s *Store) Reader(dest, lane string) *Reader {
	return &Reader{s, dest, lane, passed{map[identity]bool{}, map[string]uint64{}}}
}

// Next returns what comes next, oldest first: at most max records whose sizes are at most
// maxBytes in all, but always one if there is one. What a person wants sent again comes
// first, then what was saved from another file, each in batches of its own, so that a
// batch is of one stream unless it is sent again. The records are copies.
func (r *Reader) Next(max, maxBytes int) ([]Packed, error) {
	var batch []Packed
	err := r.store.View(func(t *Tx) error {
		if err := t.check(r.dest, r.lane); err != nil {
			return fmt.Errorf("pending: %w", err)
		}
		again := true
		for queue := range t.queues(r.dest, r.lane, r.passed) {
			if batch = t.collect(queue, max, maxBytes); len(batch) > 0 {
				for i := range batch {
					batch[i].Again = again
				}
				r.passed.add(batch, again)
				return nil
			}
			again = false
		}
		return nil
	})
	return batch, err
}

func (p passed) add(batch []Packed, again bool) {
	for _, r := range batch {
		if again {
			p.returned[r.identity()] = true
		} else {
			p.fresh[r.Stream] = r.Seq
		}
	}
}

// A queue yields each record's identity and its stored value.
type queue = iter.Seq2[Record, []byte]

// queues yields what waits for dest and was not passed, in the order in which it is
// sent: first what is to be sent again.
func (t *Tx) queues(dest, lane string, p passed) iter.Seq[queue] {
	return func(yield func(queue) bool) {
		if !yield(t.again(dest, lane, p)) {
			return
		}
		for _, stream := range t.streams(lane) {
			if !yield(t.fresh(dest, lane, stream, p.fresh[stream])) {
				return
			}
		}
	}
}

// again yields what is to be sent again and was not passed.
func (t *Tx) again(dest, lane string, p passed) queue {
	return func(yield func(Record, []byte) bool) {
		for r, value := range t.returned(dest, lane) {
			if !p.returned[r.identity()] && !yield(r, value) {
				return
			}
		}
	}
}

// collect copies records until there are enough. One that does not decode is left
// out; settling the next one puts it into quarantine.
func (t *Tx) collect(from queue, max, maxBytes int) []Packed {
	var batch []Packed
	size := 0
	for r, value := range from {
		if len(batch) >= max {
			break
		}
		flags, err := r.decodeHead(value)
		if err != nil {
			continue
		}
		p := Packed{Record: r, stored: bytes.Clone(r.Body), flags: flags, size: unpackedSize(r.Body, flags), packer: &t.store.packer}
		p.Body = nil
		size += p.Size()
		if len(batch) > 0 && size > maxBytes {
			break
		}
		batch = append(batch, p)
	}
	return batch
}

// fresh yields what lies behind the cursor, and behind a number.
func (t *Tx) fresh(dest, lane, stream string, behind uint64) queue {
	return func(yield func(Record, []byte) bool) {
		for k, value := range scan(t.lane(lane, stream), nil, number(max(behind, t.cursor(dest, lane, stream))+1)) {
			seq, _ := parseNumber(k)
			if !yield(Record{Stream: stream, Lane: lane, Seq: seq}, value) {
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
			for queue := range t.queues(dest, lane, passed{}) {
				for _, r := range t.collect(queue, 1, 0) {
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
	case !slices.Contains(t.destinations(), dest):
		return fmt.Errorf("there is no destination %q", dest)
	case !slices.Contains(lanes(), lane):
		return fmt.Errorf("there is no lane %q", lane)
	}
	return nil
}

func laneBucket(lane, stream string) string { return lanePrefix + lane + "/" + stream }

// splitLane is the opposite of laneBucket; both are empty if it is no lane.
func splitLane(bucket string) (lane, stream string) {
	rest, ok := strings.CutPrefix(bucket, lanePrefix)
	lane, stream, found := strings.Cut(rest, "/")
	if !ok || !found || !slices.Contains(lanes(), lane) || !isName(stream) {
		return "", ""
	}
	return lane, stream
}

func isLane(bucket string) bool { lane, _ := splitLane(bucket); return lane != "" }

// lane returns the bucket of one lane and stream, nil if there is none.
func (t *Tx) lane(lane, stream string) *bbolt.Bucket {
	b := t.bucket(laneBucket(lane, stream))
	if b != nil {
		b.FillPercent = 1 // numbers only grow
	}
	return b
}

// streams are those of which a lane holds records: first what was saved from other
// files, by the time of the first record, then our own.
func (t *Tx) streams(lane string) []string {
	type saved struct {
		stream string
		first  time.Time
	}
	var others []saved
	prefix := laneBucket(lane, "")
	for name := range scan(t.tx, []byte(prefix), nil) {
		stream := string(name[len(prefix):])
		if stream == t.store.stream {
			continue
		}
		s := saved{stream: stream}
		if k, v := t.lane(lane, stream).Cursor().First(); k != nil {
			seq, _ := parseNumber(k)
			r := Record{Stream: stream, Lane: lane, Seq: seq}
			if _, err := r.decodeHead(v); err == nil {
				s.first = r.At
			}
		}
		others = append(others, s)
	}
	sort.SliceStable(others, func(i, j int) bool { return others[i].first.Before(others[j].first) })
	var names []string
	for _, s := range others {
		names = append(names, s.stream)
	}
	return append(names, t.store.stream)
}

// cursor is the number of the last record dest has answered for. A destination
// without a cursor is new and starts at the oldest record there is; so does one
// whose cursor is damaged, as to send twice is better than to leave out.
func (t *Tx) cursor(dest, lane, stream string) uint64 {
	key := join(dest, lane, stream)
	payload, err := unsealPlain(cursorBucket, key, t.bucket(cursorBucket).Get(key))
	if err != nil {
		return 0
	}
	seq, _ := parseNumber(payload)
	return seq
}

func (t *Tx) setCursor(dest, lane, stream string, seq uint64) error {
	key := join(dest, lane, stream)
	return t.bucket(cursorBucket).Put(key, seal(cursorBucket, key, 0, number(seq)))
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
