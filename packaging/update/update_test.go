package update_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meteragent/packaging/update"
)

const platform = "linux-amd64"

func now() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) }

type object = map[string]any

// maker signs releases, with one key for each role.
type maker struct {
	keys    map[string]ed25519.PrivateKey
	expires map[string]time.Time
	version map[string]int
}

func newMaker(seed byte) *maker {
	m := &maker{keys: map[string]ed25519.PrivateKey{}, expires: map[string]time.Time{}, version: map[string]int{}}
	for i, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		m.keys[role] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed + byte(i)}, ed25519.SeedSize))
		m.expires[role] = now().Add(24 * time.Hour)
		m.version[role] = 1
	}
	return m
}

func (m *maker) public(role string) string {
	return hex.EncodeToString(m.keys[role].Public().(ed25519.PublicKey))
}

// sign makes a file of metadata. encoding/json writes maps as they are signed, as long as nothing in them needs escaping.
func (m *maker) sign(role string, content object, by ...ed25519.PrivateKey) []byte {
	content["_type"], content["spec_version"] = role, "1.0.31"
	content["version"], content["expires"] = m.version[role], m.expires[role].Format(time.RFC3339)
	message, _ := json.Marshal(content)
	signatures := []object{}
	for _, key := range append(by, m.keys[role]) {
		public := hex.EncodeToString(key.Public().(ed25519.PublicKey))
		signatures = append(signatures, object{"keyid": public[:16], "sig": hex.EncodeToString(ed25519.Sign(key, message))})
	}
	data, _ := json.MarshalIndent(object{"signatures": signatures, "signed": content}, "", "  ")
	return data
}

func (m *maker) root(by ...ed25519.PrivateKey) []byte {
	keys, roles := object{}, object{}
	for role := range m.keys {
		id := m.public(role)[:16]
		keys[id] = object{"keytype": "ed25519", "scheme": "ed25519", "keyval": object{"public": m.public(role)}}
		roles[role] = object{"keyids": []string{id}, "threshold": 1}
	}
	return m.sign("root", object{"keys": keys, "roles": roles}, by...)
}

// repository holds one program of each version.
func (m *maker) repository(versions ...string) map[string][]byte {
	files, list := map[string][]byte{}, object{}
	for _, v := range versions {
		program := []byte("program " + v)
		sum := sha256.Sum256(program)
		files["targets/meteragent-"+v] = program
		list["meteragent-"+v] = object{
			"length": len(program), "hashes": object{"sha256": hex.EncodeToString(sum[:])},
			"custom": object{"version": v, "platform": platform, "percent": 100},
		}
	}
	files["metadata/targets.json"] = m.sign("targets", object{"targets": list})
	files["metadata/snapshot.json"] = m.sign("snapshot", object{"meta": object{"targets.json": object{"version": m.version["targets"]}}})
	files["metadata/timestamp.json"] = m.sign("timestamp", object{"meta": object{"snapshot.json": object{"version": m.version["snapshot"]}}})
	return files
}

func (m *maker) next() {
	for role := range m.version {
		if role != "root" {
			m.version[role]++
		}
	}
}

