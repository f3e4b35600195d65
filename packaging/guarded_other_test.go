//go:build !windows

package packaging_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"meteragent/packaging"
)

// Whom the program trusts stands in a file that only root can change or replace.
func TestReadGuarded(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(folder, file string) error
		good   bool
	}{
		{"root's alone", func(_, _ string) error { return nil }, true},
		{"readable for all", func(_, file string) error { return os.Chmod(file, 0o644) }, true},
		{"writable for a group", func(_, file string) error { return os.Chmod(file, 0o660) }, false},
		{"writable for all", func(_, file string) error { return os.Chmod(file, 0o602) }, false},
		{"somebody else's", func(_, file string) error { return os.Chown(file, 4711, 0) }, false},
		{"in a folder of somebody else", func(folder, _ string) error { return os.Chown(folder, 4711, 0) }, false},
		{"in a folder writable for a group", func(folder, _ string) error { return os.Chmod(folder, 0o770) }, false},
		{"in a folder like /tmp", func(folder, _ string) error { return os.Chmod(folder, 0o777|os.ModeSticky) }, true},
	} {
		folder := filepath.Join(t.TempDir(), "etc")
		file := filepath.Join(folder, "root.json")
		link := filepath.Join(t.TempDir(), "link.json")
		if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(file, []byte("keys"), 0o600), os.Symlink(file, link)); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := c.change(folder, file); err != nil {
				t.Fatal(err)
			}
		} else {
			c.good = false // what is ours is not root's
		}
		for _, path := range []string{file, link} {
			data, err := packaging.ReadGuarded(path)
			if c.good && (err != nil || string(data) != "keys") || !c.good && !errors.Is(err, packaging.ErrUnguarded) {
				t.Errorf("%s: got %q, %v; want it read: %t", c.name, data, err, c.good)
			}
		}
	}
	if _, err := packaging.ReadGuarded(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
}
