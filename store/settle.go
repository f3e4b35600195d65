package store

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A Rejection names a record that a destination refuses, and its words for why.
type Rejection struct {
	Stream, Lane string
	Seq          uint64
	Reason       json.RawMessage // JSON of at most 16 KiB; what is not is kept as a JSON string, cut
}

// Settle says that dest has answered for these records: the batch that Pending
// returned, or the first part of it, in the same order. Those it refused, each one
// of the batch, go into quarantine for a person to look at; all others count as
// delivered. What every destination has answered for is dropped.
//
// What is not named is not settled. It is an error to leave out a record that is
// older than a named one, since it would never be sent. A record that was settled
// before is passed over.
func (t *Tx) Settle(dest string, answered []Record, rejected []Rejection) error {
	err := t.checkDestination(dest)
	if err == nil {
		err = t.settle(dest, answered, rejected)
	}
	if err != nil {
		return fmt.Errorf("settle for %s: %w", dest, err)
	}
	return nil
}

// identity is what a record is known by everywhere.
type identity struct {
	lane, stream string
	seq          uint64
}

func (r Record) identity() identity { return identity{r.Lane, r.Stream, r.Seq} }

// reasons are the refusals by record.
type reasons map[identity]json.RawMessage

func (t *Tx) settle(dest string, answered []Record, rejected []Rejection) error {
	refused := reasons{}
	for _, r := range rejected {
		refused[identity{r.Lane, r.Stream, r.Seq}] = r.Reason
	}
	named := 0
	var rest []Record // without what was returned
	for _, r := range answered {
		if _, ok := refused[r.identity()]; ok {
			named++
		}
		returned, err := t.settleReturned(dest, r, refused)
		if err != nil {
			return err
		}
		if !returned {
			rest = append(rest, r)
		}
	}
	if named < len(refused) {
		return fmt.Errorf("%d of the refused records are not among the answered", len(refused)-named)
	}
	for len(rest) > 0 {
		q := t.queue(rest[0].Lane, rest[0].Stream)
		same := func(r Record) bool { return r.Lane == q.lane && r.Stream == q.stream }
		other := slices.IndexFunc(rest, func(r Record) bool { return !same(r) })
		if other < 0 {
			other = len(rest)
		}
		if err := q.settle(dest, rest[:other], refused); err != nil {
			return err
		}
		rest = rest[other:]
	}
	return nil
}

// settleReturned settles r if it was sent again on a person's word.
func (t *Tx) settleReturned(dest string, r Record, refused reasons) (bool, error) {
	key := shelfKey(dest, r.identity())
	returned := t.bucket(returnedBucket)
	value := slices.Clone(returned.Get(key))
	if value == nil {
		return false, nil
	}
	if reason, ok := refused[r.identity()]; ok {
		if err := t.quarantine(dest, r.identity(), reason, value); err != nil {
			return true, err
		}
	}
	return true, returned.Delete(key)
}

// settle moves the cursor of dest over these records, which must be the next ones.
func (q queue) settle(dest string, answered []Record, refused reasons) error {
	if q.records == nil {
		return nil // another file's, delivered to the end before
	}
	cursor := q.cursor(dest)
	answered = slices.DeleteFunc(slices.Clone(answered), func(r Record) bool { return r.Seq <= cursor })
	for seq, value := range q.after(cursor) {
		if len(answered) == 0 {
			break
		}
		id := identity{q.lane, q.stream, seq}
		reason, isRefused := refused[id]
		if seq == answered[0].Seq {
			answered = answered[1:]
		} else if r := (Record{Seq: seq}); r.decode(value) == nil {
			return fmt.Errorf("%s %d is older than %d and has no answer", q.lane, seq, answered[0].Seq)
		} else {
			reason, isRefused = damagedReason(), true // it was left out of Pending
		}
		if isRefused {
			if err := q.tx.quarantine(dest, id, reason, value); err != nil {
				return err
			}
		}
		cursor = seq
	}
	if len(answered) > 0 {
		return fmt.Errorf("%s %d of stream %s is not pending", q.lane, answered[0].Seq, q.stream)
	}
	if err := q.setCursor(dest, cursor); err != nil {
		return err
	}
	return q.drop()
}

// drop deletes what every destination has answered for. Without destinations
// nothing is dropped: one that is configured later gets everything.
func (q queue) drop() error {
	if len(q.tx.store.destinations) == 0 {
		return nil
	}
	through := q.cursor(q.tx.store.destinations[0])
	for _, dest := range q.tx.store.destinations[1:] {
		through = min(through, q.cursor(dest))
	}
	var done []uint64
	for seq := range q.after(0) {
		if seq > through {
			break
		}
		done = append(done, seq)
	}
	for _, seq := range done {
		if err := q.records.Delete(number(seq)); err != nil {
			return err
		}
	}
	return q.finish()
}

// finish removes the queue of another file when it is empty. Our own stays: its
// bucket holds the last number given.
func (q queue) finish() error {
	if first, _ := q.records.Cursor().First(); q.stream == q.tx.store.stream || first != nil {
		return nil
	}
	for _, dest := range q.tx.store.destinations {
		if err := q.tx.bucket(cursorBucket).Delete(join(dest, q.lane, q.stream)); err != nil {
			return err
		}
	}
	return q.tx.tx.DeleteBucket(laneBucket(q.lane, q.stream))
}

// forgotten returns the names of destinations the file knows and the configuration
// does not.
func (t *Tx) forgotten() []string {
	var names []string
	for _, bucket := range []string{cursorBucket, returnedBucket} {
		for k := range scan(t.bucket(bucket), nil, nil) {
			dest := firstName(k)
			if t.checkDestination(dest) != nil && !slices.Contains(names, dest) {
				names = append(names, dest)
			}
		}
	}
	return names
}

// forget removes a destination, and the records only it waited for. Its quarantine
// stays, for a person to look at.
func (t *Tx) forget(dest string) error {
	for _, name := range []string{cursorBucket, returnedBucket} {
		bucket := t.bucket(name)
		var keys [][]byte
		for k := range scan(bucket, join(dest, ""), nil) {
			keys = append(keys, slices.Clone(k))
		}
		for _, k := range keys {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
	}
	for _, lane := range lanes() {
		for _, q := range t.queues(lane) {
			if err := q.drop(); err != nil {
				return err
			}
		}
	}
	return nil
}
