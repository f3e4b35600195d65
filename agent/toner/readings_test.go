package toner_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"meteragent/agent/alert"
	"meteragent/agent/toner"
	"meteragent/collector"
)

// The table in testdata/readings.txt is for people to read: every supply of the copiers
// whose readings the collector's tests hold, and what becomes of it.
func TestReadings(t *testing.T) {
	files, err := filepath.Glob("../../collector/testdata/devices/*/reading.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d readings, %v", len(files), err)
	}
	var b strings.Builder
	b.WriteString("# What the usual policy makes of readings of copiers that do not change for three hours.\n" +
		"# go test -update rewrites it.\n")
	for _, file := range files {
		fmt.Fprintf(&b, "\n%s\n%s", filepath.Base(filepath.Dir(file)), tableOf(t, file, true))
	}
	compareText(t, "testdata/readings.txt", b.String())
}

// The same for the readings in a folder of somebody's own, NAME.json, such as read by
// "meteragent read --json": METERAGENT_READINGS names it. Of the recordings that
// testdata/recordings.txt names it must come to the same.
func TestOtherReadings(t *testing.T) {
	folder := os.Getenv("METERAGENT_READINGS")
	if folder == "" {
		t.Skip("METERAGENT_READINGS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d readings, %v", len(files), err)
	}
	var all, short strings.Builder
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if table := tableOf(t, file, true); table != "" {
			fmt.Fprintf(&all, "\n%s\n%s", name, table)
		}
		if table := tableOf(t, file, false); table != "" {
			fmt.Fprintf(&short, "%s\n%s", name, table)
		}
	}
	t.Logf("\n%s", &all)
	compareText(t, "testdata/recordings.txt", short.String())
}

func compareText(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// tableOf is a line for each supply of a reading, and for each complaint. Without what
// the device says there is only what becomes of what is watched.
func tableOf(t *testing.T, file string, everything bool) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r collector.Reading
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	r.Device.ID = cmp.Or(r.Device.ID, "somewhere")
	var ledger toner.Ledger
	var complaints alert.Ledger
	ordered := map[string]toner.Order{}
	for i := range 6 {
		r.TakenAt = monday.Add(time.Duration(i) * 30 * time.Minute)
		d, next := toner.Decide(usual(), ledger, r)
		for _, o := range d.Orders {
			if _, twice := ordered[o.Supply.Key]; twice {
				t.Errorf("%s: supply %s is ordered twice", file, o.Supply.Key)
			}
			ordered[o.Supply.Key] = o
		}
		ledger = next
		_, complaints = alert.Decide(alert.Policy{Readings: 2}, complaints, r)
	}
	var b strings.Builder
	for _, s := range r.Supplies {
		o, isOrdered := ordered[s.Key]
		known, watched := ledger.Supplies[s.Key]
		state := "not watched"
		switch {
		case isOrdered && everything:
			state = "ordered: " + o.Reason.Text
		case isOrdered:
			state = fmt.Sprintf("ordered (%s)", o.Reason.Code)
		case watched:
			state = string(known.State)
		}
		switch {
		case everything:
			level := string(s.Level.Kind)
			if s.Level.Percent != nil {
				level += fmt.Sprintf(" %.1f", *s.Level.Percent)
			}
			fmt.Fprintf(&b, "  %-6s %-22s %-13s %-8s %-15s -> %s\n", s.Key, s.Class, s.Type, s.Colorant, level, state)
		case watched:
			fmt.Fprintf(&b, "  %-6s -> %s\n", s.Key, state)
		}
	}
	for _, c := range complaints.Raised() {
		fmt.Fprintf(&b, "  alert  %s %s %s\n", c.Class, c.Group, c.Code)
	}
	return b.String()
}
