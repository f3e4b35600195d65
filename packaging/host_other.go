//go:build !windows

package packaging

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Host runs p until it ends by itself or is told to stop by SIGTERM or SIGINT, and returns what Run returned. Below systemd
// (Type=notify) it reports when p is ready and when it stops, and feeds the watchdog while p is alive. Where nobody has a
// watchdog it returns ErrHung once p no longer is. A second signal ends the process at once.
func Host(p Program) error {
	stop, release := interrupted()
	defer release()
	n := notifier(os.Getenv("NOTIFY_SOCKET"))
	m := manager{
		stop: stop,
		tell: func(s stage) error {
			return n.send(map[stage]string{
				preparing: fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", startWithin.Microseconds()),
				running:   "READY=1",
				stopping:  "STOPPING=1",
			}[s])
		},
		beat: ownBeat,
	}
	if every := watchdog(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")); every > 0 {
		m.beat, m.alive = every/2, func() error { return n.send("WATCHDOG=1") }
	}
	return serve(p, m)
}

// startWithin is TimeoutStartSec of the unit: how long systemd waits for a start from each time on that it is asked to.
const startWithin = 2 * time.Minute

// notifier is the path of systemd's notification socket; empty means that nobody listens. A leading @ is an abstract socket.
// Source: sd_notify(3).
type notifier string

func (n notifier) send(state string) error {
	if n == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: string(n), Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	return nil
}

// watchdog is how long systemd waits for a sign of life; 0 means that it does not watch this process. Source:
// sd_watchdog_enabled(3).
func watchdog(usec, pid string) time.Duration {
	if pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

// DoubleClicked says whether somebody started the program from the Explorer of Windows.
func DoubleClicked() bool { return false }
