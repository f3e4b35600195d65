package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// A Rejection names a record that a destination refuses, and its words for why.
type Rejection struct {
	Record Record          // one of those answered; only its identity counts
	Reason json.RawMessage // JSON of at most 16 KiB; what is not is kept as a JSON string, cut
}

// Settle says that dest has answered for a batch that Pending returned, or for the
// first part of it. Those it refused go into quarantine for a person to look at; all
// others count as delivered. What every destination has answered for is dropped.
//
// Nothing ever goes back: to settle what is settled does nothing. It is an error to
// settle what was never given, to leave out a record between others, and to refuse
// one that is not settled here.
func (t *Tx) Settle(dest string, answered []Record, rejected []Rejection) error {
	if len(answered) == 0 {
		return nil
	}
	lane := answered[0].Lane
	err := t.check(dest, lane)
	if err == nil {
		err = t.settle(dest, lane, answered, rejected)
	}
	if err != nil {
		last := answered[len(answered)-1]
		return fmt.Errorf("settle %s through %s %d for %s: %w", lane, last.Stream, last.Seq, dest, err)
	}
	return nil
}

// answers are what a destination said, by record; nil means it took it.
type answers map[identity]json.RawMessage

type identity struct {
	stream string
	seq    uint64
}

func (r Record) identity() identity { return identity{r.Stream, r.Seq} }

func (t *Tx) settle(dest, lane string, answered []Record, rejected []Rejection) error {
	open := answers{}
	for _, r := range answered {
		if r.Lane != lane {
			return fmt.Errorf("%s %d is of another lane", r.Lane, r.Seq)
		}
		if given := t.lane(lane, t.store.stream).Sequence(); r.Seq == 0 || r.Stream == t.store.stream && r.Seq > given {
			return fmt.Errorf("%d was never given, the last is %d", r.Seq, given)
		}
		open[r.identity()] = nil
	}
	refused := 0
	for _, r := range rejected {
		if _, ok := open[r.Record.identity()]; !ok || r.Record.Lane != lane {
			return fmt.Errorf("%s %d was refused, but not answered", r.Record.Lane, r.Record.Seq)
		}
		open[r.Record.identity()] = bounded(r.Reason)
		refused++
	}
	before, err := t.settleReturned(dest, lane, open)
	if err != nil {
		return err
	}
	for _, stream := range t.streams(lane) {
		n, err := t.settleFresh(dest, lane, stream, open)
		if err != nil {
			return err
		}
		before += n
	}
	if before < refused {
		return fmt.Errorf("%d of the refused records were settled before", refused-before)
	}
	return t.drop(lane)
}

// settleFresh moves the cursor of a stream over what was answered, and returns how
// many of these went to quarantine.
func (t *Tx) settleFresh(dest, lane, stream string, said answers) (refused int, err error) {
	through := t.cursor(dest, lane, stream)
	passed := through
	for id, reason := range said {
		if id.stream != stream {
			continue
		}
		through = max(through, id.seq)
		if reason != nil && id.seq > passed && t.lane(lane, stream).Get(number(id.seq)) == nil {
			refused++ // it was thinned after Pending returned it, and counted then
		}
	}
	if through == passed {
		return 0, nil
	}
	for r, value := range t.fresh(dest, lane, stream, 0) {
		if r.Seq > through {
			break
		}
		reason, answered := said[r.identity()]
		if whole := r; !answered && whole.decode(&t.store.packer, value) == nil {
			return 0, fmt.Errorf("%d comes before it and was not answered", r.Seq)
		}
		n, err := t.judge(dest, r, value, reason, !answered)
		if err != nil {
			return 0, err
		}
		refused += n
	}
	return refused, t.setCursor(dest, lane, stream, through)
}

// settleReturned deletes what was answered from what is to be sent again, and returns
// how many of these went to quarantine.
func (t *Tx) settleReturned(dest, lane string, said answers) (refused int, err error) {
	bucket := t.bucket(returnedBucket)
	type entry struct {
		key    []byte
		record Record
	}
	var done []entry
	for k, v := range scan(bucket, join(dest, lane, ""), nil) {
		r, _, ok := parseReturned(lane, k, v)
		if _, answered := said[r.identity()]; ok && answered {
			done = append(done, entry{k, r})
		}
	}
	for _, e := range done {
		_, value, _ := parseReturned(lane, e.key, bucket.Get(e.key))
		n, err := t.judge(dest, e.record, value, said[e.record.identity()], false)
		if err == nil {
			err = bucket.Delete(e.key)
		}
		if err != nil {
			return 0, err
		}
		refused += n
		delete(said, e.record.identity())
	}
	return refused, nil
}

// judge puts a record that is being settled into quarantine if there is a reason, or
// if it is damaged, in which case Pending left it out. It returns how many were refused.
func (t *Tx) judge(dest string, r Record, value []byte, reason json.RawMessage, damaged bool) (int, error) {
	switch {
	case damaged:
		return 0, t.quarantine(dest, r, damagedReason(), value)
	case reason != nil:
		return 1, t.quarantine(dest, r, reason, value)
	}
	return 0, nil
}

// drop deletes what every destination has answered for. Without destinations
// nothing is dropped: one that is configured later gets everything.
func (t *Tx) drop(lane string) error {
	destinations := t.destinations()
	if len(destinations) == 0 {
		return nil
	}
	for _, stream := range t.streams(lane) {
		if err := t.dropFrom(lane, stream, destinations); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) dropFrom(lane, stream string, destinations []string) error {
	through := t.cursor(destinations[0], lane, stream)
	for _, dest := range destinations[1:] {
		through = min(through, t.cursor(dest, lane, stream))
	}
	records := t.lane(lane, stream)
	records.FillPercent = bbolt.DefaultFillPercent // merge only what is nearly empty: a tenth less is written
	var done [][]byte
	left := false
	for k := range scan(records, nil, nil) {
		if seq, ok := parseNumber(k); ok && seq > through {
			left = true
			break
		}
		done = append(done, k)
	}
	if !left && stream != t.store.stream {
		return t.tx.DeleteBucket([]byte(laneBucket(lane, stream))) // what was saved has been delivered
	}
	return deleteAll(records, done)
}

// deleteAll deletes keys that were found by a scan, which must have ended.
func deleteAll(b *bbolt.Bucket, keys [][]byte) error {
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
