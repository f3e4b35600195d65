package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"meteragent/collector"
)

// BenchmarkKeep is what a reading costs from the copier's answer to the database: whole readings of 20
// copiers by turns, each decided upon and written, one transaction for all of a round.
func BenchmarkKeep(b *testing.B) {
	text, err := os.ReadFile("../collector/testdata/devices/canon/reading.json")
	if err != nil {
		b.Fatal(err)
	}
	var r collector.Reading
	if err := json.Unmarshal(text, &r); err != nil {
		b.Fatal(err)
	}
	a, s := newTestAgent(b)
	defer s.Close()
	const copiers = 20
	at := time.Now().Add(-10000 * time.Hour).UTC()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		serial := fmt.Sprintf("ABC%05d", n%copiers)
		r.Device.ID, r.Device.Serial = serial, serial
		r.TakenAt = at.Add(time.Duration(n/copiers) * 30 * time.Minute)
		for i := range r.Meters {
			r.Meters[i].Value += 7
		}
		if _, err := a.keep(r, "h"+serial, collector.Full); err != nil {
			b.Fatal(err)
		}
		if n++; n%copiers == 0 {
			a.writer.flush()
		}
	}
}
