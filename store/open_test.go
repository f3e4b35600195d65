package store_test

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"meteragent/store"
)

const pageSize = 4096

func TestOpenMakesFolderAndFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "meteragent.db")
	s := open(t, path)
	if s.Path() != path {
		t.Errorf("path %q", s.Path())
	}
	for name, want := range map[string]fs.FileMode{
		path:                      0o600,
		path + ".pid":             0o600,
		filepath.Dir(path):        0o700 | fs.ModeDir,
		filepath.Join(path, ".."): 0o700 | fs.ModeDir,
	} {
		info, err := os.Stat(name)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path  string
		dests []string
	}{
		"folder is a file":         {filepath.Join(file, "meteragent.db"), nil},
		"file is a folder":         {t.TempDir(), nil},
		"destination without name": {newPath(t), []string{""}},
		"destination with a zero":  {newPath(t), []string{"a\x00b"}},
		"destination twice":        {newPath(t), []string{"a", "a"}},
	} {
		s, err := store.Open(c.path, store.Options{Destinations: c.dests})
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), c.path) || errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Opening and closing does not wear the flash: only the number of the process is
// written.
func TestOpenWritesNothing(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	fill(t, s, store.Bulk, 3)
	settle(t, s, portal, pending(t, s, portal, store.Bulk)[:1])
	s.Close()
	before := read(t, path)
	s = open(t, path)
	s.Close()
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file changed")
	}
}

func TestOpenTwiceInOneProcess(t *testing.T) {
	path := newPath(t)
	open(t, path)
	_, err := store.Open(path, store.Options{Timeout: time.Millisecond})
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), "this process") {
		t.Errorf("got %v", err)
	}
}

// What the program says of the format it writes is what it writes.
func TestMark(t *testing.T) {
	path := newPath(t)
	open(t, path).Close()
	change(t, path, func(tx *bbolt.Tx) error {
		if format := tx.Bucket([]byte("meta")).Get([]byte("format")); store.Mark != "meteragent database format "+string(format) {
			t.Errorf("it says %q and writes format %s", store.Mark, format)
		}
		return nil
	})
}

func TestOpenNewer(t *testing.T) {
	path := newPath(t)
	open(t, path).Close()
	change(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte(strconv.Itoa(store.Reads+1)))
	})
	before := read(t, path)
	_, err := store.Open(path, store.Options{})
	if !errors.Is(err, store.ErrNewer) {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file was touched")
	}
}

// change edits a store as another program would.
func change(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

//go:embed testdata/format-1.db.gz
var format1 []byte

//go:embed testdata/format-2.db.gz
var format2 []byte

//go:embed testdata/format-3.db.gz
var format3 []byte

//go:embed testdata/format-4.db.gz
var format4 []byte

// A file of each format opens for ever. It holds three bulk records, of which the
// portal has answered for two and refused one, an urgent one to be sent again, and a
// value. From format 2 on the third bulk record is a long one, and from 3 on it is of era 7.
func TestOpenOlderFormats(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		file         []byte
		body         int // bytes
		era          uint64
	}{
		{"format 1", "YGASSBVDWUFKYPJT7QGDEL3XLK", format1, 17, 0},
		{"format 2", "LI6J4AO6NU44PNDRJVXPTVQREJ", format2, 4000, 0},
		{"format 3", "ZJUNG4VH2TMQTXY5NNQ4SIRFRG", format3, 4000, 7},
		{"format 4", "JS7J4YH3Q5JTJ7R3JEFWTL6BCJ", format4, 4000, 7},
	} {
		path := newPath(t)
		write(t, path, unpack(t, c.file))
		for range 2 { // as it was, and as Open left it
			s := open(t, path)
			checkGolden(t, c.name, s, c.stream, c.body, c.era)
			s.Close()
		}
	}
}

func unpack(t *testing.T, file []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkGolden(t *testing.T, name string, s *store.Store, stream string, size int, era uint64) {
	t.Helper()
	if s.Stream() != stream {
		t.Errorf("%s: stream %s, want %s", name, s.Stream(), stream)
	}
	bulk, urgent := pending(t, s, portal, store.Bulk), pending(t, s, portal, store.Urgent)
	if b, u := numbers(bulk), numbers(urgent); b != "3" || u != "1" {
		t.Fatalf("%s: pending bulk %q urgent %q", name, b, u)
	}
	want := newRecord(store.Bulk)
	want.Stream, want.Seq, want.Era, want.Body = s.Stream(), 3, era, []byte(`{"meters": [ 1 ]}`)
	if size > len(want.Body) {
		want.Body = []byte(`"` + strings.Repeat("x", size-2) + `"`)
	}
	if diff := cmp.Diff(want, bulk[0]); diff != "" {
		t.Errorf("%s: record (-want +got):\n%s", name, diff)
	}
	if q := quarantine(t, s, portal); len(q) != 1 || q[0].Record.Seq != 2 || q[0].Damaged {
		t.Errorf("%s: quarantine %v", name, q)
	}
	err := s.View(func(tx *store.Tx) error {
		var level int
		if _, err := tx.Get("ledger", "ABC12345", &level); level != 42 {
			t.Errorf("%s: value %d, %v", name, level, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The power failed while the store was made for the first time.
func TestOpenAfterInterruptedBirth(t *testing.T) {
	t.Run("empty file", func(t *testing.T) {
		path := newPath(t)
		write(t, path, nil)
		fill(t, open(t, path), store.Bulk, 1)
	})
	t.Run("database without buckets", func(t *testing.T) {
		path := newPath(t)
		change(t, path, func(*bbolt.Tx) error { return nil })
		fill(t, open(t, path), store.Bulk, 1)
	})
}

func TestOpenEmptied(t *testing.T) {
	path := newPath(t)
	open(t, path).Close()
	write(t, path, nil)
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, path) // taken away on purpose
}

func TestOpenForeignDatabase(t *testing.T) {
	path := newPath(t)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("other"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
