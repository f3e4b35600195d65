package config_test

import (
	"strings"
	"testing"

	"meteragent/agent/config"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"every", "every", 0}, {"", "url", 3}, {"tokn", "token", 1}, {"tokken", "token", 1},
		{"toner", "tuner", 1}, {"prot", "port", 1}, {"meters", "supplies", 7},
	} {
		if got := config.Distance(test.a, test.b); got != test.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := config.Distance(test.b, test.a); got != test.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
	if got := config.Distance(strings.Repeat("x", 1e6), "x"); got < 100 {
		t.Errorf("two very different words are %d apart", got)
	}
}
