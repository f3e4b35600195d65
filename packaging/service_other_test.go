//go:build !windows

package packaging

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// system is a service manager in memory. Like the real ones it refuses to register a service twice.
type system struct {
	registered, up bool
	broken         error // what Status says instead
	calls          []string
}

func (s *system) Status() (State, error) {
	switch {
	case !s.registered:
		return "", ErrNotInstalled
	case s.broken != nil:
		return "", s.broken
	case s.up:
		return Running, nil
	}
	return Stopped, nil
}

func (s *system) Platform() string { return "memory" }

func (s *system) Install() error {
	if s.registered {
		return errors.New("already exists")
	}
	s.calls, s.registered = append(s.calls, "install"), true
	return nil
}

func (s *system) Uninstall() error {
	s.calls, s.registered = append(s.calls, "uninstall"), false
	return nil
}

func (s *system) Start() error {
	s.calls, s.up, s.broken = append(s.calls, "start"), true, nil
	return nil
}

func (s *system) Stop() error {
	s.calls, s.up = append(s.calls, "stop"), false
	return nil
}

func TestServiceTwice(t *testing.T) {
	for _, c := range []struct {
		name   string
		system system
		do     func(registration) error
		calls  []string
		err    error
	}{
		{"install", system{}, renew, []string{"install"}, nil},
		{"install again", system{registered: true, up: true}, renew, []string{"uninstall", "install"}, nil},
		{"start", system{registered: true}, start, []string{"start"}, nil},
		{"start again", system{registered: true, up: true}, start, nil, nil},
		{"start what failed before", system{registered: true, broken: errors.New("failed")}, start, []string{"start"}, nil},
		{"start nothing", system{}, start, nil, ErrNotInstalled},
		{"stop", system{registered: true, up: true}, stop, []string{"stop"}, nil},
		{"stop again", system{registered: true}, stop, nil, nil},
		{"stop nothing", system{}, stop, nil, ErrNotInstalled},
		{"uninstall", system{registered: true, up: true}, byHand, []string{"stop", "uninstall"}, nil},
		{"uninstall nothing", system{}, byHand, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(&c.system); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if diff := cmp.Diff(c.calls, c.system.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func byHand(l registration) error { return uninstall(l, false) }

// What a package has installed is not even stopped.
func TestUninstallLeavesPackagesAlone(t *testing.T) {
	s := system{registered: true, up: true}
	if err := uninstall(&s, true); err == nil || len(s.calls) > 0 {
		t.Errorf("error %v, calls %q", err, s.calls)
	}
}

// The library parses and writes the unit: what it writes must be the packages' unit with the two paths changed, no more.
func TestUnitForInstallation(t *testing.T) {
	spec := Spec{Executable: "/opt/m/meteragent", Config: "/srv/m.toml"}
	got := strings.Split(options(spec)["SystemdScript"].(string), "\n")
	var changed []string
	for i, line := range strings.Split(unitFile, "\n") {
		if got[i] != line {
			changed = append(changed, got[i])
		}
	}
	want := []string{"ConditionPathExists=/srv/m.toml", "ExecStart=/opt/m/meteragent run --config /srv/m.toml"}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("changed lines (-want +got):\n%s", diff)
	}
	if strings.Contains(unitFile, "{{") {
		t.Error("the library would take {{ in the unit for one of its own fields")
	}
}

// The unit promises what the program needs and what the customer's administrator looks for.
func TestUnit(t *testing.T) {
	got := map[string]string{}
	section := ""
	for n, line := range strings.Split(unitFile, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = line
		default:
			key, value, found := strings.Cut(line, "=")
			if !found || section == "" {
				t.Fatalf("line %d: %q is no setting", n+1, line)
			}
			got[key] = value
		}
	}
	for key, want := range map[string]string{
		"Type": "notify", "Restart": "always", "StartLimitIntervalSec": "0", "User": Name, "Group": Name,
		"ExecStart":           "/usr/bin/meteragent run --config " + ConfigPath(),
		"ConditionPathExists": ConfigPath(),
		"StateDirectory":      filepath.Base(DataDir()), "ConfigurationDirectory": filepath.Base(configFolder()),
		"CapabilityBoundingSet": "", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
	} {
		if value, found := got[key]; !found || value != want {
			t.Errorf("%s=%s, want %s", key, value, want)
		}
	}
	for _, unwanted := range []string{"AmbientCapabilities", "PermissionsStartOnly", "ProtectClock"} {
		if value, found := got[unwanted]; found {
			t.Errorf("%s=%s is set", unwanted, value)
		}
	}
	seconds := func(key string) time.Duration {
		n, err := strconv.Atoi(got[key])
		if err != nil {
			t.Errorf("%s=%s: want seconds", key, got[key])
		}
		return time.Duration(n) * time.Second
	}
	if seconds("WatchdogSec") == 0 || seconds("RestartSec") >= 10*time.Second {
		t.Error("a program that hangs or dies must be back within seconds")
	}
	if seconds("TimeoutStopSec") <= (Program{}).stopWithin() {
		t.Error("systemd would kill the program before it gives up stopping by itself")
	}
}

// Installing mends the folder's rights each time, and lets the service read what is in it, without opening it to others.
func TestConfigFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etc", "meteragent")
	mode := func(path string) fs.FileMode {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	for range 2 {
		if err := makeFolder(path, fs.ModeSetgid|0o750, os.Getegid()); err != nil {
			t.Fatal(err)
		}
		if got, want := mode(path), fs.ModeDir|fs.ModeSetgid|0o750; got != want {
			t.Errorf("the folder's mode is %v, want %v", got, want)
		}
		if err := os.Chmod(path, 0o777); err != nil { // what somebody did meanwhile
			t.Fatal(err)
		}
	}
	token, elsewhere := filepath.Join(path, "portal.token"), filepath.Join(t.TempDir(), "elsewhere")
	for _, file := range []string{token, elsewhere} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(elsewhere, filepath.Join(path, "link")); err != nil {
		t.Fatal(err)
	}
	if err := share(path, os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if got := mode(token); got != 0o640 {
		t.Errorf("the token's mode is %v, want -rw-r-----", got)
	}
	if got := mode(elsewhere); got != 0o600 {
		t.Errorf("a file outside of the folder was opened: %v", got)
	}
}

func TestSpec(t *testing.T) {
	t.Chdir("/")
	for _, c := range []struct{ executable, config, want, problem string }{
		{"/usr/local/bin/meteragent", "", ConfigPath(), ""},
		{"/usr/local/bin/meteragent", "m.toml", "/m.toml", ""},
		{"/homely/meteragent", "", ConfigPath(), ""},
		{"/home/anna/meteragent", "", "", "/home"},
		{"/usr/local/../../root/meteragent", "", "", "/root"},
		{"/usr/local/bin/meteragent", "/root/meteragent.toml", "", "/root"},
	} {
		got, err := Spec{c.executable, c.config}.complete()
		switch {
		case c.problem == "" && (err != nil || got.Config != c.want):
			t.Errorf("%v: got %v, %v", c, got, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%v: got %v, want an error that names %s", c, err, c.problem)
		}
	}
}

func TestWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0},
		{"30000000", "", 30 * time.Second},
		{"30000000", own, 30 * time.Second},
		{"30000000", own + "0", 0}, // our parent's watchdog
		{"0", own, 0},
		{"-5", own, 0},
		{"soon", own, 0},
		{"9223372036854775807", own, 0},
	} {
		if got := watchdog(c.usec, c.pid); got != c.want {
			t.Errorf("watchdog(%q, %q) = %s, want %s", c.usec, c.pid, got, c.want)
		}
	}
}

func TestPathsBelowSystemd(t *testing.T) {
	t.Setenv("CONFIGURATION_DIRECTORY", "/etc/one:/etc/two")
	t.Setenv("STATE_DIRECTORY", "relative")
	if got, want := ConfigPath(), "/etc/one/meteragent.toml"; got != want {
		t.Errorf("ConfigPath() = %s, want %s", got, want)
	}
	if got, want := DataDir(), "/var/lib/meteragent"; got != want {
		t.Errorf("DataDir() = %s, want %s", got, want)
	}
}
