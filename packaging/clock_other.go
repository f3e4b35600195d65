//go:build !linux && !windows

package packaging

import "time"

// ClockSynchronised says whether something (NTP, PTP) keeps this machine's clock right. Known is false where the system cannot
// tell.
func ClockSynchronised() (synchronised, known bool) { return false, false }

// Boot names this run of the machine; "" where the system does not tell.
func Boot() string { return "" }

// Up is how long the machine has been running; 0 where the system does not tell.
func Up() time.Duration { return 0 }
