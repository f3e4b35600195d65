package collector

import (
	"slices"
	"testing"
)

func TestOIDOrder(t *testing.T) {
	inOrder := []string{
		"1.3", "1.3.6", "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.2", "1.3.6.1.2.1.2.1", "1.3.6.1.2.1.10", "1.3.6.1.2.1.10.1",
		"1.3.6.1.2.1.43.11.1.1.9.1.2", "1.3.6.1.2.1.43.11.1.1.9.1.10", "1.3.6.1.2.1.43.11.1.1.10.1.1", "1.3.6.1.2.1.43.111", "2.5",
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			got, want := compareOID(a, b), i-j
			if (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("compareOID(%s, %s) = %d", a, b, got)
			}
		}
	}
	if !slices.IsSortedFunc(inOrder, compareOID) {
		t.Error("not sorted")
	}
}

func TestParseOID(t *testing.T) {
	for s, want := range map[string]string{
		"1.3.6.1": "1.3.6.1", ".1.3.6.1": "1.3.6.1", "0.0": "0.0", "1.4294967295": "1.4294967295",
		"": "", "1": "", "1.": "", ".": "", "1..3": "", "..1.3": "", "1.-3": "", "1.+3": "", "1.03": "", "1.4294967296": "", "1.3.x": "", "1.3 ": "",
	} {
		if got, ok := parseOID(s); ok != (want != "") || ok && got != want {
			t.Errorf("parseOID(%q) = %q, %v", s, got, ok)
		}
	}
}

func TestColumnOf(t *testing.T) {
	const entry = "1.3.6.1.2.1.43.11.1.1"
	for name, want := range map[string]int{
		entry + ".9.1.1": 9, entry + ".10.1": 10, entry + ".9": 0, entry: 0, entry + ".9.": 0,
		"1.3.6.1.2.1.43.11.1.10.1.1": 0, "1.3.6.1.2.1.43.12.1.1.4.1.1": 0, "": 0,
	} {
		if got := columnOf(entry, name); got != want {
			t.Errorf("columnOf(%q) = %d, want %d", name, got, want)
		}
	}
}
