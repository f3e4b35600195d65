package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/uuid"
)

// LoadID returns the agent's id, a random UUID that is made once and kept in the
// file "agent-id" of folder. It is not in the database, so that a database that
// had to be set aside does not make this a different agent.
func LoadID(folder string) (string, error) {
	path := filepath.Join(folder, "agent-id")
	text, err := os.ReadFile(path)
	if err == nil {
		id, err := uuid.Parse(strings.TrimSpace(string(text)))
		if err != nil {
			return "", fmt.Errorf("agent id %s: %w; delete the file to become a new agent", path, err)
		}
		return id.String(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("agent id: %w", err)
	}
	id := uuid.NewString()
	if err := WriteFile(path, []byte(id+"\n")); err != nil {
		return "", fmt.Errorf("agent id: %w", err)
	}
	return id, nil
}

// WriteFile replaces a small file so that a power cut leaves the old one or the
// new one, never half of one.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil || runtime.GOOS == "windows" {
		return err // Windows does not let a folder be synced
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
