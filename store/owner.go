package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Beside the database lies a small file, "<path>.pid", with the number of the
// process that opened it last, and on lines of their own the streams whose records
// were in it then. Nobody removes it: the lock on the database says whether it is in
// use, and this file only by whom. That it exists also says that a store was born
// here, so that an empty database is known to have lost its contents; and where a
// damaged one does not say any more of which stream its records are, this file does.
func ownerPath(path string) string { return path + ".pid" }

// markOwner writes our number and the streams. The caller holds the lock.
func markOwner(path string, streams []string) error {
	f, err := os.OpenFile(ownerPath(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d\n%s\n", os.Getpid(), strings.Join(streams, "\n"))
	_, err = io.WriteString(f, text)
	if err == nil {
		err = f.Truncate(int64(len(text))) // afterwards: a full disk does not lose what stood there
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// readOwner returns the lines of the file. There are none if it is not there.
func readOwner(path string) (pid string, streams []string) {
	f, err := os.Open(ownerPath(path))
	if err != nil {
		return "", nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", nil
	}
	pid, rest, _ := strings.Cut(string(text), "\n")
	for stream := range strings.Lines(rest) {
		if stream = strings.TrimSpace(stream); isName(stream) {
			streams = append(streams, stream)
		}
	}
	return pid, streams
}

// owner names the process that holds the lock, as far as that can be told: the
// number of one that is gone belongs to an earlier owner.
func owner(path string) string {
	text, _ := readOwner(path)
	switch pid, err := strconv.Atoi(strings.TrimSpace(text)); {
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

// syncFolder makes the entry of a new file in its folder survive a power cut. Windows
// does not let a folder be synced, and needs it less.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
