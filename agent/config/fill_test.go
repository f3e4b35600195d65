package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
)

// What was answered is what is read back, whatever is in it, and the rest is the file as it ships.
func TestFilled(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "portal.token"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, customer := range []string{"1234567", `Müller & "Söhne" \ 0123`, "#url = \"\""} {
		answers := config.Answers{
			Customer: customer, URL: "https://portal.example.com/events", TokenFile: "portal.token", Enroll: "https://portal.example.com",
			Addresses: []string{"192.168.10.0/24", "copier-3"},
		}
		c, err := config.Parse(filepath.Join(dir, "meteragent.toml"), []byte(config.Filled(answers)))
		if err != nil {
			t.Fatal(err)
		}
		if c.Customer != customer || c.Portals[0].URL != answers.URL || c.Portals[0].Enroll != answers.Enroll || c.Portals[0].Token.Reveal() != "secret" {
			t.Errorf("got %q, %q, a token of %d characters", c.Customer, c.Portals[0].URL, len(c.Portals[0].Token.Reveal()))
		}
		if diff := cmp.Diff(answers.Addresses, c.Networks[0].Addresses); diff != "" {
			t.Errorf("addresses (-want +got):\n%s", diff)
		}
	}
	if got := config.Filled(config.Answers{}); got != config.Commented() {
		t.Errorf("without answers it differs:\n%s", cmp.Diff(config.Commented(), got))
	}
}
