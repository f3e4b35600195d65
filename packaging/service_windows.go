package packaging

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// account is a virtual account: Windows makes it for this service alone, it has no password and no rights but those that
// Install gives its name, and unlike LocalService nobody shares it.
const account = `NT SERVICE\` + Name

// errOpen is what Windows means by "marked for deletion".
var errOpen = errors.New("another program still holds the old registration: close the Services window and the Task Manager, then try again")

// rights are those of administrators: the service manager opens to nobody else. It is asked first, so that others leave no
// half-made folders behind.
func rights() error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	return m.Disconnect()
}

// privateFolders are those that the service's account may not read.
func privateFolders() []string {
	return []string{filepath.Join(os.Getenv("SystemDrive")+`\`, "Users")}
}

func arguments(s Spec) []string { return []string{"run", "--service", "--config", s.Config} }

func options(Spec) map[string]any { return nil }

// starting is not told from running here: the service manager gives up on a slow start by itself.
func starting() bool { return false }

// prepare makes the folders and gives the service's account its rights there.
func prepare(registration) error {
	for _, dir := range []struct {
		path     string
		writable bool
	}{{configFolder(), false}, {dataFolder(), true}} {
		if err := protect(dir.path, folderRights(dir.writable)); err != nil {
			return err
		}
	}
	return nil
}

// protect makes a folder, or gives an existing one this owner and these rights (SDDL) and no others. Any user may make
// folders below %ProgramData%, and as its owner could change the rights again.
func protect(path, rights string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	descriptor, err := windows.SecurityDescriptorFromString(rights)
	if err != nil {
		return fmt.Errorf("rights of %s: %w", path, err)
	}
	owner, _, err := descriptor.Owner()
	if err != nil {
		return fmt.Errorf("rights of %s: %w", path, err)
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		return fmt.Errorf("rights of %s: %w", path, err)
	}
	err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, owner, nil, list, nil)
	if err != nil {
		return fmt.Errorf("rights of %s: %w", path, err)
	}
	return nil
}

// register makes the registration with its event log source, or brings an older one up to date, and adds what the library
// cannot set.
func register(l registration, s Spec) error {
	_, err := l.Status()
	known := !errors.Is(err, ErrNotInstalled)
	if !known {
		if err := l.Install(); err != nil {
			return plain(err)
		}
	}
	return with(func(registered *mgr.Service) error {
		if known {
			if err := point(registered, s); err != nil {
				return err
			}
		}
		return settle(registered)
	})
}

// point gives an older registration the program's path and arguments of today.
func point(registered *mgr.Service, s Spec) error {
	line := syscall.EscapeArg(s.Executable)
	for _, a := range arguments(s) {
		line += " " + syscall.EscapeArg(a)
	}
	text, err := windows.UTF16PtrFromString(line)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	return windows.ChangeServiceConfig(registered.Handle, windows.SERVICE_NO_CHANGE, windows.SERVICE_AUTO_START,
		windows.SERVICE_NO_CHANGE, text, nil, nil, nil, nil, nil, nil)
}

// settle sets the three recovery actions, also for an end with an error, and the delayed start, which spares the services
// people wait for. Systems that do not know one of these settings run without it.
func settle(registered *mgr.Service) error {
	day := uint32(24 * time.Hour / time.Second)
	delayed := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	for _, err := range []error{
		registered.SetRecoveryActions(recovery(), day),
		registered.SetRecoveryActionsOnNonCrashFailures(true),
		windows.ChangeServiceConfig2(registered.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&delayed))),
	} {
		if err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
			return fmt.Errorf("recovery and delayed start: %w", err)
		}
	}
	return nil
}

// recovery is what Windows does the first, the second, and each further time that the service ends by itself.
func recovery() []mgr.RecoveryAction {
	again := func(wait time.Duration) mgr.RecoveryAction {
		return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: wait}
	}
	return []mgr.RecoveryAction{again(5 * time.Second), again(30 * time.Second), again(time.Minute)}
}

// unregister also waits, for a short time, until the registration has gone: another program that looks at it keeps it.
func unregister(l registration) error {
	if err := l.Uninstall(); err != nil {
		return plain(err)
	}
	return until(10*time.Second, errOpen, func() (bool, error) {
		_, err := l.Status()
		return errors.Is(err, ErrNotInstalled), nil
	})
}

// halt stops the service within half a minute. The library's own wait has no end.
func halt(registration) error {
	return with(func(registered *mgr.Service) error {
		_, err := registered.Control(svc.Stop)
		if err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
			return err
		}
		return until(30*time.Second, ErrStuck, func() (bool, error) {
			now, err := registered.Query()
			return now.State == svc.Stopped, err
		})
	})
}

// with opens the registered service for do.
func with(do func(*mgr.Service) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer m.Disconnect()
	registered, err := m.OpenService(Name)
	if err != nil {
		return err
	}
	defer registered.Close()
	return plain(do(registered))
}

// until asks five times a second whether something is so, and returns late after the limit.
func until(limit time.Duration, late error, so func() (bool, error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if yes, err := so(); yes || err != nil {
			return err
		}
	}
	return late
}

// plain says what Windows means.
func plain(err error) error {
	if errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE) {
		return errOpen
	}
	return err
}

// absent is for systems whose library does not tell a missing registration from a broken one. Windows tells.
func absent() bool { return false }

// removedByPackage is false: the MSI calls this program to do it.
func removedByPackage() bool { return false }

// Packaged is true: here the MSI brings the updates.
func Packaged() bool { return true }

// Become is for systems on which a process can become another program.
func Become(string, []string, []string) error { return errors.ErrUnsupported }

// Adopt does nothing: the folder's rights are inherited.
func Adopt(string) error { return nil }
