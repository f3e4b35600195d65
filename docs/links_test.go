package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile("(?m)^#+ (.*)$")
	notInID = regexp.MustCompile("[^a-z0-9 _-]")
)

// Every link of a document to another, or to a heading, leads somewhere.
func TestLinks(t *testing.T) {
	files, err := filepath.Glob("*.md")
	more, err2 := filepath.Glob("../*.md")
	if err != nil || err2 != nil || len(files) == 0 || len(more) == 0 {
		t.Fatalf("documents: %v, %v, %v, %v", files, err, more, err2)
	}
	for _, file := range append(files, more...) {
		for _, found := range link.FindAllStringSubmatch(content(t, file), -1) {
			path, id, _ := strings.Cut(found[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(to); err != nil || id != "" && !hasHeading(content(t, to), id) {
				t.Errorf("%s: nothing is behind (%s)", file, found[1])
			}
		}
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hasHeading says whether a heading has this id, as code forges make it.
func hasHeading(text, id string) bool {
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(notInID.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") == id {
			return true
		}
	}
	return false
}
