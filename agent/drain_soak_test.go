package agent_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// soakBacklog is a backlog of a year of fifty copiers, about.
const soakBacklog = 1_000_000

// drainJob tells a child process which database to empty, and where to.
const drainJob = "METERAGENT_DRAIN"

// A drainOrder is what a child process is told.
type drainOrder struct {
	Path, URL, CAFile, Token string
	Readings                 int
}

// TestSoakDrain drains a million readings over each link, in a process of its own, and then has a
// bare client of the same library send as many from there. It says what memory the agent took at
// most: its own (heap and stacks), and with the parts of the database's file that the system
// keeps mapped as long as nobody else wants the memory.
func TestSoakDrain(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("only with METERAGENT_SOAK")
	}
	n := soakBacklog
	fmt.Sscan(os.Getenv("METERAGENT_DRAIN_RECORDS"), &n)
	for _, kind := range []string{"https", "mqtts"} {
		t.Run(kind, func(t *testing.T) {
			d := drainApart(t, receiver(t, kind, 0), n)
			t.Logf("%d readings in %d ms, %.2f of a bare client's rate; at most %d MB, %d MB with the mapped file",
				n, d.took.Milliseconds(), d.bare.Seconds()/d.took.Seconds(), d.own>>10, d.all>>10)
			if d.own>>10 >= 64 && !raced {
				t.Errorf("%d MB are more than 64", d.own>>10)
			}
		})
	}
}

// drained is how a backlog was drained in a process of its own.
type drained struct {
	took, bare time.Duration // by the agent, and afterwards by a bare client
	own, all   int           // most memory of the agent, in KiB: its own, and with the mapped file
}

// drainApart fills a database and drains it in a process of its own.
func drainApart(t *testing.T, c transport.Config, n int) (d drained) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.db")
	backlog(t, path, n)
	order, err := json.Marshal(drainOrder{path, c.URL, c.CAFile, c.Token.Reveal(), n})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestDrainChild$", "-test.v")
	child.Env = append(os.Environ(), drainJob+"="+string(order))
	said, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for line := range strings.Lines(string(said)) {
		if _, what, found := strings.Cut(line, "drained: "); found {
			fmt.Sscan(what, &d.took, &d.bare, &d.own, &d.all)
		}
	}
	if d.took == 0 {
		t.Fatalf("it does not say how long it took: %s", said)
	}
	return d
}

// TestDrainChild is the process of drainApart.
func TestDrainChild(t *testing.T) {
	var order drainOrder
	if json.Unmarshal([]byte(os.Getenv(drainJob)), &order) != nil {
		t.Skip("only as a child of another test")
	}
	c := transport.Config{
		URL: order.URL, CAFile: order.CAFile, Token: transport.Secret(order.Token),
		Agent: transporttest.Agent, Customer: transporttest.Customer,
	}
	done := make(chan struct{})
	memory := make(chan [2]int, 1)
	go func() { memory <- watchMemory(done) }()
	usual, free := debug.SetGCPercent(50), debug.SetMemoryLimit(56<<20) // as "meteragent run" has it
	ours := empty(t, order.Path, c)
	debug.SetGCPercent(usual)
	debug.SetMemoryLimit(free)
	close(done)
	most := <-memory
	t.Logf("drained: %d %d %d %d", ours, bare(t, c, order.Readings), most[0], most[1])
}

// watchMemory returns the most memory this process had, in KiB: its own, and in all.
func watchMemory(done <-chan struct{}) (most [2]int) {
	for {
		select {
		case <-done:
			return most
		case <-time.After(20 * time.Millisecond):
		}
		now := resident()
		most = [2]int{max(most[0], now[0]), max(most[1], now[1])}
	}
}

// resident is the memory this process has now, in KiB: its own, and in all; 0 where the
// system does not tell.
func resident() (now [2]int) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return now
	}
	for line := range strings.Lines(string(text)) {
		for i, name := range []string{"RssAnon:", "VmRSS:"} {
			if rest, found := strings.CutPrefix(line, name); found {
				fmt.Sscan(rest, &now[i])
			}
		}
	}
	return now
}
