package config_test

import (
	"testing"
	"time"

	"meteragent/agent/config"
)

// Quiet hours follow the clock on the wall, over midnight and on the days on which it
// is changed.
func TestHours(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	night := config.Hours{From: 22 * 60, To: 6 * 60}
	lunch := config.Hours{From: 12 * 60, To: 13*60 + 30}
	early := config.Hours{From: 60, To: 2*60 + 30} // ends within the hour that is missing in spring
	for _, c := range []struct {
		hours config.Hours
		at    string // in UTC
		end   string // in Vienna; "" if not within
	}{
		{night, "2026-01-10T20:59:59Z", ""},
		{night, "2026-01-10T21:00:00Z", "2026-01-11 06:00 CET"},
		{night, "2026-01-11T04:59:59Z", "2026-01-11 06:00 CET"},
		{night, "2026-01-11T05:00:00Z", ""},
		{lunch, "2026-01-11T11:00:00Z", "2026-01-11 13:30 CET"},
		{lunch, "2026-01-11T12:30:00Z", ""},
		{night, "2026-03-28T22:30:00Z", "2026-03-29 06:00 CEST"}, // seven hours that night
		{night, "2026-03-29T04:00:00Z", ""},
		{early, "2026-03-29T00:30:00Z", "2026-03-29 03:00 CEST"}, // 01:30 CET; there is no 02:30
		{night, "2026-10-24T20:30:00Z", "2026-10-25 06:00 CET"},  // nine hours
		{night, "2026-10-25T04:59:00Z", "2026-10-25 06:00 CET"},
		{early, "2026-10-25T00:20:00Z", "2026-10-25 02:30 CEST"}, // 02:20 CEST
		{early, "2026-10-25T00:40:00Z", ""},
		{early, "2026-10-25T01:10:00Z", "2026-10-25 02:30 CET"}, // 02:10 again
		{config.Hours{}, "2026-01-10T23:00:00Z", ""},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		at = at.In(vienna)
		end, within := c.hours.End(at), c.hours.Contains(at)
		if within != (c.end != "") || within && end.Format("2006-01-02 15:04 MST") != c.end || !within && !end.Equal(at) {
			t.Errorf("%s at %s: within %v, until %s; want %q", c.hours, at, within, end, c.end)
		}
	}
}
