package config_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
)

var (
	commentedOut = regexp.MustCompile(`(?m)^#([a-z_]+ = .*)$`)
	example      = regexp.MustCompile(`(?m)^#   ((?:[a-z_]+ = |\[\[).*)$`)
)

// Every commented setting of the file as it ships is the default, and only what has
// no default is missing.
func TestTheFileAsItShipsHoldsTheDefaults(t *testing.T) {
	file := commentedOut.ReplaceAllString(config.Commented(), "$1")
	if file == config.Commented() {
		t.Fatal("there is no commented setting")
	}
	c, err := config.Parse("meteragent.toml", []byte(file))
	var all config.Problems
	if !errors.As(err, &all) {
		t.Fatalf("error is %v", err)
	}
	var missing []string
	for _, p := range all {
		if p.Reason != "config.required" {
			t.Error(p)
		}
		missing = append(missing, p.Key)
	}
	if diff := cmp.Diff([]string{"customer", "portal.url", "network[1].addresses"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	want := config.Default()
	portal := config.DefaultPortal()
	portal.Name, portal.Orders = "portal", true
	want.Portals = []config.Portal{portal}
	want.Networks = []config.Network{config.DefaultNetwork()}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("settings (-Default +file):\n%s", diff)
	}
}

// Every setting that the program knows stands in the file as it ships.
func TestTheFileAsItShipsIsComplete(t *testing.T) {
	for _, line := range strings.Split(config.Commented(), "\n") {
		if len(line) > 84 {
			t.Errorf("too long for a narrow window: %s", line)
		}
	}
	file := commentedOut.ReplaceAllString(config.Commented(), "$1")
	for _, name := range config.Known() {
		section, setting := "", name
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			section, setting = name[:at], name[at+1:]
		}
		if strings.HasSuffix(section, "order_below") {
			continue // the colours of a device
		}
		if !strings.Contains(file, setting+" = ") && !strings.Contains(file, "["+name+"]") {
			t.Errorf("default.toml does not mention %s", name)
		}
	}
}

// The examples in the comments are valid.
func TestTheExamplesAreValid(t *testing.T) {
	file := example.ReplaceAllString(config.Commented(), "$1")
	file = regexp.MustCompile(`(?m)^(token = |addresses = \[\]$).*`).ReplaceAllString(file, "")
	file = strings.NewReplacer(`customer = ""`, `customer = "1"`, `url = ""`, `url = "https://portal.example.com"`).Replace(file)
	c, err := config.Parse("meteragent.toml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Toner.Rules) != 1 || len(c.Devices) != 2 || len(c.Networks[0].Addresses) != 3 {
		t.Errorf("the examples give %+v", c)
	}
	if want := map[string]int{"black": 10, "cyan": 20}; !cmp.Equal(want, c.Devices[1].OrderBelow) {
		t.Errorf("the second device has %v", c.Devices[1].OrderBelow)
	}
}

// So are those of the documents.
func TestTheExamplesOfTheDocumentsAreValid(t *testing.T) {
	document, err := os.ReadFile("../../docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(document), -1)
	if len(examples) != 4 {
		t.Fatalf("%d examples", len(examples))
	}
	rest := "[[network]]\naddresses = [\"192.168.10.0/24\"]\n[toner]\nmode = \"off\"\n"
	file := regexp.MustCompile(`\{ file = "[a-z.]*" \}`)
	for _, e := range examples {
		text := "customer = \"1\"\n" + file.ReplaceAllString(e[1], `"https://example.com"`) + rest
		if _, err := config.Parse("meteragent.toml", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
