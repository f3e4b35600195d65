package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Beside the database lies a small file, "<path>.pid", with the number of the
// process that opened it last. Nobody removes it: the lock on the database says
// whether it is in use, and this file only by whom. That it exists also says that a
// store was born here, so that an empty database is known to have lost its contents.
func ownerPath(path string) string { return path + ".pid" }

// markOwner writes our number. The caller holds the lock.
func markOwner(path string) error {
	f, err := os.OpenFile(ownerPath(path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	return errors.Join(err, f.Sync(), f.Close())
}

// owner names the process that holds the lock, as far as that can be told: the
// number of one that is gone belongs to an earlier owner.
func owner(path string) string {
	f, err := os.Open(ownerPath(path))
	if err != nil {
		return "another process"
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return "another process"
	}
	switch pid, err := strconv.Atoi(strings.TrimSpace(string(text))); {
	case err != nil || pid <= 0 || !alive(pid):
		return "another process"
	case pid == os.Getpid():
		return "this process itself"
	default:
		return fmt.Sprintf("process %d", pid)
	}
}

// alive reports whether a process runs. Windows has no signal 0; there FindProcess
// finds only what runs.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
