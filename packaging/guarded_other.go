//go:build !windows

package packaging

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrUnguarded is why ReadGuarded refuses a file.
var ErrUnguarded = errors.New("others than root can change it")

// ReadGuarded reads a file that decides whom the program trusts. It returns ErrUnguarded if anybody but root could change or
// replace it: the file and each folder above it must be root's, and not writable for its group or others. In a folder such as
// /tmp (sticky) others cannot replace what is root's.
func ReadGuarded(path string) ([]byte, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, err
	}
	for at := path; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return nil, err
		}
		owner, known := info.Sys().(*syscall.Stat_t)
		shared := info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0
		if !known || owner.Uid != 0 || shared {
			return nil, fmt.Errorf("%s: %w", at, ErrUnguarded)
		}
		if at == filepath.Dir(at) {
			return os.ReadFile(path)
		}
	}
}
