package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meteragent/agent/config"
	"meteragent/agent/text"
)

// A log file that cannot be made or written stops nothing: each line goes to standard error,
// the status says so, and when the file can be written again it is.
func TestLogFileCannotBeWritten(t *testing.T) {
	for name, c := range map[string]struct{ hinder, mend func(path string) error }{
		"no folder": {
			func(string) error { return nil },
			func(path string) error { return os.Mkdir(filepath.Dir(path), 0o700) },
		},
		"full disk": {
			func(path string) error {
				if _, err := os.Stat("/dev/full"); err != nil {
					t.Skip("there is no device that is always full")
				}
				os.Mkdir(filepath.Dir(path), 0o700)
				return os.Symlink("/dev/full", path)
			},
			os.Remove,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "logs", "agent.log")
			if err := c.hinder(path); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			log, trouble, end := openLog(config.Log{File: path}, &stderr, false)
			log.Info("one")
			log.Info("two")
			if said := stderr.String(); strings.Count(said, "cannot be written") != 1 || !strings.Contains(said, "msg=one") || !strings.Contains(said, "msg=two") {
				t.Errorf("standard error has:\n%s", said)
			}
			if said := trouble(text.For("")); !strings.Contains(said, path) {
				t.Errorf("the status says %q", said)
			}
			if err := c.mend(path); err != nil {
				t.Fatal(err)
			}
			stderr.Reset()
			log.Info("three")
			if written, err := os.ReadFile(path); err != nil || strings.Count(string(written), "\n") != 1 || !strings.Contains(string(written), "msg=three") {
				t.Errorf("the file has %q, %v", written, err)
			}
			if said := trouble(text.For("")); said != "" || stderr.Len() > 0 {
				t.Errorf("the status says %q, standard error has %q", said, &stderr)
			}
			if err := end(); err != nil {
				t.Error(err)
			}
		})
	}
}
