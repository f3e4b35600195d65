package store

import (
	"errors"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// bbolt uses free pages again, but never gives them back. After a long outage the file
// stays as long as the backlog was. So Open, when nothing else goes on, writes a shorter
// one.

const (
	compactFrom = 4 << 20 // bytes: a smaller file is no burden
	compactStep = 1 << 20 // bytes in one transaction
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

// cutBehindLastPage removes what bbolt has reserved for pages to come.
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
