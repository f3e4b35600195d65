//go:build !windows

package packaging_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/packaging"
)

// The second half of TestSecondSignal is this test binary once more, as a program that does not want to stop.
func TestMain(m *testing.M) {
	if os.Getenv("METERAGENT_TEST_STUBBORN") == "" {
		os.Exit(m.Run())
	}
	packaging.Host(packaging.Program{StopWithin: time.Hour, Run: func(ctx context.Context, ready func()) error {
		ready()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("stopping")
		select {}
	}})
}

// watching is systemd's end of the notification socket, with a watchdog of 20 ms.
func watching(t *testing.T) *net.UnixConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "n")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { systemd.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "20000")
	return systemd
}

// systemd hears of the start, of each sign of life while the program is alive and no longer, and of the stop.
func TestHostBelowSystemd(t *testing.T) {
	systemd := watching(t)
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))

	var atWork atomic.Bool
	asked := 0
	err := packaging.Host(packaging.Program{
		Run: func(ctx context.Context, ready func()) error {
			ready()
			atWork.Store(true)
			<-ctx.Done()
			return nil
		},
		Alive: func() bool {
			if !atWork.Load() {
				return false
			}
			asked++
			if asked == 5 {
				syscall.Kill(os.Getpid(), syscall.SIGTERM)
			}
			return asked <= 2
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) == 0 || got[len(got)-1] != "STOPPING=1" {
		text := make([]byte, 100)
		n, err := systemd.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text[:n]))
	}
	if diff := cmp.Diff([]string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"}, got); diff != "" {
		t.Errorf("systemd heard (-want +got):\n%s", diff)
	}
}

// systemd is asked to wait for a start that takes its time.
func TestHostSlowStart(t *testing.T) {
	systemd := watching(t)
	err := packaging.Host(packaging.Program{Run: func(context.Context, func()) error {
		text := make([]byte, 100)
		for {
			n, err := systemd.Read(text)
			if err != nil || string(text[:n]) == "EXTEND_TIMEOUT_USEC=120000000" {
				return err
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// A report that systemd does not take is an error, but only after the program has done its work.
func TestHostUnheard(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	worked := false
	err := packaging.Host(packaging.Program{Run: func(_ context.Context, ready func()) error {
		ready()
		worked = true
		return nil
	}})
	if !worked || err == nil || !strings.Contains(err.Error(), "READY=1") {
		t.Errorf("worked %t, error %v; want the work done and an error that names READY=1", worked, err)
	}
}

func TestHostGivesRunsError(t *testing.T) {
	broken := errors.New("the database is damaged")
	err := packaging.Host(packaging.Program{Run: func(context.Context, func()) error { return broken }})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// In the foreground the first signal asks the program to stop, and the second one ends the process.
func TestSecondSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("whoever started the tests has this signal ignored, and children inherit that")
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), "METERAGENT_TEST_STUBBORN=1", "NOTIFY_SOCKET=")
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(out)
			for _, want := range []string{"ready", "stopping"} {
				if !said.Scan() || said.Text() != want {
					t.Fatalf("got %q, want %q", said.Text(), want)
				}
				child.Process.Signal(sig)
			}
			// The usual effect of signals comes back just after "stopping", so the first may be too early: press again.
			press := time.NewTicker(50 * time.Millisecond)
			defer press.Stop()
			closed := make(chan struct{})
			go func() { io.Copy(io.Discard, out); close(closed) }()
			for open := true; open; {
				select {
				case <-closed:
					open = false
				case <-press.C:
					child.Process.Signal(sig)
				}
			}
			var exit *exec.ExitError
			if err := child.Wait(); !errors.As(err, &exit) {
				t.Fatalf("the process ended with %v, want an end by %v", err, sig)
			}
			if got := exit.Sys().(syscall.WaitStatus).Signal(); got != sig {
				t.Errorf("the process was ended by %v, want %v", got, sig)
			}
		})
	}
}
