package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"meteragent/agent/config"
)

// Whatever stands in a file, Parse either takes it, and then it is TOML, or names its
// problems, with lines that exist, each once.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		before, _, _ := strings.Cut(string(data), dashes)
		f.Add([]byte(before))
	}
	f.Add([]byte(config.Commented()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "file") {
			t.Skip("must not open files of the machine")
		}
		_, err := config.Parse("meteragent.toml", data)
		var all config.Problems
		if errors.As(err, &all); len(all) == 0 {
			if err != nil {
				t.Fatalf("error is a %T: %v", err, err)
			}
			var whole map[string]any
			text := strings.TrimPrefix(string(data), "\ufeff")
			if err := toml.Unmarshal([]byte(text), &whole); err != nil && utf8.ValidString(text) {
				t.Errorf("Parse takes what is not TOML: %v", err)
			}
			return
		}
		lines := 1 + strings.Count(string(data), "\n")
		seen := map[string]bool{}
		for _, p := range all {
			said := p.Error()
			if p.Line > lines || p.Reason == "" || !utf8.ValidString(said) {
				t.Errorf("problem %+v: %s", p, said)
			}
			if seen[said] {
				t.Errorf("said twice: %s", said)
			}
			seen[said] = true
		}
	})
}
