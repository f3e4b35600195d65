package agent_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent"
	"meteragent/agent/config"
)

// Bodies once sent by a released version stay as they are for ever: new files are
// added with -update, old ones are never edited.
var update = flag.Bool("update", false, "write bodies that are not there yet")

func TestWireBodies(t *testing.T) {
	everything := config.Privacy{Name: true, Location: true, Contact: true, Address: true, MAC: true, Console: true}
	wireBodies(t, "v1", everything)
	wireBodies(t, "v1-minimal", config.Privacy{})
}

func TestWireGap(t *testing.T) {
	gap := agent.GapEvent{
		Reason: "quota", Records: 1440,
		From: time.Date(2026, 8, 1, 0, 0, 12, 0, time.UTC), To: time.Date(2026, 8, 14, 21, 30, 0, 0, time.UTC),
	}
	body, err := json.Marshal(gap)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "wire", "v1", "gap.json"), body)
}

func wireBodies(t *testing.T, folder string, privacy config.Privacy) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) { c.Privacy = privacy })
		s.fleet.set(host, func(c *copier) { c.toner = 9 })
		stop := s.start(t)
		time.Sleep(2 * time.Hour)
		stop()
		for _, kind := range []string{"reading", "order", "device", "agent"} {
			all := bodies[json.RawMessage](t, s.link, kind)
			if len(all) == 0 {
				t.Errorf("no %s record arrived", kind)
				continue
			}
			golden(t, filepath.Join("testdata", "wire", folder, kind+".json"), all[0])
		}
	})
}

func golden(t *testing.T, path string, body []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	got := bytes.ReplaceAll(pretty.Bytes(), []byte(`"os": "`+runtime.GOOS+`"`), []byte(`"os": "linux"`))
	got = bytes.ReplaceAll(got, []byte(`"arch": "`+runtime.GOARCH+`"`), []byte(`"arch": "amd64"`))
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
