package agent

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// Where the file may not become long, readings are dropped before it is full.
func TestRoomOfShortFile(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if short := strconv.IntSize == 32; (s.Most() > 0) != short {
		t.Errorf("the file may become %d bytes long", s.Most())
	}
	for _, maxBytes := range []int64{16_000_000, config.Default().Store.MaxBytes, 64_000_000_000} {
		got := roomOf(maxBytes, s)
		if most := s.Most(); got > maxBytes || most > 0 && got >= most/16*15 || most == 0 && got != maxBytes {
			t.Errorf("%d bytes of %d: %d", maxBytes, most, got)
		}
	}
}

// A reading gives way only to a later one that tells as much, on disk as in memory.
func TestWhatStandsForWhat(t *testing.T) {
	at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	full := collector.Reading{TakenAt: at, Device: collector.Device{ID: "ABC12345"}, Meters: make([]collector.Meter, 9), Inputs: make([]collector.Input, 2)}
	change := func(f func(r *collector.Reading)) collector.Reading { r := full; f(&r); return r }
	supplies := change(func(r *collector.Reading) { r.Meters, r.Inputs = r.Meters[:2], nil })
	for what, c := range map[string]struct {
		earlier, later           collector.Reading
		earlierScope, laterScope collector.Scope
		want                     bool
	}{
		"the same again":                       {full, change(func(r *collector.Reading) { r.TakenAt = at.Add(time.Hour) }), collector.Full, collector.Full, true},
		"supplies again":                       {supplies, supplies, collector.Supplies, collector.Supplies, true},
		"the next day":                         {full, change(func(r *collector.Reading) { r.TakenAt = at.Add(24 * time.Hour) }), collector.Full, collector.Full, false},
		"another device":                       {full, change(func(r *collector.Reading) { r.Device.ID = "ABC12346" }), collector.Full, collector.Full, false},
		"supplies after all":                   {full, supplies, collector.Full, collector.Supplies, false},
		"one that was broken off":              {full, change(func(r *collector.Reading) { r.Missing = []string{"vendor"} }), collector.Full, collector.Full, false},
		"broken off elsewhere":                 {change(func(r *collector.Reading) { r.Missing = []string{"alerts"} }), change(func(r *collector.Reading) { r.Missing = []string{"vendor"} }), collector.Full, collector.Full, false},
		"fewer meters":                         {full, change(func(r *collector.Reading) { r.Meters = r.Meters[:5] }), collector.Full, collector.Full, false},
		"supplies after all, without any tray": {change(func(r *collector.Reading) { r.Inputs = nil }), supplies, collector.Full, collector.Supplies, false},
	} {
		records := [2]store.Record{}
		for i, r := range []collector.Reading{c.earlier, c.later} {
			body, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			records[i] = store.Record{Kind: kindReading, Subject: r.Device.ID, At: r.TakenAt, Body: body}
		}
		if got := group(records[0]) == group(records[1]); got != c.want {
			t.Errorf("%s: on disk %v", what, got)
		}
		one, other := unwritten{keeping: keeping{reading: c.earlier, scope: c.earlierScope}}, unwritten{keeping: keeping{reading: c.later, scope: c.laterScope}}
		if got := one.stead() == other.stead(); got != c.want {
			t.Errorf("%s: in memory %v", what, got)
		}
	}
	// A machine without a battery that starts without a network: nobody knows how many days lie between.
	if body := []byte("{}"); group(store.Record{Kind: kindReading, At: at, Era: 1, Body: body}) == group(store.Record{Kind: kindReading, At: at, Era: 2, Body: body}) {
		t.Error("readings of two eras stand for one another")
	}
	if got := group(store.Record{Kind: kindOrder, Body: []byte("{}")}); got != "" {
		t.Errorf("an order stands for %q", got)
	}
}
