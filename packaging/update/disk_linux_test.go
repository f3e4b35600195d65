package update_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"meteragent/packaging/update"
)

// Without room nothing changes: neither is a program half there, nor is one run whose starts cannot be counted.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs a small file system, and so root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small file system here: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	m := newMaker(1)
	f := update.Folder{Path: dir, Root: m.root()}
	if err := install(f, from(m.repository("1.0.1"))); err != nil {
		t.Fatal(err)
	}
	chosen(t, f, now())
	if err := f.Pass("1.0.1", now()); err != nil {
		t.Fatal(err)
	}
	m.next()
	if err := install(f, from(m.repository("1.0.2"))); err != nil {
		t.Fatal(err)
	}
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if got := chosen(t, f, now()); got != "1.0.1" {
		t.Errorf("version %s runs although it cannot be counted", got)
	}
	m.next()
	if err := install(f, from(m.repository("1.0.3"))); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want no space", err)
	}
	if _, err := f.Refused(syscall.ENOSPC, now()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want no space", err)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	if got := chosen(t, f, now()); got != "1.0.2" {
		t.Errorf("with room again version %s runs", got)
	}
}