func from(files map[string][]byte) update.Source {
	return func(_ context.Context, name string) (io.ReadCloser, error) {
		data, found := files[name]
		if !found {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
}

func install(f update.Folder, source update.Source) error {
	r, err := f.Refresh(context.Background(), source, platform, now())
	if err != nil {
		return err
	}
	return f.Install(context.Background(), source, r, now())
}

// chosen is the version that the next start of an installed 1.0.0 runs.
func chosen(t *testing.T, f update.Folder, at time.Time) string {
	t.Helper()
	path, version, err := f.Choose("1.0.0", platform, time.Hour, at)
	if err != nil {
		t.Logf("said: %v", err)
	}
	if data, _ := os.ReadFile(path); path != "" && string(data) != "program "+version {
		t.Errorf("%s is not version %s", path, version)
	}
	return version
}

// Whatever is wrong with a repository, nothing of it is run, and the version before goes on.
func TestRefused(t *testing.T) {
	stranger := newMaker(100)
	for _, c := range []struct {
		name string
		harm func(m *maker, files map[string][]byte)
		want error
	}{
		{"tampered program", func(_ *maker, files map[string][]byte) { files["targets/meteragent-1.0.2"][3] ^= 1 }, update.ErrTampered},
		{"cut download", func(_ *maker, files map[string][]byte) {
			files["targets/meteragent-1.0.2"] = files["targets/meteragent-1.0.2"][:5]
		}, update.ErrTampered},
		{"endless download", func(_ *maker, files map[string][]byte) {
			files["targets/meteragent-1.0.2"] = append(files["targets/meteragent-1.0.2"], make([]byte, 1<<20)...)
		}, update.ErrTampered},
		{"no program", func(_ *maker, files map[string][]byte) { delete(files, "targets/meteragent-1.0.2") }, fs.ErrNotExist},
		{"tampered targets", func(_ *maker, files map[string][]byte) {
			files["metadata/targets.json"] = bytes.Replace(files["metadata/targets.json"], []byte("100"), []byte("101"), 1)
		}, update.ErrTampered},
		{"targets by a stranger", func(m *maker, files map[string][]byte) {
			stranger.version = m.version
			files["metadata/targets.json"] = stranger.repository("1.0.2")["metadata/targets.json"]
		}, update.ErrTampered},
		{"everything by a stranger", func(m *maker, files map[string][]byte) {
			stranger.version = m.version
			maps.Copy(files, stranger.repository("1.0.2"))
		}, update.ErrTampered},
		{"targets signed by the timestamp's key", func(m *maker, files map[string][]byte) {
			m.keys["targets"] = m.keys["timestamp"]
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrTampered},
		{"rolled back", func(m *maker, files map[string][]byte) {
			for role := range m.version {
				m.version[role] = 1
			}
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrRolledBack},
		{"an old snapshot in a new timestamp", func(m *maker, files map[string][]byte) {
			m.version["snapshot"], m.version["timestamp"] = 1, 9
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrRolledBack},
		{"old targets in a new snapshot", func(m *maker, files map[string][]byte) {
			m.version["targets"], m.version["snapshot"], m.version["timestamp"] = 1, 9, 9
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrRolledBack},
		{"other targets than the snapshot's", func(m *maker, files map[string][]byte) {
			m.version["targets"] = 7
			files["metadata/targets.json"] = m.repository("1.0.2")["metadata/targets.json"]
		}, update.ErrTampered},
		{"frozen", func(m *maker, files map[string][]byte) {
			m.expires["timestamp"] = now().Add(-time.Minute)
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrExpired},
		{"expired targets", func(m *maker, files map[string][]byte) {
			m.expires["targets"] = now().Add(-time.Minute)
			maps.Copy(files, m.repository("1.0.2"))
		}, update.ErrExpired},
		{"new keys that the old did not sign", func(m *maker, files map[string][]byte) {
			stranger.version["root"] = 2
			files["metadata/2.root.json"] = stranger.root()
		}, update.ErrTampered},
		{"not JSON", func(_ *maker, files map[string][]byte) {
			files["metadata/timestamp.json"] = []byte("<html>log in</html>")
		}, update.ErrTampered},
		{"a version that is a path", func(m *maker, files map[string][]byte) { maps.Copy(files, m.repository("../../../../tmp/x")) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMaker(1)
			f := update.Folder{Path: t.TempDir(), Root: m.root()}
			m.next()
			if err := install(f, from(m.repository("1.0.1"))); err != nil {
				t.Fatal(err)
			}
			if got := chosen(t, f, now()); got != "1.0.1" {
				t.Fatalf("version %s runs", got)
			}
			if err := f.Pass("1.0.1", now()); err != nil {
				t.Fatal(err)
			}
			m.next()
			files := m.repository("1.0.2")
			c.harm(m, files)
			err := install(f, from(files))
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := chosen(t, f, now()); got != "1.0.1" {
				t.Errorf("version %s runs, want 1.0.1", got)
			}
			if left, _ := filepath.Glob(filepath.Join(f.Path, "part-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Keys change: the old ones sign the new ones once, and count for nothing afterwards.
func TestNewKeys(t *testing.T) {
	old, young := newMaker(1), newMaker(50)
	f := update.Folder{Path: t.TempDir(), Root: old.root()}
	young.version["root"] = 2
	files := young.repository("1.0.1")
	files["metadata/2.root.json"] = young.root(old.keys["root"])
	if err := install(f, from(files)); err != nil {
		t.Errorf("new keys that the old ones signed are refused: %v", err)
	}
	old.version["root"] = 1
	old.next()
	if err := install(f, from(old.repository("1.0.2"))); !errors.Is(err, update.ErrTampered) {
		t.Errorf("got %v of the old keys, want that they no longer count", err)
	}
	young.expires["root"] = now().Add(-time.Minute)
	expired := update.Folder{Path: t.TempDir(), Root: young.root()}
	if err := install(expired, from(files)); !errors.Is(err, update.ErrExpired) {
		t.Errorf("got %v of keys that have expired", err)
	}
}

// A program that does not prove itself is tried three times, and then never again; the version before comes back.
func TestProbation(t *testing.T) {
	for _, c := range []struct {
		name string
		try  func(t *testing.T, f update.Folder)
	}{
		{"it crashes or hangs", func(t *testing.T, f update.Folder) {
			for range 3 {
				if got := chosen(t, f, now()); got != "1.0.2" {
					t.Fatalf("version %s runs", got)
				}
			}
		}},
		{"it never says anything", func(t *testing.T, f update.Folder) {
			chosen(t, f, now())
			if got := chosen(t, f, now().Add(time.Hour+time.Second)); got != "1.0.1" {
				t.Errorf("version %s runs", got)
			}
		}},
		{"it says that it cannot deliver", func(t *testing.T, f update.Folder) {
			chosen(t, f, now())
			if err := f.Fail("nothing delivered", now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"its file is changed on the disk", func(t *testing.T, f update.Folder) {
			if err := os.WriteFile(filepath.Join(f.Path, "meteragent-1.0.2"), []byte("something else"), 0o755); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMaker(1)
			f := update.Folder{Path: t.TempDir(), Root: m.root()}
			for _, version := range []string{"1.0.1", "1.0.2"} {
				m.next()
				if err := install(f, from(m.repository(version))); err != nil {
					t.Fatal(err)
				}
				if version == "1.0.1" {
					chosen(t, f, now())
					if err := f.Pass(version, now()); err != nil {
						t.Fatal(err)
					}
				}
			}
			c.try(t, f)
			for range 2 {
				if got := chosen(t, f, now()); got != "1.0.1" {
					t.Errorf("version %s runs, want 1.0.1", got)
				}
			}
			last, err := f.Last()
			if err != nil || last == nil || last.Result != "failed" || last.Version != "1.0.2" || last.Reason == "" {
				t.Errorf("the outcome is %+v, %v", last, err)
			}
			if err := install(f, from(m.repository("1.0.2"))); err == nil {
				t.Error("what has failed is tried again")
			}
			if _, err := os.Stat(filepath.Join(f.Path, "meteragent-1.0.2")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what has failed still lies there: %v", err)
			}
		})
	}
}

// A newer installed program wins over an older update, and metadata that has expired since does not stop what runs.
func TestChoose(t *testing.T) {
	m := newMaker(1)
	f := update.Folder{Path: t.TempDir(), Root: m.root()}
	if err := install(f, from(m.repository("1.0.1"))); err != nil {
		t.Fatal(err)
	}
	chosen(t, f, now())
	if err := f.Pass("1.0.1", now()); err != nil {
		t.Fatal(err)
	}
	if got := chosen(t, f, now().AddDate(10, 0, 0)); got != "1.0.1" {
		t.Errorf("after ten years version %s runs, want 1.0.1", got)
	}
	if path, version, err := f.Choose("1.1.0-rc1", platform, time.Hour, now()); path != "" || version != "1.1.0-rc1" || err != nil {
		t.Errorf("got %q, %s, %v; want the installed one", path, version, err)
	}
	stranger := update.Folder{Path: f.Path, Root: newMaker(100).root()}
	if path, _, err := stranger.Choose("1.0.0", platform, time.Hour, now()); path != "" || err == nil {
		t.Errorf("got %q, %v, although the administrator trusts others now", path, err)
	}
}

// A release after which the present version could not open its database is passed over.
func TestDatabaseThatCannotBeTakenBack(t *testing.T) {
	m := newMaker(100)
	files := m.repository("1.0.0", "1.1.0", "1.2.0")
	var list struct {
		Signed object `json:"signed"`
	}
	if err := json.Unmarshal(files["metadata/targets.json"], &list); err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]int{"meteragent-1.1.0": 4, "meteragent-1.2.0": 5} {
		list.Signed["targets"].(map[string]any)[name].(map[string]any)["custom"].(map[string]any)["database"] = format
	}
	files["metadata/targets.json"] = m.sign("targets", list.Signed)
	for reads, want := range map[int]string{0: "1.2.0", 3: "1.0.0", 4: "1.1.0", 5: "1.2.0"} {
		f := update.Folder{Path: t.TempDir(), Root: m.root(), Reads: reads}
		got, err := f.Refresh(t.Context(), from(files), platform, now())
		if err != nil || got.Version != want || (want == "1.2.0") != (got.Withheld == nil) {
			t.Errorf("one that reads format %d gets %q, withheld %v, %v; want %q", reads, got.Version, got.Withheld, err, want)
		}
	}
}

func TestChosen(t *testing.T) {
	r := update.Release{Version: "1.2.3", Percent: 25}
	var in []string
	for i := range 1000 {
		if agent := fmt.Sprint("agent ", i); r.Chosen(agent) {
			in = append(in, agent)
		}
	}
	if len(in) < 200 || len(in) > 300 {
		t.Errorf("%d of 1000 agents take it, want about 250", len(in))
	}
	r.Percent = 50
	if slices.ContainsFunc(in, func(agent string) bool { return !r.Chosen(agent) }) {
		t.Error("an agent that took it at 25 percent does not at 50")
	}
	r.Percent = 0
	if slices.ContainsFunc(in, r.Chosen) {
		t.Error("an agent takes what nobody should")
	}
}

func TestNewer(t *testing.T) {
	for _, line := range []string{"1.0.1 1.0.0", "1.10.0 1.9.9", "2.0.0 1.99.99", "0.0.1 0.0.0-dev", "0.0.1 dev", "1.0.0 "} {
		a, b, _ := strings.Cut(line, " ")
		if !update.Newer(a, b) || update.Newer(b, a) || update.Newer(a, a) {
			t.Errorf("%q is not newer than %q", a, b)
		}
	}
}
