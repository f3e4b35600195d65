package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// This file replaces a damaged store by a new one with what could be read. How it is
// read stands in rescue.go.

// keptDamaged is how many damaged files stay beside the store, for people to look at.
const keptDamaged = 3

// Saved says what became of a damaged file, in whose place a new one was made.
type Saved struct {
	At       time.Time `json:"at"`       // when that was, by this machine's clock
	Damage   string    `json:"damage"`   // what was wrong
	SetAside string    `json:"setAside"` // where the damaged file lies since
	Streams  []string  `json:"streams"`  // of the records in it
	Records  int       `json:"records"`  // that were saved: they wait, or are in quarantine
	Missing  int       `json:"missing"`  // at most this many that waited were not found; -1 if nobody can tell
	Values   int       `json:"values"`   // keyed values that were saved
	BadPages int       `json:"badPages"` // that hold something else than they should, or cannot be read
	Complete bool      `json:"complete"` // all of the file was looked at in time
}

// Saved is what became of the damaged file that was here before this one; nil if there
// was none.
func (s *Store) Saved() (*Saved, error) {
	var saved *Saved
	err := s.View(func(t *Tx) error {
		value := t.bucket(metaBucket).Get([]byte("saved"))
		if value == nil {
			return nil
		}
		text, err := unsealPlain(metaBucket, []byte("saved"), value)
		if err != nil {
			return fmt.Errorf("what was saved: %w", err)
		}
		saved = &Saved{}
		return json.Unmarshal(text, saved)
	})
	return saved, err
}

// salvagePath is where the new file is made. It has another name until it is whole.
func salvagePath(path string) string { return path + ".salvage" }

// salvage replaces the file at path, and says both what was damaged and why that could not
// be, unless somebody else's work is in the way.
func salvage(path string, o Options, damage error) error {
	err := replace(path, o, damage)
	if err == nil || errors.Is(err, ErrInUse) || errors.Is(err, ErrNewer) {
		return err
	}
	return fmt.Errorf("%w; what is readable was not saved: %w", damage, err)
}

// replace sets the file at path aside and puts a new one in its place. Whatever
// interrupts it, either the damaged file is still there, or the new one is whole.
func replace(path string, o Options, damage error) error {
	whole := salvagePath(path)
	if err := removeUnlessInUse(whole, o.Timeout); err != nil {
		return err
	}
	aside, err := asidePath(path)
	if err != nil {
		return err
	}
	saved := Saved{At: time.Now().UTC().Truncate(time.Second), Damage: damage.Error(), SetAside: aside}
	if err := rescueInto(whole, path, o, saved); err != nil {
		return errors.Join(err, os.Remove(whole))
	}
	if err := os.Rename(path, aside); err != nil {
		return err
	}
	// Here nothing lies at path; Open knows that the new file belongs there.
	return finishSalvage(path)
}

// finishSalvage puts the new file in its place.
func finishSalvage(path string) error {
	if err := os.Rename(salvagePath(path), path); err != nil {
		return err
	}
	return syncFolder(path)
}

// rescueInto makes a whole store at path with what can be read of another file.
func rescueInto(path, from string, o Options, saved Saved) (err error) {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	db, err := openDB(path, o.Timeout, false)
	if err != nil {
		return err
	}
	db.NoSync = true // synced once, at the end; before, nobody takes it for a store
	s := &Store{path: path, destinations: slices.Clone(o.Destinations)}
	s.db.Store(db)
	err = s.prepare()
	if err == nil {
		r := newRescue(s, file, info.Size(), time.Now().Add(o.CheckWithin))
		_, streams := readOwner(from)
		r.know(streams)
		err = r.run(saved)
	}
	if err == nil {
		err = db.Sync()
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	_, err = checkFile(path, time.Now().Add(o.CheckWithin))
	return err
}

// removeUnlessInUse removes what an interrupted salvage left, but not from under
// another process that is at it.
func removeUnlessInUse(path string, timeout time.Duration) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	db, err := openDB(path, timeout, true)
	if errors.Is(err, ErrInUse) {
		return err
	}
	if err == nil {
		if err := db.Close(); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

// asidePath is a free name for a damaged file. Of those that are there, the oldest are
// removed, so that a bad disk does not fill up with them.
func asidePath(path string) (string, error) {
	prefix := path + ".damaged-"
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	var old []string
	for _, e := range entries {
		if name := filepath.Join(filepath.Dir(path), e.Name()); strings.HasPrefix(e.Name(), filepath.Base(prefix)) {
			old = append(old, name)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return modified(a).Compare(modified(b)) })
	for len(old) >= keptDamaged {
		if err := os.Remove(old[0]); err != nil {
			return "", err
		}
		old = old[1:]
	}
	name := prefix + time.Now().UTC().Format("20060102T150405Z")
	for free, i := name, 2; ; i++ {
		if !slices.Contains(old, free) {
			return free, nil
		}
		free = fmt.Sprintf("%s-%d", name, i)
	}
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
