package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent/config"
	"meteragent/store"
)

// A damaged database that cannot be mended is said once and waited for, with longer and
// longer pauses, and the program counts as started. When it can be mended, it is.
func TestDatabaseCannotBeMended(t *testing.T) {
	folder := t.TempDir()
	path := databasePath(folder)
	inTheWay := path + ".salvage"
	if err := errors.Join(os.WriteFile(path, []byte("no database"), 0o600), os.MkdirAll(filepath.Join(inTheWay, "folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		d := &daemon{cfg: config.Config{Store: config.Store{Folder: folder}}, log: slog.New(slog.NewTextHandler(&said, nil))}
		begin, ready := time.Now(), 0
		time.AfterFunc(time.Hour, func() { os.RemoveAll(inTheWay) })
		s, err := d.awaitStore(t.Context(), func() { ready++ })
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if took := time.Since(begin); took < time.Hour || took > time.Hour+mendMost {
			t.Errorf("mended after %s", took)
		}
		if n := strings.Count(said.String(), "cannot be mended"); n != 1 || ready != 1 || !strings.Contains(said.String(), "the database is open") {
			t.Errorf("%d times ready; it said:\n%s", ready, &said)
		}
		if saved, err := s.Saved(); err != nil || saved == nil {
			t.Errorf("saved %+v, %v", saved, err)
		}
	})
}

// A service waits for a database that another process has, that belongs to somebody else, or
// that a newer version wrote, and says so on its page; a person at a terminal is told.
func TestDatabaseOfOthers(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		other, err := store.Open(databasePath(folder), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(10*time.Minute, func() { other.Close() })
		d := &daemon{cfg: config.Config{Store: config.Store{Folder: folder}}, log: slog.New(slog.DiscardHandler), watched: true}
		if s, err := d.awaitStore(t.Context(), func() {}); s != nil || !errors.Is(err, store.ErrInUse) {
			t.Errorf("at a terminal: got %v, %v", s, err)
		}
		d.watched = false
		begin := time.Now()
		s, err := d.awaitStore(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if took := time.Since(begin); took < 9*time.Minute || took > 12*time.Minute {
			t.Errorf("opened after %s", took)
		}
	})
	for _, c := range []struct {
		err                 error
		service, atTerminal bool
	}{
		{store.ErrDamaged, true, true},
		{syscall.ENOSPC, true, true},
		{store.ErrInUse, true, false},
		{store.ErrNewer, true, false},
		{&fs.PathError{Op: "open", Path: "meteragent.db", Err: syscall.EACCES}, true, false},
		{&fs.PathError{Op: "mkdir", Path: "data", Err: syscall.ENOTDIR}, false, false},
		{nil, false, false},
	} {
		if got := (&daemon{}).passes(c.err); got != c.service {
			t.Errorf("%v: a service waits: %t", c.err, got)
		}
		if got := (&daemon{watched: true}).passes(c.err); got != c.atTerminal {
			t.Errorf("%v: at a terminal it waits: %t", c.err, got)
		}
	}
}

// While it waits, the program can be told to stop; what the page says is why it waits.
func TestStopWhileDatabaseIsBroken(t *testing.T) {
	folder := t.TempDir()
	path := databasePath(folder)
	if err := errors.Join(os.WriteFile(path, []byte("no database"), 0o600), os.MkdirAll(filepath.Join(path+".salvage", "folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{cfg: config.Config{Store: config.Store{Folder: folder}}, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if s, err := d.awaitStore(ctx, func() {}); s != nil || err != nil {
			t.Errorf("got %v, %v; want neither", s, err)
		}
		_, err := openStore(d.cfg)
		status, statusErr := d.brokenFacts(time.Now(), err).Status("")
		if statusErr != nil || len(status.Problems) != 1 || !strings.Contains(status.Problems[0], path) {
			t.Errorf("the page says %q, %v", status.Problems, statusErr)
		}
	})
}
