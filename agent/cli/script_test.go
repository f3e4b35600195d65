package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"meteragent/agent/cli"
	"meteragent/transport/portal"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"meteragent": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// Every command, every exit code, as a person would type them. The scripts read like
// a session; $SITE, $PORTAL and the like are real copiers and portals on loopback.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LANG", "en_GB.UTF-8")
			e.Setenv("LC_ALL", "")
			e.Setenv("STATE_DIRECTORY", filepath.Join(e.WorkDir, "data"))
			return world(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":        code,
			"lines-fit":   linesFit,
			"envsubst":    envsubst,
			"wait-portal": waitPortal,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		RequireExplicitExec: true,
	})
}

// freePort is a TCP port that nothing listens on at the moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// code runs a command that must end with this exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var ended *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); want != 0 && !errors.As(err, &ended) || ended != nil && ended.ExitCode() != want {
		ts.Fatalf("ends with %v, not with code %d", err, want)
	}
}

// linesFit demands that no line of a file, or of stdout or stderr, is longer than 80.
func linesFit(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		for i, line := range splitLines(ts.ReadFile(name)) {
			if n := len([]rune(line)); n > 80 {
				ts.Fatalf("%s line %d has %d columns: %s", name, i+1, n, line)
			}
		}
	}
}

// envsubst puts the script's variables into files.
func envsubst(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		ts.Check(os.WriteFile(path, []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o600))
	}
}

// waitPortal waits until the portal has got some records.
func waitPortal(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := ts.Value("portal").(*portal.Portal)
	ts.Check(p.Until(ctx, func() bool { return p.Counts().Received >= n }))
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
