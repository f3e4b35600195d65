package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		if err := walkAll(t.Context(), rec, spansOf(Full), found, &l, nil); err != nil {
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

func recordings(t *testing.T) []string {
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
