//go:build !windows

package packaging

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// unitFile is the unit that the packages ship. An installation by hand differs in its two paths only.
//
//go:embed linux/meteragent.service
var unitFile string

const (
	packagedExecutable = "/usr/bin/meteragent"
	packagedConfig     = "/etc/meteragent/meteragent.toml"
	account            = "" // the unit names its user; the other init systems' scripts run as root
)

func rights() error {
	if os.Geteuid() != 0 {
		return ErrRights
	}
	return nil
}

// privateFolders are those that the unit's sandbox hides (ProtectHome=, PrivateTmp=).
func privateFolders() []string {
	return []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"}
}

func arguments(s Spec) []string { return []string{"run", "--config", s.Config} }

func options(s Spec) map[string]any { return map[string]any{"SystemdScript": unit(s)} }

// unit is the systemd unit for s. The zero Spec is for questions about a service, which need no unit.
func unit(s Spec) string {
	return strings.NewReplacer(packagedExecutable, s.Executable, packagedConfig, s.Config).Replace(unitFile)
}

// prepare makes the user that the unit names, and the folders.
func prepare(l registration) error {
	if l.Platform() != "linux-systemd" {
		return errors.Join(makeFolder(configFolder(), 0o750, 0), makeFolder(dataFolder(), 0o700, 0))
	}
	group, err := user.LookupGroup(Name)
	if err != nil {
		err = run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", dataFolder(),
			"--shell", "/usr/sbin/nologin", Name)
		if err != nil {
			return err
		}
		if group, err = user.LookupGroup(Name); err != nil {
			return err
		}
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("group %s: %w", Name, err)
	}
	// New files in the folder get the service's group, so that what an administrator writes there can be read by it. The
	// data folder is systemd's (StateDirectory=).
	return errors.Join(makeFolder(configFolder(), fs.ModeSetgid|0o750, gid), share(configFolder(), gid))
}

// makeFolder makes a folder, or gives an existing one its group and rights back.
func makeFolder(path string, mode fs.FileMode, gid int) error {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return err
	}
	if err := os.Chown(path, -1, gid); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// share lets a group read the files that lie in a folder already: an administrator may have made them before.
func share(folder string, gid int) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		path := filepath.Join(folder, entry.Name())
		if err := errors.Join(os.Lchown(path, -1, gid), os.Chmod(path, info.Mode()|0o040)); err != nil {
			return err
		}
	}
	return nil
}

func register(l registration, s Spec) error {
	if Packaged() {
		return run("systemctl", "enable", Name)
	}
	if strings.ContainsAny(s.Executable+s.Config, " \t\n\"'\\%$") {
		return errors.New("paths with blanks, quotes, backslashes, % or $ do not fit into a unit file")
	}
	return renew(l)
}

// renew makes the registration, or makes it anew: the library does not write over an older one. A service that runs
// meanwhile goes on running.
func renew(l registration) error {
	if _, err := l.Status(); !errors.Is(err, ErrNotInstalled) {
		if err := l.Uninstall(); err != nil {
			return err
		}
	}
	return l.Install()
}

func unregister(l registration) error { return l.Uninstall() }

func removedByPackage() bool { return Packaged() }

// Packaged says whether the system's package manager brought the program, and so brings its updates. All packages have the
// second file; those with the first are installed without it where documentation is left out.
func Packaged() bool {
	for _, theirs := range []string{"/usr/lib/systemd/system/" + Name + ".service", "/usr/share/doc/" + Name + "/copyright"} {
		if _, err := os.Stat(theirs); err == nil {
			return true
		}
	}
	return false
}

func halt(l registration) error { return l.Stop() }

// starting says whether the service is being started, or has ended and waits to be.
func starting() bool {
	out, _ := exec.Command("systemctl", "is-active", Name).Output() // its exit code says the same as its text
	return strings.TrimSpace(string(out)) == "activating"
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %.300s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// absent says whether there can be no registration, where the library does not know: without systemd it asks the init script
// and takes the shell's complaint that there is none for an error.
func absent() bool {
	_, systemd := os.Stat("/run/systemd/system")
	_, script := os.Stat("/etc/init.d/" + Name)
	return errors.Is(systemd, fs.ErrNotExist) && errors.Is(script, fs.ErrNotExist)
}

// Become runs another program in this process instead of this one: the service manager notices nothing. It returns only if
// that is not possible.
func Become(path string, args, env []string) error { return syscall.Exec(path, args, env) }

// Adopt gives a folder of the service's, and what is in it, to the owner of the folder it lies in.
func Adopt(folder string) error {
	parent, err := os.Stat(filepath.Dir(folder))
	if err != nil {
		return err
	}
	owner, ok := parent.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}
