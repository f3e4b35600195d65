package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"meteragent/store"
)

// The folder belongs to somebody else, or the file does.
func TestOpenWithoutRights(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "meteragent.db")
	open(t, path).Close()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	if os.Geteuid() == 0 {
		// The rights of a thread that touches files as somebody else. The thread ends
		// with the test.
		runtime.LockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0)
	} else if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(dir, "new.db"), filepath.Join(dir, "new", "new.db")} {
		s, err := store.Open(path, store.Options{})
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", path)
		} else if !errors.Is(err, fs.ErrPermission) || errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
