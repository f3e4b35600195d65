package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meteragent/agent/config"
)

// A secret may be one that systemd hands over, and nothing else on the disk.
func TestCredential(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(dir, "credentials"))
	for path, content := range map[string]string{"credentials/token": "right\n", "token": "wrong\n"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := strings.Replace(config.Filled(config.Answers{Customer: "1", URL: "https://portal.example.com/", Addresses: []string{"192.0.2.1"}}),
		`#token = ""`, `token = { credential = "NAME" }`, 1)
	for _, name := range []string{"token", "../token"} {
		c, err := config.Parse(filepath.Join(dir, "m.toml"), []byte(strings.Replace(file, "NAME", name, 1)))
		if err != nil || c.Portals[0].Token.Reveal() != "right" {
			t.Errorf("%s: got another token, or %v", name, err)
		}
	}
	if _, err := config.Parse("m.toml", []byte(strings.Replace(file, "NAME", "none", 1))); err == nil || !strings.Contains(err.Error(), "portal.token.credential") {
		t.Errorf("got %v, want an error that names portal.token.credential", err)
	}
}
