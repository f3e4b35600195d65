package collector_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"meteragent/collector"
)

// TestFleet reads a fleet that runs elsewhere and prints what that cost: first readings,
// then readings by plan. METERAGENT_FLEET is the first address with its port and the
// number of devices, "127.10.0.1:161+1000"; METERAGENT_FLEET_USER makes it ask with
// version 3, as this user of SHA-1 and AES-128, besides. It fails if a device is missed or
// a reading by plan takes more than a request or 1,000 octets; how long it takes it only
// says. METERAGENT_FLEET_LOSS says that packets are lost on purpose.
func TestFleet(t *testing.T) {
	given, ok := os.LookupEnv("METERAGENT_FLEET")
	if !ok {
		t.Skip("METERAGENT_FLEET names no fleet")
	}
	runtime.MemProfileRate = 0 // as in the program; the profile of a test binary takes more than a MiB
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // as "meteragent run" has it
	}
	first, number, _ := strings.Cut(given, "+")
	at, err := netip.ParseAddrPort(first)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	targets := make([]collector.Target, n)
	address := at.Addr()
	for i := range targets {
		targets[i] = collector.Target{Address: address.String(), Port: at.Port(), Timeout: time.Second, Retries: 5}
		address = address.Next()
	}
	readFleet(t, "2c", targets)
	if user := os.Getenv("METERAGENT_FLEET_USER"); user != "" {
		credential := collector.Credential{Version: collector.V3, User: collector.User{
			Name: user, Auth: "sha1", AuthPassword: "authpass1", Priv: "aes128", PrivPassword: "privpass1",
		}}
		for i := range targets {
			targets[i].Credentials, targets[i].Plan = []collector.Credential{credential}, nil
		}
		readFleet(t, "3", targets)
	}
}

func readFleet(t *testing.T, version string, targets []collector.Target) {
	c := collector.New()
	lossy := os.Getenv("METERAGENT_FLEET_LOSS") != ""
	for _, kind := range []string{"first", "plan", "plan", "plan", "plan", "plan"} {
		cost := readOnce(t, c, targets)
		fmt.Printf("fleet version=%s kind=%s %s\n", version, kind, cost)
		if cost.missed > 0 {
			t.Errorf("%d devices were missed", cost.missed)
		}
		if kind == "plan" && !lossy && (cost.requests != len(targets) || cost.octets > 1000*len(targets)) && version != "3" {
			t.Errorf("a reading by plan takes more than a request and 1,000 octets: %s", cost)
		}
	}
}

type fleetCost struct {
	devices, missed, requests, octets int
	wall, cpu                         time.Duration
	peak                              float64 // MiB
}

func (c fleetCost) String() string {
	each := float64(c.devices)
	return fmt.Sprintf("devices=%d missed=%d requests=%.2f bytes=%.0f wall_s=%.3f cpu_us=%.0f peak_mib=%.1f",
		c.devices, c.missed, float64(c.requests)/each, float64(c.octets)/each, c.wall.Seconds(), float64(c.cpu.Microseconds())/each, c.peak)
}

// atOnce is how many devices are read at the same time.
const atOnce = 256

// readOnce reads every device once, and gives it the plan for the next time.
func readOnce(t *testing.T, c *collector.Collector, targets []collector.Target) fleetCost {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew; without the right to it stays
	var requests, octets, missed atomic.Int64
	work := make(chan *collector.Target)
	var workers sync.WaitGroup
	before, started := cpuTime(), time.Now()
	for range atOnce {
		workers.Go(func() {
			for to := range work {
				r, err := c.Read(context.Background(), *to)
				requests.Add(r.Traffic.Requests)
				octets.Add(r.Traffic.Sent + r.Traffic.Received)
				if err != nil || len(r.Meters) == 0 || len(r.Supplies) != 5 || len(r.Alerts) != 3 {
					t.Log(err)
					missed.Add(1)
				}
				to.Plan = r.Plan
			}
		})
	}
	for i := range targets {
		work <- &targets[i]
	}
	close(work)
	workers.Wait()
	return fleetCost{
		devices: len(targets), missed: int(missed.Load()), requests: int(requests.Load()), octets: int(octets.Load()),
		wall: time.Since(started), cpu: cpuTime() - before, peak: peakMemory(t),
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the largest resident memory there was, in MiB.
func peakMemory(t *testing.T) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(status))
	i := slices.Index(fields, "VmHWM:")
	kib, err := strconv.Atoi(fields[i+1])
	if err != nil {
		t.Fatal(err)
	}
	return float64(kib) / 1024
}
