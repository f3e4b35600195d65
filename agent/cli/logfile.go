package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// Limits of the log on disk: five files of 5 MB.
const (
	logSize  = 5 << 20
	logFiles = 5
)

// A logFile is a file that starts anew when it is full; the old ones become NAME.1
// to NAME.4. Safe for concurrent use.
type logFile struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64
}

func openLogFile(path string) (*logFile, error) {
	l := &logFile{path: path}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write writes one line. On Windows it ends as Notepad expects it.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(line)) > logSize {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	text := line
	if runtime.GOOS == "windows" {
		text = bytes.ReplaceAll(line, []byte("\n"), []byte("\r\n"))
	}
	n, err := l.file.Write(text)
	l.size += int64(n)
	if err != nil {
		return 0, err
	}
	return len(line), nil
}

func (l *logFile) rotate() error {
	if err := l.file.Close(); err != nil {
		return err
	}
	for i := logFiles - 1; i > 0; i-- {
		from := l.path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", l.path, i-1)
		}
		// A file that is not there yet, or that somebody holds open, stays as it is.
		_ = os.Rename(from, fmt.Sprintf("%s.%d", l.path, i))
	}
	return l.open()
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
