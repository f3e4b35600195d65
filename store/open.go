package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// What Open returns wraps one of these, or an error of the file system.
var (
	// ErrInUse: another process has the file open. The text names it.
	ErrInUse = errors.New("in use")
	// ErrNewer: a newer version of the program wrote the file.
	ErrNewer = errors.New("written by a newer version")
	// ErrDamaged: the file is not, or not any more, a store, and was not touched: see Salvage.
	ErrDamaged = errors.New("damaged")
)

// Options say how to open a store.
type Options struct {
	// Destinations are the names of all that records go to, each a name of at most 64
	// bytes without slashes. One that the file knows and this list does not keeps what it
	// waits for until Forget is called for it. One that is new gets all that is still kept.
	// With none, records are kept until there is one.
	Destinations []string
	Timeout      time.Duration // to wait while another process has the file; 0 means 1 s

	// Salvage says what to do with a damaged file: to rename it to
	// "<path>.damaged-<time>" and to go on with a new one that holds everything readable,
	// of which Store.Saved tells. The three last damaged files are kept. If that fails, the
	// error wraps ErrDamaged and why, and the damaged file is as it was.
	Salvage bool
	// CheckWithin is how long the file may be read before it is trusted, and again how
	// long before it is given up; 0 means 10 min.
	CheckWithin time.Duration
}

// Open opens the file at path, which is made if it is not there, as is its folder.
// Only this user may read either.
//
// The error wraps ErrInUse, ErrNewer, ErrDamaged or what the file system said.
func Open(path string, o Options) (*Store, error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.CheckWithin == 0 {
		o.CheckWithin = 10 * time.Minute
	}
	s, err := open(path, o)
	if o.Salvage && errors.Is(err, ErrDamaged) {
		if err = salvage(path, o, err); err == nil {
			s, err = open(path, o)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o Options) (*Store, error) {
	for i, dest := range o.Destinations {
		if !isName(dest) || slices.Contains(o.Destinations[:i], dest) {
			return nil, fmt.Errorf("destination %q is not a name, or is there twice", dest)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	born, err := inspect(path, o)
	if err != nil {
		return nil, err
	}
	db, err := openDB(path, o.Timeout, false)
	if err != nil {
		return nil, err
	}
	_, most := sizes()
	s := &Store{path: path, destinations: slices.Clone(o.Destinations), most: int64(most)}
	s.db.Store(db)
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	os.Remove(compactPath(path)) // if there is one, the power failed while it was written
	err = markOwner(path, s.allStreams())
	if born {
		err = nil // without the mark an error message says less: no reason to stop when the disk is full
	}
	// Also of an old file, since whoever made it or put it there may have got no further.
	if err := errors.Join(err, syncFolder(path)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// inspect reports whether there is a store at path that bbolt can be trusted with.
// It is false if there is none yet.
func inspect(path string, o Options) (born bool, err error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		err := finishSalvage(path) // the power failed between two renames
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err == nil {
			return inspect(path, o)
		}
		return false, err
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, errors.New("it is not a file")
	case info.Size() == 0:
		if _, err := os.Stat(ownerPath(path)); err == nil {
			return false, damaged(errors.New("it is empty, and was not"))
		}
		return false, nil // the power failed while it was being made
	}
	// Opened for reading, bbolt looks at nothing but the two head pages, and its lock
	// keeps writers away while we look at the rest.
	db, err := openDB(path, o.Timeout, true)
	if errors.Is(err, ErrInUse) {
		return false, err
	}
	if err != nil {
		if _, cause := checkFile(path, time.Now().Add(o.CheckWithin)); cause != nil {
			return false, cause // says more
		}
		return false, err
	}
	defer db.Close()
	used, err := checkFile(path, time.Now().Add(o.CheckWithin))
	if err != nil {
		return false, err
	}
	var size int64
	err = db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		born, err = isStore(tx)
		return err
	})
	if err == nil && !born {
		// Its birth was interrupted. If the disk failed then, what is in the page cache is
		// not on disk, and never will be: so it is made anew.
		return false, os.Remove(path)
	}
	if err == nil && worthCompacting(used, size) {
		// A long file is as good as a short one: on a full disk, or where an open file
		// cannot be replaced, it stays long.
		_ = compact(db, path, o)
	}
	return born, err
}

// checkFile looks at the file before it is mapped. What cannot be read, because the
// disk is bad, is damaged; that it cannot be opened is no fault of the file.
func checkFile(path string, until time.Time) (used int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if used, err = check(f, info.Size(), until); err != nil {
		return 0, damaged(err)
	}
	return used, nil
}

// isStore reports whether the contents are ours and whether we can read them. A
// database without any bucket is one whose birth was interrupted.
func isStore(tx *bbolt.Tx) (bool, error) {
	if first, _ := tx.Cursor().First(); first == nil {
		return false, nil
	}
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		return false, damaged(errors.New("it is the database of another program"))
	}
	switch found, ok := formatOf(meta.Get([]byte("format"))); {
	case !ok:
		return false, damaged(errors.New("it does not say its format"))
	case found > Reads:
		return false, newer(found)
	}
	return true, checkValues(tx)
}

// checkValues looks at what would be in the way for ever if it were damaged: the keyed
// values. A damaged record goes to quarantine, a damaged cursor sends again.
func checkValues(tx *bbolt.Tx) error {
	for name := range scan(tx, []byte(statePrefix), nil) {
		for k, v := range scan(tx.Bucket(name), nil, nil) {
			if _, _, err := unseal(string(name), k, v); err != nil {
				return damaged(fmt.Errorf("%s %q: %w", name, k, err))
			}
		}
	}
	return nil
}

func damaged(cause error) error {
	return fmt.Errorf("%w: %w", ErrDamaged, cause)
}

// openDB opens the file with bbolt. A panic in there becomes an error.
func openDB(path string, timeout time.Duration, readOnly bool) (db *bbolt.DB, err error) {
	var file *os.File
	defer func() {
		if cause := recover(); cause != nil {
			// check should have seen it. The lock goes with the file.
			db, err = nil, errors.Join(damaged(fmt.Errorf("%v", cause)), file.Close())
		}
	}()
	mapped, most := sizes()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         timeout,
		ReadOnly:        readOnly,
		PageSize:        pageSize,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		NoGrowSync:      runtime.GOOS != "windows", // see doc.go
		InitialMmapSize: mapped,
		MaxSize:         most,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	if err == nil && most > 0 {
		db.AllocSize = pageSize // which bbolt keeps free below the end
	}
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w by %s", ErrInUse, owner(path))
	}
	if err == nil && !isAt(path, file) {
		// Another process has put a new file there, and uses it.
		return nil, errors.Join(fmt.Errorf("%w by %s", ErrInUse, owner(path)), db.Close())
	}
	return db, err
}

// sizes says how much address space is reserved for the file, and how long it may
// become, in bytes. Where there is much address space, none has to be mapped again while
// the file grows, for which every reader would have to end; a mapping that fails then
// leaves bbolt without one. Windows makes the file as long as the mapping, and 32 bits
// have little space.
func sizes() (mapped, most int) {
	switch {
	case strconv.IntSize == 32:
		return 0, 256 << 20
	case runtime.GOOS == "windows":
		return 0, 0
	}
	return 1 << 30, 0
}

// isAt reports whether an open file is the one that lies at path.
func isAt(path string, file *os.File) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && os.SameFile(there, info)
}

