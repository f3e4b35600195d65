package packaging

import (
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unsynchronised is STA_UNSYNC of <linux/timex.h>: nothing has set the clock lately.
const unsynchronised = 0x40

// ClockSynchronised says whether something (NTP, PTP) keeps this machine's clock right. Known is false where the system cannot
// tell; a reading's time is then as good as the clock.
func ClockSynchronised() (synchronised, known bool) {
	var t syscall.Timex // Modes is 0: only look
	if _, err := syscall.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unsynchronised == 0, true
}

// Boot names this run of the machine, which has another name after each start; "" if the system does not tell.
func Boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Up is how long the machine has been running, with the time in which it slept. Nobody can set this clock. 0 if the system does
// not tell.
func Up() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
