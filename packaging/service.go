package packaging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What the commands branch on.
var (
	ErrNotInstalled = errors.New("the service is not installed")
	ErrRights       = errors.New("administrator rights are needed")
)

// Spec says how the service shall run.
type Spec struct {
	Executable string // path of the program; "" is the one that is running now
	Config     string // path of the configuration file; "" is ConfigPath
}

// State is what the service manager says of the service.
type State string

// The states of a service. Starting includes one that ended and is about to be started again.
const (
	Running  State = "running"
	Starting State = "starting"
	Stopped  State = "stopped"
)

// registration is the service as the machine's service manager has it. Its methods may fail if they are called twice; what
// uses them below may not.
type registration interface {
	Install() error
	Uninstall() error
	Start() error
	Stop() error
	Status() (State, error) // ErrNotInstalled, or what is wrong with it
	Platform() string       // the service manager, for example linux-systemd
}

// Install registers the service, so that it starts with the machine, has few rights and is restarted whenever it ends. It
// makes the folders that ConfigPath and DataDir name. It does not start the service. Installing again brings an older
// registration up to date. It returns ErrRights without administrator rights.
func Install(s Spec) error {
	s, err := s.complete()
	if err != nil {
		return fmt.Errorf("install service: %w", err)
	}
	return act("install", s, func(l registration) error {
		if err := prepare(l); err != nil {
			return err
		}
		return register(l, s)
	})
}

// Uninstall stops the service and removes its registration. Configuration, data and log files stay. It is not an error if
// there is nothing to remove. What a package manager has installed is left to it, and runs on. It returns ErrRights without
// administrator rights.
func Uninstall() error {
	return act("uninstall", Spec{}, func(l registration) error { return uninstall(l, removedByPackage()) })
}

func uninstall(l registration, byPackage bool) error {
	if byPackage {
		return errors.New("it came with a package: remove it with apt, dnf, apk or opkg")
	}
	err := stop(l)
	if errors.Is(err, ErrNotInstalled) {
		return nil
	}
	if err != nil {
		return err
	}
	return unregister(l)
}

// Purge deletes the folders that ConfigPath and DataDir name, with everything in them: the configuration, its secrets, and
// readings that nobody has confirmed. The service must be uninstalled before. It returns ErrRights without administrator
// rights.
func Purge() error {
	return act("purge", Spec{}, func(l registration) error {
		if _, err := l.Status(); !errors.Is(err, ErrNotInstalled) {
			return errors.New("it is still installed")
		}
		return errors.Join(os.RemoveAll(configFolder()), os.RemoveAll(dataFolder()))
	})
}

// Start starts the service; a running one is left alone. It returns ErrNotInstalled, ErrRights, or why the service does not
// run although it was started.
func Start() error { return act("start", Spec{}, start) }

// Stop stops the service and waits for its end; a stopped one is left alone. It returns ErrNotInstalled or ErrRights.
func Stop() error { return act("stop", Spec{}, stop) }

// Restart stops the service if it runs, and starts it. It returns what Start returns.
func Restart() error {
	return act("restart", Spec{}, func(l registration) error {
		if err := stop(l); err != nil {
			return err
		}
		return start(l)
	})
}

// Status says whether the service runs. It needs no rights. It returns ErrNotInstalled.
func Status() (State, error) {
	l, err := open(Spec{})
	if err != nil {
		return "", fmt.Errorf("service status: %w", err)
	}
	s, err := l.Status()
	if err != nil {
		return "", fmt.Errorf("service status: %w", err)
	}
	return s, nil
}

// act does one thing to the service and says in plain words what stood in the way.
func act(what string, s Spec, do func(registration) error) error {
	err := rights()
	if err == nil {
		var l registration
		if l, err = open(s); err == nil {
			err = do(l)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrRights):
		return fmt.Errorf("%s service: %w (%w)", what, ErrRights, err)
	}
	return fmt.Errorf("%s service: %w", what, err)
}

func start(l registration) error {
	s, err := l.Status()
	if errors.Is(err, ErrNotInstalled) || s == Running {
		return err
	}
	// Any other error means that the last run ended badly, and that is no reason not to try again.
	if err := l.Start(); err != nil {
		return err
	}
	if s, err = l.Status(); err != nil || s != Stopped {
		return err
	}
	if _, err := os.Stat(ConfigPath()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no configuration yet: %s is missing", ConfigPath())
	}
	return errors.New("it ended at once; its log says why")
}

func stop(l registration) error {
	s, err := l.Status()
	if errors.Is(err, ErrNotInstalled) || s == Stopped {
		return err
	}
	return halt(l)
}

// complete fills in what is not said, and refuses paths that the service could not use later.
func (s Spec) complete() (Spec, error) {
	if s.Executable == "" {
		path, err := os.Executable()
		if err != nil {
			return s, err
		}
		s.Executable = path
	}
	if s.Config == "" {
		s.Config = ConfigPath()
	}
	for _, path := range []*string{&s.Executable, &s.Config} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return s, err
		}
		for _, private := range privateFolders() {
			if strings.HasPrefix(absolute, private+string(filepath.Separator)) {
				return s, fmt.Errorf("the service may not look into %s: copy %s to another folder first", private, absolute)
			}
		}
		*path = absolute
	}
	return s, nil
}
