package agent

import (
	"errors"
	"runtime"
	"syscall"
)

// A diskError is something that a disk can say, by the name that other systems than Windows
// have for it. Windows has numbers of its own, for which Go's port only invents the names.
type diskError struct {
	name    syscall.Errno
	windows []syscall.Errno
}

func diskErrors() []diskError {
	return []diskError{
		{syscall.ENOSPC, []syscall.Errno{112, 39}}, // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
		{syscall.EDQUOT, []syscall.Errno{1295}},    // ERROR_DISK_QUOTA_EXCEEDED
		{syscall.EROFS, []syscall.Errno{19}},       // ERROR_WRITE_PROTECT
		// ERROR_CRC, ERROR_WRITE_FAULT, ERROR_READ_FAULT, ERROR_GEN_FAILURE, ERROR_IO_DEVICE
		{syscall.EIO, []syscall.Errno{23, 29, 30, 31, 1117}},
	}
}

// Disk is what err says of the disk: syscall.ENOSPC, EDQUOT, EROFS or EIO, on Windows, too;
// nil if it says nothing of it.
func Disk(err error) error { return disk(err, runtime.GOOS) }

func disk(err error, system string) error {
	for _, known := range diskErrors() {
		numbers := []syscall.Errno{known.name}
		if system == "windows" {
			numbers = known.windows
		}
		for _, number := range numbers {
			if errors.Is(err, number) {
				return known.name
			}
		}
	}
	return nil
}