// prepare makes the buckets of a new file, or reads those of an old one. A file in which
// nothing changes is not written to.
func (s *Store) prepare() error {
	var fresh, older bool
	var newcomers []string
	err := s.View(func(t *Tx) error {
		meta := t.bucket(metaBucket)
		if fresh = meta == nil; fresh {
			return nil
		}
		stream, err := unsealPlain(metaBucket, []byte("stream"), meta.Get([]byte("stream")))
		if err != nil {
			return damaged(fmt.Errorf("its stream: %w", err))
		}
		s.stream = string(stream)
		older = string(meta.Get([]byte("format"))) != strconv.Itoa(format)
		for _, name := range t.buckets() {
			if t.bucket(name) == nil {
				return damaged(fmt.Errorf("it has no bucket %s", name))
			}
		}
		newcomers = t.newcomers()
		return t.checkNumbers()
	})
	switch {
	case err != nil:
		return err
	case fresh:
		s.stream = rand.Text()
		return s.Update((*Tx).create)
	case !older && len(newcomers) == 0:
		return nil
	}
	return s.Update(func(t *Tx) error {
		for _, dest := range newcomers {
			if err := t.setCursor(dest, Bulk, s.stream, 0); err != nil {
				return err
			}
		}
		// From format 1 to 2, 3 and 4: values of the older kinds stay as they are, new ones are
		// of the newest kind (seal.go). Only the number keeps older versions away.
		return t.bucket(metaBucket).Put([]byte("format"), []byte(strconv.Itoa(format)))
	})
}

// create fills a new file.
func (t *Tx) create() error {
	for _, name := range t.buckets() {
		if _, err := t.tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	meta := t.bucket(metaBucket)
	if err := meta.Put([]byte("format"), []byte(strconv.Itoa(format))); err != nil {
		return err
	}
	for _, dest := range t.store.destinations {
		if err := t.setCursor(dest, Bulk, t.store.stream, 0); err != nil {
			return err
		}
	}
	return meta.Put([]byte("stream"), seal(metaBucket, []byte("stream"), 0, []byte(t.store.stream)))
}

// buckets are those that every store has.
func (t *Tx) buckets() []string {
	names := []string{metaBucket, cursorBucket, quarantineBucket, returnedBucket}
	for _, lane := range lanes() {
		names = append(names, laneBucket(lane, t.store.stream))
	}
	return names
}

// checkNumbers makes sure that no number is given twice, as it would be if the
// last number given were damaged.
func (t *Tx) checkNumbers() error {
	for _, lane := range lanes() {
		records := t.lane(lane, t.store.stream)
		key, _ := records.Cursor().Last()
		last, _ := parseNumber(key)
		for _, dest := range t.destinations() {
			last = max(last, t.cursor(dest, lane, t.store.stream))
		}
		if given := records.Sequence(); given < last {
			return damaged(fmt.Errorf("%s %d is there, but only %d numbers were given", lane, last, given))
		}
	}
	return nil
}

// allStreams are those of all records.
func (s *Store) allStreams() []string {
	all := []string{s.stream}
	s.db.Load().View(func(tx *bbolt.Tx) error { // which can only fail if it is closed
		for name := range scan(tx, []byte(lanePrefix), nil) {
			if _, stream := splitLane(string(name)); stream != "" && !slices.Contains(all, stream) {
				all = append(all, stream)
			}
		}
		return nil
	})
	return all
}
