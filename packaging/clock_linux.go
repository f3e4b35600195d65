package packaging

import "syscall"

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
