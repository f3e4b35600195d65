package toner_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// The table in testdata/supplies.txt is for people to read: every kind of supply, and
// what becomes of it.
func TestSupplies(t *testing.T) {
	const golden = "testdata/supplies.txt"
	table, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(table)) {
		row, _, isRow := strings.Cut(line, "->")
		if !isRow || strings.HasPrefix(line, "#") {
			b.WriteString(line)
			continue
		}
		b.WriteString(row + "-> " + becomes(t, strings.Fields(row)) + "\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(table), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// becomes is what becomes of a supply of a copier that has another one, which is full.
func becomes(t *testing.T, row []string) string {
	t.Helper()
	for i := range row {
		if row[i] == "-" {
			row[i] = ""
		}
	}
	s := collector.Supply{
		Key: "1.1", Type: row[1], Colorant: row[2], Level: collector.Level{Kind: collector.LevelKind(row[3])},
		Class: map[string]string{"consumed": "supplyThatIsConsumed", "receptacle": "receptacleThatIsFilled"}[row[0]],
	}
	if row[4] != "" {
		percent, err := strconv.ParseFloat(row[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		s.Level.Percent = &percent
	}
	r := collector.Reading{Device: collector.Device{ID: "ABC12345"}, Supplies: []collector.Supply{s, supply("1.2", "yellow", "95")}}
	if row[5] != "" {
		r.Alerts = []collector.Alert{{Group: "markerSupplies", GroupIndex: 1, Code: row[5]}}
	}
	var ledger toner.Ledger
	var why []string
	for i := range 6 {
		r.TakenAt = monday.Add(time.Duration(i) * 30 * time.Minute)
		d, next := toner.Decide(usual(), ledger, r)
		ledger = next
		for _, o := range d.Orders {
			why = append(why, o.Reason.Text)
		}
	}
	known, watched := ledger.Supplies["1.1"]
	switch {
	case !watched:
		return "not watched"
	case len(why) > 0:
		return string(known.State) + ": " + strings.Join(why, "; ")
	}
	return string(known.State)
}
