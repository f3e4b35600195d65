package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// destinations are all that records are kept for: those of Open, and those that the file
// knows besides.
func (t *Tx) destinations() []string { return append(t.left(), t.store.destinations...) }

// left returns the names of destinations that the file knows and Open was not told.
func (t *Tx) left() []string {
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

// Left returns the names of destinations that the file knows and Open was not told, most
// likely because they were taken out of a configuration. Records wait for them until
// Forget.
func (s *Store) Left() (names []string, err error) {
	err = s.View(func(t *Tx) error {
		names = t.left()
		return nil
	})
	return names, err
}

// Forget removes a destination that Open was not told, and the records that only it
// waited for. Its quarantine stays, for a person to look at.
func (s *Store) Forget(dest string) error {
	err := s.Update(func(t *Tx) error {
		if !slices.Contains(t.left(), dest) {
			return errors.New("there is none of this name, or it is still in use")
		}
		return t.forget(dest)
	})
	if err != nil {
		return fmt.Errorf("forget destination %q: %w", dest, err)
	}
	return nil
}

// forget is Forget.
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

// newcomers are the destinations that the file does not know yet. A cursor at 0 makes
// them known, so that one that never answers is not forgotten either.
func (t *Tx) newcomers() (names []string) {
	for _, dest := range t.store.destinations {
		known := false
		for range scan(t.bucket(cursorBucket), join(dest, ""), nil) {
			known = true
			break
		}
		if !known {
			names = append(names, dest)
		}
	}
	return names
}

// Succeed lets dest go on where another destination is, with the records of a lane that are wanted:
// those that the other has not answered for, and dest has, dest shall get again. It returns how
// far the other is, by stream: what dest has still to get up to there, the other has had. Where it
// has itself succeeded one, before is what this returned then. Of one that the file does not know,
// nothing more is known.
func (t *Tx) Succeed(lane, other, dest string, before map[string]uint64, wanted func(Record) bool) (had map[string]uint64, err error) {
	had = map[string]uint64{}
	maps.Copy(had, before)
	if err := t.check(dest, lane); err != nil {
		return nil, fmt.Errorf("succeed %s: %w", other, err)
	}
	if t.check(other, lane) != nil {
		return had, nil
	}
	type waiting struct {
		record Record
		value  []byte
	}
	var all []waiting
	take := func(r Record, value []byte) {
		if r.decode(&t.store.packer, value) == nil && wanted(r) {
			all = append(all, waiting{r, bytes.Clone(value)})
		}
	}
	for r, value := range t.returned(other, lane) {
		take(r, value)
	}
	for _, stream := range t.streams(lane) {
		had[stream] = max(before[stream], t.cursor(other, lane, stream))
		mine := t.cursor(dest, lane, stream)
		for r, value := range t.fresh(other, lane, stream, before[stream]) {
			if r.Seq > mine {
				break
			}
			take(r, value)
		}
	}
	for _, w := range all {
		if err := t.sendAgain(dest, w.record, w.value); err != nil {
			return nil, fmt.Errorf("succeed %s: %w", other, err)
		}
	}
	return had, nil
}
