package store

import (
	"errors"
	"fmt"
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
