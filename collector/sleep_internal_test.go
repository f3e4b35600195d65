package collector

import "testing"

// Each way in which devices say that they sleep, and those that do not.
func TestAsleep(t *testing.T) {
	for name, c := range map[string]struct {
		r    Reading
		want bool
	}{
		"idle":        {Reading{Status: Status{Device: "running", Printer: "idle", Console: []string{"Ready"}}}, false},
		"standby":     {Reading{Status: Status{Device: "running", Printer: "other"}}, true},
		"cover open":  {Reading{Status: Status{Device: "down", Printer: "other"}}, false},
		"out of use":  {Reading{Status: Status{Device: "running", Printer: "other", Errors: []string{"jammed"}}}, false},
		"panel":       {Reading{Status: Status{Device: "running", Printer: "idle", Console: []string{"", "Sleeping..."}}}, true},
		"panel de":    {Reading{Status: Status{Device: "running", Printer: "idle", Console: []string{"Energiesparmodus"}}}, true},
		"alert":       {Reading{Alerts: []Alert{{Code: "jam"}, {Code: "subunitPowerSaver"}}}, true},
		"says nought": {Reading{}, false},
	} {
		if got := c.r.Asleep(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
