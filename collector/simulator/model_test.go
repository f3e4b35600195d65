package simulator_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

// walk reads every object of the device.
func walk(t *testing.T, g *gosnmp.GoSNMP) []gosnmp.SnmpPDU {
	t.Helper()
	visit := g.BulkWalkAll
	if g.Version == gosnmp.Version1 {
		visit = g.WalkAll
	}
	all, err := visit(".1.3.6.1")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every model can be walked by GETNEXT and by GETBULK, which find the same, in
// order and without repetition; and each object found can be got.
func TestWalkModels(t *testing.T) {
	for _, m := range simulator.Models() {
		t.Run(m.Name, func(t *testing.T) {
			c := simulator.New(m, simulator.Options{Seed: 1})
			if err := c.Raise(simulator.Jam, 0); err != nil {
				t.Fatal(err)
			}
			g := dial(t, c, gosnmp.Version2c)
			one, many := walk(t, dial(t, c, gosnmp.Version1)), walk(t, g)
			running := func(p gosnmp.SnmpPDU) gosnmp.SnmpPDU {
				if p.Type == gosnmp.TimeTicks {
					p.Value = nil
				}
				return p
			}
			if d := cmp.Diff(one, many, cmp.Transformer("running", running)); d != "" {
				t.Errorf("GETNEXT and GETBULK differ:\n%s", d)
			}
			if len(many) < 200 {
				t.Errorf("got %d objects only", len(many))
			}
			for i, p := range many {
				if i > 0 && !before(t, many[i-1].Name, p.Name) {
					t.Errorf("%s comes before %s", many[i-1].Name, p.Name)
				}
				got, err := g.Get([]string{p.Name})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(p, got.Variables[0], cmp.Transformer("running", running)); d != "" {
					t.Errorf("GET and walk differ:\n%s", d)
				}
			}
		})
	}
}

// before compares two names by their numbers.
func before(t *testing.T, a, b string) bool {
	t.Helper()
	pad := func(s string) string {
		var padded strings.Builder
		for _, arc := range strings.Split(s, ".") {
			padded.WriteString(strings.Repeat("0", 10-len(arc)) + arc + ".")
		}
		return padded.String()
	}
	return pad(a) < pad(b)
}

// numbers are the numeric objects of a device by name, without leading dot.
func numbers(t *testing.T, c *simulator.Copier) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, p := range walk(t, dial(t, c, gosnmp.Version2c)) {
		switch p.Type {
		case gosnmp.Integer, gosnmp.Counter32, gosnmp.Gauge32:
			all[strings.TrimPrefix(p.Name, ".")] = int(gosnmp.ToBigInt(p.Value).Int64())
		}
	}
	return all
}

// canon gives a copier's counters by Canon's code.
func canon(t *testing.T, c *simulator.Copier) map[int]int {
	t.Helper()
	all := map[int]int{}
	for name, n := range numbers(t, c) {
		if code, found := strings.CutPrefix(name, "1.3.6.1.4.1.1602.1.11.1.3.1.4."); found {
			all[atoi(t, code)] = n
		}
	}
	return all
}

// However the copier is used, its counters agree with each other.
func TestCanonCounters(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Seed: 3})
	past := canon(t, c)
	r := rand.New(rand.NewPCG(1, 2))
	yes := func() bool { return r.IntN(2) == 0 }
	printed := 0
	for range 300 {
		j := simulator.Job{Pages: r.IntN(9), Colour: yes(), Large: yes(), TwoSided: yes(), Copy: yes()}
		printed += c.Print(j)
		if yes() {
			c.Scan(j)
		}
	}
	n := canon(t, c)
	codes := []int{
		101, 102, 103, 104, 108, 109, 112, 113, 114, 116, 117, 122, 123, 124,
		201, 202, 222, 301, 403, 404, 407, 408, 501, 503, 504, 507, 508,
	}
	for _, code := range codes {
		if n[code] <= past[code] {
			t.Errorf("code %d did not move: %d, then %d", code, past[code], n[code])
		}
	}
	if len(n) != len(codes) {
		t.Errorf("got %d codes, want %d", len(n), len(codes))
	}
	for _, is := range []struct {
		what      string
		got, want int
	}{
		{"printed", n[101] - past[101], printed},
		{"total 1", n[101], n[112] + n[113] + n[122] + n[123]},
		{"total 1 by size", n[101], n[103] + n[104]},
		{"total 1 by function", n[101], n[201] + n[301]},
		{"total 2", n[102], n[104] + 2*n[103]},
		{"large", n[103], n[112] + n[122]},
		{"small", n[104], n[113] + n[123]},
		{"black 1", n[108], n[112] + n[113]},
		{"black 2", n[109], 2*n[112] + n[113]},
		{"colour 2", n[124], 2*n[122] + n[123]},
		{"two-sided", n[114], n[116] + n[117]},
		{"copies", n[202], n[222] + n[407] + n[408]},
		{"colour by function", n[122] + n[123], n[403] + n[404] + n[407] + n[408]},
		{"colour, large", n[122], n[403] + n[407]},
		{"scans", n[501], n[503] + n[504]},
		{"prtMarkerLifeCount", numbers(t, c)[lifeCount[1:]], n[101]},
	} {
		if is.got != is.want {
			t.Errorf("%s: %d is not %d", is.what, is.got, is.want)
		}
	}
}

