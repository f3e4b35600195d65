package packaging

import (
	"os"
	"path/filepath"
)

// configFolder is asked of the environment, which every Windows process has; the constant is where Windows puts it unless
// somebody moved it.
func configFolder() string {
	base := os.Getenv("ProgramData")
	if base == "" {
		base = `C:\ProgramData`
	}
	return filepath.Join(base, Name)
}

func dataFolder() string { return filepath.Join(configFolder(), "data") }
