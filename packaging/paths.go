package packaging

import (
	"os"
	"path/filepath"
)

// ConfigPath is where the configuration file lies: /etc/meteragent/meteragent.toml, or
// %ProgramData%\meteragent\meteragent.toml on Windows. Below systemd it is in the folder that the unit names.
func ConfigPath() string {
	return filepath.Join(folder("CONFIGURATION_DIRECTORY", configFolder), Name+".toml")
}

// DataDir is the folder for everything the program keeps: /var/lib/meteragent, or %ProgramData%\meteragent\data on Windows.
// Below systemd it is the folder that the unit names.
func DataDir() string { return folder("STATE_DIRECTORY", dataFolder) }

// folder is the first folder in an environment variable that systemd sets (systemd.exec(5): several are divided by colons),
// and otherwise the usual one. A relative path is not from systemd.
func folder(variable string, usual func() string) string {
	for _, dir := range filepath.SplitList(os.Getenv(variable)) {
		if filepath.IsAbs(dir) {
			return dir
		}
	}
	return usual()
}
