//go:build !linux

package packaging

// ClockSynchronised says whether something (NTP, PTP) keeps this machine's clock right. Known is false where the system cannot
// tell, which is everywhere but on Linux.
func ClockSynchronised() (synchronised, known bool) { return false, false }
