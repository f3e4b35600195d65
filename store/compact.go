package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

// bbolt uses free pages again, but never gives them back. After a long outage the file
// stays as long as the backlog was. So Open, when nothing else goes on, writes a shorter
// one, and Shorten does so in between, if little is to be copied.

const (
	compactFrom = 4 << 20 // bytes: a smaller file is no burden
	compactStep = 1 << 20 // bytes in one transaction
	compactMost = 8 << 20 // bytes that are copied while others wait
)

func compactPath(path string) string { return path + ".compact" }

// worthCompacting reports whether more than half of a file is free.
func worthCompacting(used int, size int64) bool {
	return size >= compactFrom && int64(used)*pageSize < size/2
}

// compact puts a copy without free pages in the place of the file, which from has open
// for reading. The copy is on disk and has been checked before the old file goes; if
// anything fails, the old file stays as it is.
func compact(from *bbolt.DB, path string, o Options) error {
	whole := compactPath(path)
	if err := removeUnlessInUse(whole, o.Timeout); err != nil {
		return err
	}
	err := copyInto(whole, from, o)
	if err == nil {
		err = os.Rename(whole, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(whole))
	}
	return syncFolder(path)
}

// Shorten makes the file short if more than half of it is free and no more than 8 MiB are
// to be copied, and reports whether it did. Meanwhile Update waits, for some tenths of a
// second or, on a slow card, some seconds; View does not.
func (s *Store) Shorten() (bool, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	u, err := s.Usage()
	if err != nil || runtime.GOOS == "windows" || // which does not rename over an open file
		u.Used > compactMost || !worthCompacting(int(u.Used/pageSize), u.File) {
		return false, err
	}
	old := s.db.Load()
	short, err := s.shortCopy(old)
	if err != nil {
		return false, fmt.Errorf("shorten store %s: %w", s.path, err)
	}
	s.writtenBefore.Add(written(old))
	s.db.Store(short)
	old.Close() // waits for its readers; the file has no name any more, so an error means nothing
	return true, nil
}

// shortCopy puts a copy in the place of the file and returns it open. If that fails, the
// old file stays.
func (s *Store) shortCopy(from *bbolt.DB) (*bbolt.DB, error) {
	whole := compactPath(s.path)
	err := copyInto(whole, from, Options{Timeout: time.Second, CheckWithin: time.Minute})
	var short *bbolt.DB
	if err == nil {
		short, err = openDB(whole, time.Second, false)
	}
	if err == nil {
		if err = os.Rename(whole, s.path); err != nil {
			err = errors.Join(err, short.Close())
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(whole))
	}
	s.renamed.Store(syncFolder(s.path) != nil)
	return short, nil
}

func copyInto(path string, from *bbolt.DB, o Options) error {
	to, err := openDB(path, o.Timeout, false)
	if err != nil {
		return err
	}
	to.NoSync = true // synced once, at the end
	err = bbolt.Compact(to, from, compactStep)
	if err == nil {
		err = to.Sync()
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	if err := cutBehindLastPage(path); err != nil {
		return err
	}
	_, err = checkFile(path, time.Now().Add(o.CheckWithin))
	return err
}

// cutBehindLastPage removes what bbolt has reserved for pages to come, on Windows at least.
func cutBehindLastPage(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	m, err := newestMeta(f)
	if err == nil {
		err = f.Truncate(int64(m.pages) * pageSize)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
