package agent

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestDisk(t *testing.T) {
	for _, c := range []struct {
		system string
		err    error
		want   error
	}{
		{"linux", syscall.ENOSPC, syscall.ENOSPC},
		{"linux", fmt.Errorf("commit: %w", &fs.PathError{Op: "truncate", Path: "meteragent.db", Err: syscall.EDQUOT}), syscall.EDQUOT},
		{"linux", &fs.PathError{Op: "write", Path: "meteragent.db", Err: syscall.EIO}, syscall.EIO},
		{"linux", syscall.EROFS, syscall.EROFS},
		{"linux", syscall.Errno(112), nil}, // EHOSTDOWN
		{"linux", syscall.Errno(39), nil},  // ENOTEMPTY
		{"linux", os.ErrPermission, nil},
		{"linux", nil, nil},
		{"windows", &fs.PathError{Op: "write", Path: "meteragent.db", Err: syscall.Errno(112)}, syscall.ENOSPC},
		{"windows", fmt.Errorf("commit: %w", syscall.Errno(39)), syscall.ENOSPC},
		{"windows", syscall.Errno(1295), syscall.EDQUOT},
		{"windows", syscall.Errno(19), syscall.EROFS},
		{"windows", syscall.Errno(23), syscall.EIO},
		{"windows", syscall.Errno(1117), syscall.EIO},
		{"windows", syscall.Errno(5), nil}, // ERROR_ACCESS_DENIED
		{"windows", os.ErrNotExist, nil},
	} {
		if got := disk(c.err, c.system); got != c.want {
			t.Errorf("%s, %v: got %v, want %v", c.system, c.err, got, c.want)
		}
	}
}
