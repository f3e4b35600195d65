package packaging

import (
	"strconv"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// ClockSynchronised says whether something (NTP, PTP) keeps this machine's clock right. Windows has no cheap answer to that.
func ClockSynchronised() (synchronised, known bool) { return false, false }

// Boot names this run of the machine, which has another name after each start; "" if the system does not tell. Windows counts
// its starts.
func Boot() string {
	const path = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close()
	starts, _, err := key.GetIntegerValue("BootId")
	if err != nil {
		return ""
	}
	return "start " + strconv.FormatUint(starts, 10)
}

// Up is how long the machine has been running, with the time in which it slept (GetTickCount64). Nobody can set this clock.
func Up() time.Duration { return windows.DurationSinceBoot() }
