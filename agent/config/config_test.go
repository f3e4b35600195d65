package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/agent/text"
)

var update = flag.Bool("update", false, "rewrite the problem lists in testdata")

const dashes = "\n------------------------------------------------------------\n"

// Each file in testdata is a configuration above a line of dashes and the problems
// that it must give below it, in English, or in German if the name says so.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("testdata has %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			toml, want, found := strings.Cut(string(data), dashes)
			if !found {
				t.Fatal("there is no line of dashes")
			}
			lang := ""
			if strings.Contains(file, ".de.") {
				lang = "de"
			}
			got := problems(t, []byte(toml)).Say(text.For(lang)) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(toml+dashes+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, line := range strings.Split(got, "\n") {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("longer than 80 columns: %s", line)
				}
			}
		})
	}
}

// problems parses a file that would lie in testdata, and checks what holds for every
// problem in every language.
func problems(t *testing.T, data []byte) config.Problems {
	t.Helper()
	_, err := config.Parse(filepath.Join("testdata", "meteragent.toml"), data)
	if err == nil {
		return nil
	}
	var all config.Problems
	if !errors.As(err, &all) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	line := 0
	for i, p := range all {
		if all[i].File != filepath.Join("testdata", "meteragent.toml") || p.Line < line {
			t.Errorf("problem is out of place: %+v", p)
		}
		all[i].File, line = "meteragent.toml", p.Line
		for _, lang := range []string{"en", "de"} {
			said := all[i].Say(text.For(lang))
			for _, never := range []string{"{found}", "{min}", "[config.", "string", "int64", "struct", "hunter2"} {
				if strings.Contains(said, never) {
					t.Errorf("a problem says %q: %s", never, said)
				}
			}
		}
	}
	return all
}

const smallest = `customer = "1234567"
[portal]
url = "https://portal.example.com/events"
[[network]]
addresses = ["192.168.10.0/24"]
`

func TestEncodings(t *testing.T) {
	site := "site = \"Zürich\"\r\n" + strings.ReplaceAll(smallest, "\n", "\r\n")
	units := func(order ...int) []byte {
		var b []byte
		for _, r := range "\ufeff" + site {
			for _, shift := range order {
				b = append(b, byte(r>>shift))
			}
		}
		return b
	}
	for name, data := range map[string][]byte{
		"UTF-8 with a mark": []byte("\ufeff" + site),
		"UTF-16 LE":         units(0, 8),
		"UTF-16 BE":         units(8, 0),
		"bare UTF-8":        []byte(site),
	} {
		c, err := config.Parse("meteragent.toml", data)
		if err != nil || c.Site != "Zürich" || c.Portals[0].URL != "https://portal.example.com/events" {
			t.Errorf("%s: Parse gives site %q and %v", name, c.Site, err)
		}
	}
	latin1 := "site = \"Z\xfcrich\"\n" + smallest
	want := "meteragent.toml: line 1: contains characters that are not UTF-8; save the file\n  as UTF-8\n"
	if got := problems(t, []byte(latin1)).Error() + "\n"; got != want {
		t.Errorf("Latin-1: got %s want %s", got, want)
	}
}

func TestTextFromElsewhere(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("METERAGENT_TEST_COMMUNITY", "acme #1")
	file := smallest + "community = { env = \"METERAGENT_TEST_COMMUNITY\" }\n[store]\nfolder = \"data\"\n"
	file = strings.Replace(file, "[portal]", "[portal]\ntoken = { file = \"secrets/token\" }", 1)
	for name, content := range map[string]string{
		"meteragent.toml": file, "secrets/token": "\ufeffhunter2\r\n",
	} {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(folder, "meteragent.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Portals[0].Token.Reveal(); got != "hunter2" {
		t.Errorf("token is %q", got)
	}
	if got := c.Networks[0].Community.Reveal(); got != "acme #1" {
		t.Errorf("community is %q", got)
	}
	if want := filepath.Join(folder, "data"); c.Store.Folder != want {
		t.Errorf("folder is %q, want %q", c.Store.Folder, want)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(shown, "hunter2") || strings.Contains(shown, "acme") {
		t.Errorf("a printed configuration shows its secrets: %s", shown)
	}
}

func TestWhatIsRightIsKept(t *testing.T) {
	c, err := config.Parse("meteragent.toml", []byte("customer = \"1\"\n[poll]\nmeters = \"1s\"\nparallel = 3\n[store]\nfolder = 'data'\n"))
	var all config.Problems
	if !errors.As(err, &all) {
		t.Fatalf("error is %v", err)
	}
	folder, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	if c.Customer != "1" || c.Poll.Parallel != 3 || c.Poll.Meters != config.Default().Poll.Meters || c.Store.Folder != folder {
		t.Errorf("Parse gives %+v", c)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "meteragent.toml")
	_, err := config.Load(missing)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error is %v", err)
	}
}

// A path may lead to a log, a database, or what has no end at all.
func TestBytesAreNoMoreThanAConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.toml")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := config.Bytes(path)
	if err != nil || len(data) > 256<<10+1 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := config.Parse(path, data); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("Parse says %v", err)
	}
}
