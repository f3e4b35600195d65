package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrotherEntry(t *testing.T) {
	const run = "\x00\x01\x04\x00\x00\x13\x4b\x01\x01\x01\x64\x06\x01\x04\x00\x00\x02\x1a\xff\x02\x01\x01\x05"
	for id, want := range map[int]int64{0: 4939, 1: 100, 6: 538, 2: -1, 7: -1} {
		n, ok := brotherEntry(variable{kind: octets, text: run}, id).number()
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("entry %d: got %d, %v, want %d", id, n, ok, want)
		}
	}
	for i := range len(run) {
		brotherEntry(variable{kind: octets, text: run[:i]}, 6)
	}
}

func TestPMLText(t *testing.T) {
	for raw, want := range map[string]string{"\x01\x15CNB1": "CNB1", "\xfd\xe8CNB1": "CNB1", "CNB1": "CNB1", "\x01\x15": "\x01\x15", "": ""} {
		if got := pmlText(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"Canon *", "Canon iR 1", true}, {"canon*", "CANON", true}, {"*UTAX*", "TA_UTAX Printing System", true}, {"iR-*C*", "iR-ADV C5", true},
		{"a*b*c", "abc", true}, {"a*b*c", "acb", false}, {"Canon", "Canon ", false}, {"*", "", true}, {"ab*ba", "aba", false},
	} {
		if got := alike(c.pattern, c.text); got != c.want {
			t.Errorf("%q, %q: got %v", c.pattern, c.text, got)
		}
	}
}

// No two profiles fit the same device equally well.
func TestNoTwoProfilesFitEquallyWell(t *testing.T) {
	profiles, err := EmbeddedProfiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, walk := range recordings(t) {
		rec, err := ParseRecording(strings.NewReader(walk))
		if err != nil {
			t.Fatal(err)
		}
		found, l := harvest{}, startingLimits()
		if err := walkAll(t.Context(), rec, usualSpans(), found, &l, nil); err != nil {
			t.Fatal(err)
		}
		fits := map[int]string{}
		for _, p := range profiles.list {
			n := p.fit(found.evidence())
			if other, taken := fits[n]; taken && n > 0 {
				t.Errorf("%s and %s fit %q equally well", p.Name, other, found.first(sysDescr).text)
			}
			fits[n] = p.Name
		}
	}
}

func recordings(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/devices/*/walk.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	var walks []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		walks = append(walks, string(b))
	}
	return walks
}

// What no profile names is told all the same, but for the hundreds of numbers that a
// device does not count.
func TestUnlistedRows(t *testing.T) {
	p := &Profile{
		Meters: []Counter{{Name: "systemTotals.impressions.total", OID: "1.1.0", Decode: "brother", Entry: 0, Code: "brother:00"}},
		Tables: []Table{
			{Value: "1.2", Code: "acme", Unlisted: true, Rows: []Counter{{Is: []string{"101"}, Name: "print.impressions.total"}, {Is: []string{"7"}}}},
			{Key: "1.3.1", Value: "1.3.2", Code: "acme", Unlisted: true},
			{Value: "1.4", Code: "acme"},
		},
	}
	number := func(name string, n int64) variable { return variable{name: name, kind: integer, num: n} }
	h := harvest{
		"1.1":   {{name: "1.1.0", kind: octets, text: "\x00\x01\x01\x05\x1b\x01\x02\x01\x00\xff"}},
		"1.2":   {number("1.2.7", 0), number("1.2.101", 3), number("1.2.102", 4), number("1.2.103", 0)},
		"1.3.1": {{name: "1.3.1.1", kind: octets, text: "Fax & Co"}},
		"1.3.2": {number("1.3.2.1", 0)},
		"1.4":   {number("1.4.9", 9)},
	}
	got := map[string]int64{}
	for _, m := range (telling{harvest: h, profile: p}).profileMeters() {
		got[m.Name+" "+m.Code] = m.Value
	}
	want := map[string]int64{
		"systemTotals.impressions.total brother:00": 5, "unnamed.brother-1b brother:1b": 256, "unnamed.acme-7 acme:7": 0,
		"print.impressions.total acme:101": 3, "unnamed.acme-102 acme:102": 4, "unnamed.acme-fax-co acme:Fax & Co": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What has a minus in a sum is taken away; a sum never falls below 0.
func TestSums(t *testing.T) {
	parts := []Meter{{Code: "acme:1", OID: "1.1", Value: 10}, {Code: "acme:2", OID: "1.2", Value: 4}, {Code: "acme:3", OID: "1.3", Value: 1}}
	for _, c := range []struct {
		of, also  []string
		want      int64
		code, oid string
	}{
		{[]string{"acme:1", "acme:2"}, []string{"acme:9", "acme:3"}, 15, "acme:1+acme:2+acme:3", "1.1+1.2+1.3"},
		{[]string{"acme:1", "-acme:2"}, []string{"-acme:9", "-acme:3"}, 5, "acme:1-acme:2-acme:3", "1.1-1.2-1.3"},
		{[]string{"acme:1", "-acme:9"}, nil, 0, "", ""},
		{[]string{"acme:2", "-acme:1"}, nil, 0, "", ""},
		{[]string{"acme:1"}, nil, 0, "", ""},
	} {
		p := &Profile{Sums: []Sum{{Name: "print.impressions.total", Of: c.of, Also: c.also}}}
		var got Meter
		for _, m := range (telling{profile: p}).profileSums(parts) {
			got = m
		}
		if got.Value != c.want || got.Code != c.code || got.OID != c.oid {
			t.Errorf("%v %v: got %d %q %q, want %d %q %q", c.of, c.also, got.Value, got.Code, got.OID, c.want, c.code, c.oid)
		}
	}
}

// Sources of one count that differ are disputed. What counts a large side twice is another
// count, and a source that does not say how it counts belongs to the count it agrees with.
func TestWhatIsDisputed(t *testing.T) {
	for _, c := range []struct {
		standard, vendor, twice int64
		disputed                bool
	}{
		{100, 100, 130, false},
		{130, 100, 130, false},
		{120, 100, 130, true},
	} {
		standard := Meter{Value: c.standard, Format: FormatUnknown, Persistence: Lifetime}
		vendor := Meter{Value: c.vendor, Format: Life, Persistence: Lifetime}
		twice := Meter{Value: c.twice, Format: Equivalent, Persistence: Lifetime}
		for _, m := range settleMeters([]Meter{standard}, []Meter{vendor, twice}, Billed{By: "vendor"}) {
			if got, want := m.Quality == Disputed, c.disputed && m.Format != Equivalent; got != want {
				t.Errorf("%d beside %d and %d: the one that counts %s is disputed: %v, want %v", c.standard, c.vendor, c.twice, m.Format, got, want)
			}
			if m.Primary != (m.Format == Life) {
				t.Errorf("%d beside %d and %d: billed is %s", c.standard, c.vendor, c.twice, m.Format)
			}
		}
	}
}
