package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/cli"
	"meteragent/collector/simulator"
)

// The example of docs/profiles.md works as it stands there.
func TestProfilesDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, m := range regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```\\w+\n(.*?)```").FindAllStringSubmatch(string(document), -1) {
		if err := os.WriteFile(filepath.Join(folder, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recording, err := os.ReadFile(filepath.Join(folder, "acme.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	device, err := simulator.FromRecording(bytes.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at, err := copier(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	address := at.String()
	t.Setenv("LANG", "en_GB.UTF-8")
	t.Setenv("LC_ALL", "")
	run := func(args ...string) string {
		var out, problems bytes.Buffer
		if code := cli.Main(args, strings.NewReader(""), &out, &problems); code != 0 {
			t.Fatalf("%v: code %d: %s", args, code, problems.String())
		}
		return out.String()
	}
	profile, capture := filepath.Join(folder, "acme.toml"), filepath.Join(folder, "captured.snmprec")
	want := regexp.MustCompile("(?s)```text\n(A300.*?)```").FindStringSubmatch(string(document))[1]
	host, _, _ := strings.Cut(address, ":")
	got := run("read", "--profile", profile, address)
	if diff := cmp.Diff(strings.ReplaceAll(want, "{ADDRESS}", host), got); diff != "" {
		t.Error(diff)
	}
	run("read", "--profile", profile, "--capture", capture, address)
	written, err := os.ReadFile(capture)
	if err != nil || strings.Contains(string(written), "A300-0001") || !strings.Contains(string(written), "1.3.6.1.4.1.99999.1.6.1.3.2|2|1000") {
		t.Errorf("got %v:\n%s", err, written)
	}
}
