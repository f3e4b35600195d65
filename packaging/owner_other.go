//go:build !windows

package packaging

import (
	"errors"
	"os"
	"syscall"
)

// ShareOwner gives files to whoever owns a folder, if root has written them: the service
// has an account of its own.
func ShareOwner(folder string, files ...string) (err error) {
	info, statErr := os.Stat(folder)
	if statErr != nil || os.Geteuid() != 0 {
		return statErr
	}
	owner := info.Sys().(*syscall.Stat_t)
	for _, f := range files {
		err = errors.Join(err, os.Lchown(f, int(owner.Uid), int(owner.Gid)))
	}
	return err
}
