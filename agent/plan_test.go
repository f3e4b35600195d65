package agent_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// Each reading is made by the plan of the one before, after a restart, too, and never by
// that of another device.
func TestPlansAreKept(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		planned := func(want string) {
			t.Helper()
			s.fleet.set(host, func(c *copier) {
				if string(c.plan) != want {
					t.Errorf("read by the plan %q, want %q", c.plan, want)
				}
			})
		}
		stop := s.start(t)
		time.Sleep(30 * time.Minute)
		planned("")
		time.Sleep(time.Hour)
		planned("as ABC12345")
		stop()

		s = newSite(t, path)
		stop = s.start(t)
		time.Sleep(2 * time.Hour)
		planned("as ABC12345")
		s.fleet.set(host, func(c *copier) { c.serial = "XYZ98765" })
		time.Sleep(3 * time.Hour)
		planned("as XYZ98765")
		stop()
	})
}