// What a single job moves, by hand.
func TestOneJob(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	job := simulator.Job{Pages: 5, Colour: true, Large: true, TwoSided: true, Copy: true}
	if n := c.Print(job); n != 5 || c.Total() != 5 {
		t.Fatalf("printed %d, total %d, want 5", n, c.Total())
	}
	want := map[int]int{
		101: 5, 102: 10, 103: 5, 122: 5, 124: 10, 201: 5, 202: 5, 407: 5,
		114: 2, 116: 2, // the fifth side is alone on its sheet
	}
	got := canon(t, c)
	for code, n := range got {
		if n != want[code] {
			t.Errorf("code %d: got %d, want %d", code, n, want[code])
		}
	}
}

// Both of Canon's tables say the same, with the same labels.
func TestCanonTablesAgree(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Seed: 9})
	read := func(label, number string) map[string]string {
		labels, values := map[string]string{}, map[string]string{}
		for _, line := range show(walk(t, dial(t, c, gosnmp.Version2c))) {
			name, value, _ := strings.Cut(line, "=")
			if i, found := strings.CutPrefix(name, label); found {
				labels[i] = value
			}
			if i, found := strings.CutPrefix(name, number); found {
				values[labels[i]] = value
			}
		}
		return values
	}
	byCode := read("4.1.1602.1.11.1.3.1.2.", "4.1.1602.1.11.1.3.1.4.")
	byLabel := read("4.1.1602.1.11.2.1.1.2.", "4.1.1602.1.11.2.1.1.3.")
	if d := cmp.Diff(byCode, byLabel); d != "" || len(byCode) != 27 {
		t.Errorf("%d labels; the tables differ:\n%s", len(byCode), d)
	}
}

// The other makers' counters follow the same pages.
func TestOtherCounters(t *testing.T) {
	ink := simulator.New(simulator.Inkjet(), simulator.Options{})
	ink.Print(simulator.Job{Pages: 30})
	ink.Print(simulator.Job{Pages: 12, Colour: true, Copy: true})
	n := numbers(t, ink)
	for name, want := range map[string]int{
		"30.1.1": 42, "3.1.1": 30, "4.1.1": 12,
	} {
		if got := n["1.3.6.1.4.1.1248.1.2.2.27.1.1."+name]; got != want {
			t.Errorf("epson %s: got %d, want %d", name, got, want)
		}
	}
	for name, want := range map[string]int{"4.1.1.1": 30, "4.1.1.2": 12, "5.1.1.1": 0, "5.1.1.2": 12} {
		if got := n["1.3.6.1.4.1.1248.1.2.2.27.6.1."+name]; got != want {
			t.Errorf("epson by function %s: got %d, want %d", name, got, want)
		}
	}
	mono := simulator.New(simulator.MonoLaser(), simulator.Options{})
	mono.Print(simulator.Job{Pages: 8, Colour: true, Copy: true, Large: true}) // it can do none of these
	n = numbers(t, mono)
	for _, name := range []string{"43.10.1.1.12.1.1", "42.3.1.1.1.1.1", "42.3.1.2.1.1.1.1", "42.2.2.1.1.3.1.1", "42.2.1.1.1.6.1.3"} {
		if got := n["1.3.6.1.4.1.1347."+name]; got != 8 {
			t.Errorf("kyocera %s: got %d, want 8", name, got)
		}
	}
}

// One seed is one device; another is another, and all have room to go on.
func TestSeed(t *testing.T) {
	for _, m := range simulator.Models() {
		a, b := simulator.New(m, simulator.Options{Seed: 5}), simulator.New(m, simulator.Options{Seed: 5})
		other := simulator.New(m, simulator.Options{Seed: 6})
		if d := cmp.Diff(a.Supplies(), b.Supplies()); d != "" || a.Total() != b.Total() {
			t.Errorf("%s: the same seed made another device:\n%s", m.Name, d)
		}
		if a.Total() == other.Total() || a.Serial() == other.Serial() {
			t.Errorf("%s: two seeds made one device", m.Name)
		}
		if n := a.Print(simulator.Job{Pages: 10, Colour: true}); n != 10 {
			t.Errorf("%s: an aged device printed %d of 10 pages", m.Name, n)
		}
	}
}
