package store

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// A Rejection names a record that a destination refuses, and its words for why.
type Rejection struct {
	Seq    uint64
	Reason json.RawMessage // JSON of at most 16 KiB; what is not is kept as a JSON string, cut
}

// Settle says that dest has answered for a batch that Pending returned, or the first
// part of it: for everything through this number, which is that of the last record
// answered. Those it refused go into quarantine for a person to look at; all others
// count as delivered. What every destination has answered for is dropped.
//
// Call it once for a batch. Nothing ever goes back: what is settled stays settled.
// It is an error to settle a number that was never given, and to refuse a record
// that is not among those settled.
func (t *Tx) Settle(dest, lane string, through uint64, rejected []Rejection) error {
	err := t.check(dest, lane)
	if err == nil {
		err = t.settle(dest, lane, through, rejected)
	}
	if err != nil {
		return fmt.Errorf("settle %s through %d for %s: %w", lane, through, dest, err)
	}
	return nil
}

func (t *Tx) settle(dest, lane string, through uint64, rejected []Rejection) error {
	refused := map[uint64]json.RawMessage{}
	for _, r := range rejected {
		refused[r.Seq] = r.Reason
	}
	var err error
	switch {
	case through > t.lane(lane).Sequence():
		return fmt.Errorf("the last number given is %d", t.lane(lane).Sequence())
	case through > t.cursor(dest, lane):
		err = t.settleFresh(dest, lane, through, refused)
	default:
		err = t.settleReturned(dest, lane, through, refused)
	}
	if err == nil && len(refused) > 0 {
		err = fmt.Errorf("%d of the refused records were not settled", len(refused))
	}
	return err
}

// settleFresh moves the cursor. It takes out of refused what it puts in quarantine.
func (t *Tx) settleFresh(dest, lane string, through uint64, refused map[uint64]json.RawMessage) error {
	for r, value := range t.fresh(dest, lane) {
		if r.Seq > through {
			break
		}
		if err := t.judge(dest, r, value, refused); err != nil {
			return err
		}
	}
	if err := t.setCursor(dest, lane, through); err != nil {
		return err
	}
	return t.drop(lane)
}

// settleReturned deletes from the front of what is to be sent again. More may have
// been added at the end since the batch was made; that is not settled with it.
func (t *Tx) settleReturned(dest, lane string, through uint64, refused map[uint64]json.RawMessage) error {
	bucket := t.bucket(returnedBucket)
	var front [][]byte
	for k, v := range scan(bucket, join(dest, lane, ""), nil) {
		front = append(front, k)
		if r, _, ok := parseReturned(lane, k, v); !ok || r.Seq != through {
			continue
		}
		for _, k := range front {
			if r, value, ok := parseReturned(lane, k, bucket.Get(k)); ok {
				if err := t.judge(dest, r, value, refused); err != nil {
					return err
				}
			}
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
		return nil
	}
	return nil // settled before
}

// judge puts a record that is being settled into quarantine if it was refused, or if
// it is damaged, in which case Pending left it out.
func (t *Tx) judge(dest string, r Record, value []byte, refused map[uint64]json.RawMessage) error {
	reason, isRefused := refused[r.Seq]
	delete(refused, r.Seq)
	if whole := r; whole.decode(value) != nil {
		reason, isRefused = damagedReason(), true
	}
	if !isRefused {
		return nil
	}
	return t.quarantine(dest, r, reason, value)
}

// drop deletes what every destination has answered for. Without destinations
// nothing is dropped: one that is configured later gets everything.
func (t *Tx) drop(lane string) error {
	if len(t.store.destinations) == 0 {
		return nil
	}
	through := t.cursor(t.store.destinations[0], lane)
	for _, dest := range t.store.destinations[1:] {
		through = min(through, t.cursor(dest, lane))
	}
	records := t.lane(lane)
	records.FillPercent = bbolt.DefaultFillPercent // merge only what is nearly empty: a tenth less is written
	var done [][]byte
	for k := range scan(records, nil, nil) {
		if seq, ok := parseNumber(k); ok && seq > through {
			break
		}
		done = append(done, k)
	}
	return deleteAll(records, done)
}

// forgotten returns the names of destinations that the file knows and the
// configuration does not.
func (t *Tx) forgotten() []string {
	var names []string
	for _, bucket := range []string{cursorBucket, returnedBucket} {
		for k := range scan(t.bucket(bucket), nil, nil) {
			dest := firstName(k)
			if !slices.Contains(t.store.destinations, dest) && !slices.Contains(names, dest) {
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
			keys = append(keys, k)
		}
		if err := deleteAll(bucket, keys); err != nil {
			return err
		}
	}
	for _, lane := range lanes() {
		if err := t.drop(lane); err != nil {
			return err
		}
	}
	return nil
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
