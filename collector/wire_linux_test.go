package collector_test

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"meteragent/collector"
)

// Sockets that nobody needs any more are closed. It does not run in parallel, since it
// counts what the whole process has open.
func TestIdleSocketsAreClosed(t *testing.T) {
	c := collector.New()
	var targets []collector.Target
	for range 20 {
		to := serve(t, colourMFP())
		read(t, c, to)
		targets = append(targets, to)
	}
	before := openFiles(t)
	var reading sync.WaitGroup
	for _, to := range targets {
		reading.Go(func() {
			if _, err := c.Read(t.Context(), to); err != nil {
				t.Error(err)
			}
		})
	}
	reading.Wait()
	for range 100 { // two collections, and the runtime closes them when it comes to it
		if runtime.GC(); openFiles(t) <= before {
			return
		}
	}
	t.Errorf("%d files are open, %d were before", openFiles(t), before)
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
