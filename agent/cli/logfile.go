package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"meteragent/agent/text"
)

// Limits of the log on disk: five files of 5 MB.
const (
	logSize  = 5 << 20
	logFiles = 5
)

// A logFile is a file that starts anew when it is full; the old ones become NAME.1
// to NAME.4. What it does not take, because the disk is full, say, goes elsewhere, and
// each line tries again: a log never stops the program. Safe for concurrent use.
type logFile struct {
	path      string
	elsewhere io.Writer

	mu   sync.Mutex // of what follows
	file *os.File   // nil: it could not be opened
	size int64
	err  error // why the last line is not in the file
}

func openLogFile(path string, elsewhere io.Writer) *logFile {
	l := &logFile{path: path, elsewhere: elsewhere}
	l.note(l.open())
	return l
}

// open opens the file, unless it is open.
func (l *logFile) open() error {
	if l.file != nil {
		return nil
	}
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

// note says elsewhere, once, that the file cannot be written.
func (l *logFile) note(err error) {
	if err != nil && l.err == nil {
		slog.New(slog.NewTextHandler(l.elsewhere, nil)).Error("the log file cannot be written; the log goes here until it can", "file", l.path, "err", err)
	}
	l.err = err
}

// trouble is what the status says of the file; nothing while it can be written.
func (l *logFile) trouble(c *text.Catalogue) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return ""
	}
	return c.Say("problem.log", "file", l.path, "error", l.err)
}

// Write writes one line.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.note(l.write(line)); l.err != nil {
		return l.elsewhere.Write(line)
	}
	return len(line), nil
}

// write puts one line into the file. On Windows it ends as Notepad expects it.
func (l *logFile) write(line []byte) error {
	if l.size > 0 && l.size+int64(len(line)) > logSize {
		l.rotate()
	}
	if err := l.open(); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		line = bytes.ReplaceAll(line, []byte("\n"), []byte("\r\n"))
	}
	_, err := l.file.Write(line)
	if err != nil {
		err = errors.Join(err, l.file.Truncate(l.size), l.file.Close()) // no half lines
		l.file = nil
		return err
	}
	l.size += int64(len(line))
	return nil
}

func (l *logFile) rotate() {
	if l.file != nil {
		_ = l.file.Close() // what was written is written
	}
	l.file, l.size = nil, 0
	for i := logFiles - 1; i > 0; i-- {
		from := l.path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", l.path, i-1)
		}
		// A file that is not there yet, or that somebody holds open, stays as it is.
		_ = os.Rename(from, fmt.Sprintf("%s.%d", l.path, i))
	}
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
