package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"meteragent/packaging/update"
)

const platform = "linux-amd64"

// A site takes updates from a repository with go-tuf's client and with ours, each with a memory of its own.
type site struct {
	root    []byte
	theirs  string // folder
	ours    update.Folder
	present time.Time
}

// files are a repository's: metadata/NAME.json and targets/NAME.
type files map[string][]byte

// take lets both clients look for the newest program and fetch it.
func (s site) take(repository files) (theirs, ours error) {
	return s.takeTheirs(repository), s.takeOurs(repository)
}

func (s site) takeOurs(repository files) error {
	source := func(_ context.Context, name string) (io.ReadCloser, error) {
		data, found := repository[name]
		if !found {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(strings.NewReader(string(data))), nil
	}
	r, err := s.ours.Refresh(context.Background(), source, platform, s.present)
	if err != nil {
		return err
	}
	return s.ours.Fetch(context.Background(), source, r)
}

func (s site) takeTheirs(repository files) error {
	c, err := config.New("http://repository/metadata", s.root)
	if err != nil {
		return err
	}
	c.LocalMetadataDir, c.LocalTargetsDir, c.RemoteTargetsURL = s.theirs, s.theirs, "http://repository/targets"
	c.Fetcher = fetcher(repository)
	u, err := updater.New(c)
	if err != nil {
		return err
	}
	u.UnsafeSetRefTime(s.present)
	if err := u.Refresh(); err != nil {
		return err
	}
	newest := ""
	for name := range u.GetTopLevelTargets() {
		newest = max(newest, name)
	}
	target, err := u.GetTargetInfo(newest)
	if err != nil {
		return err
	}
	_, _, err = u.DownloadTarget(target, filepath.Join(s.theirs, "program"), "")
	return err
}

// fetcher gives go-tuf's client the files of a repository.
type fetcher files

func (f fetcher) DownloadFile(url string, most int64, _ time.Duration) ([]byte, error) {
	data, found := f[strings.TrimPrefix(url, "http://repository/")]
	if !found {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: url}
	}
	if int64(len(data)) > most {
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: url}
	}
	return data, nil
}

// A maker has the folder of a repository, and its keys.
type maker struct {
	t   *testing.T
	dir string
}

func newMaker(t *testing.T) maker { return maker{t, t.TempDir()} }

func (m maker) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m maker) release(version string) {
	program := filepath.Join(m.t.TempDir(), "program")
	m.must(os.WriteFile(program, []byte("program "+version), 0o755))
	m.must(release(m.dir, version, "100", []string{platform + "=" + program}))
}

func (m maker) files() files {
	f := files{}
	for _, folder := range []string{"metadata", "targets"} {
		entries, err := os.ReadDir(filepath.Join(m.dir, folder))
		m.must(err)
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(m.dir, folder, e.Name()))
			m.must(err)
			f[folder+"/"+e.Name()] = data
		}
	}
	return f
}

func (m maker) rootFile() []byte {
	data, err := os.ReadFile(filepath.Join(m.dir, "root.json"))
	m.must(err)
	return data
}

// changed is a role's metadata with other content, signed anew by those whose keys are named.
func changed[T metadata.Roles](m maker, role string, from *metadata.Metadata[T], change func(*T), by ...string) []byte {
	m.t.Helper()
	change(&from.Signed)
	from.ClearSignatures()
	for _, key := range by {
		m.must(sign(m.dir, key, from))
	}
	data, err := from.ToBytes(true)
	m.must(err)
	return data
}

func (m maker) timestamp(change func(*metadata.TimestampType), by ...string) []byte {
	from, err := metadata.Timestamp().FromBytes(m.files()["metadata/timestamp.json"])
	m.must(err)
	return changed(m, "timestamp", from, change, by...)
}

func (m maker) snapshot(change func(*metadata.SnapshotType), by ...string) []byte {
	from, err := metadata.Snapshot().FromBytes(m.files()["metadata/snapshot.json"])
	m.must(err)
	return changed(m, "snapshot", from, change, by...)
}

func (m maker) targets(change func(*metadata.TargetsType), by ...string) []byte {
	from, err := metadata.Targets().FromBytes(m.files()["metadata/targets.json"])
	m.must(err)
	return changed(m, "targets", from, change, by...)
}

// nextRoot is the root after the first.
func (m maker) nextRoot(change func(*metadata.RootType), by ...string) []byte {
	from, err := metadata.Root().FromBytes(m.rootFile())
	m.must(err)
	from.Signed.Version = 2
	return changed(m, "root", from, change, by...)
}

// newKey makes a role's key anew, keeps the old one as NAME-old, and puts it into a root.
func (m maker) newKey(r *metadata.RootType, role string) {
	m.t.Helper()
	path := filepath.Join(m.dir, "keys", role)
	m.must(os.Rename(path, path+"-old"))
	public, private, err := ed25519.GenerateKey(nil)
	m.must(err)
	m.must(os.WriteFile(path, []byte(hex.EncodeToString(private.Seed())), 0o600))
	key, err := metadata.KeyFromPublicKey(public)
	m.must(err)
	for _, old := range append([]string{}, r.Roles[role].KeyIDs...) {
		m.must(r.RevokeKey(old, role))
	}
	m.must(r.AddKey(key, role))
}

// The client of go-tuf and ours, with the same repositories: what one refuses, the other refuses, too, and both take what is
// right. Each case begins with a site that has taken 1.0.1; 1.0.2 is offered.
func TestBesideTheirClient(t *testing.T) {
	expired := time.Now().Add(-time.Hour)
	nothing := func(*metadata.RootType) {}
	for _, c := range []struct {
		name  string
		taken bool
		offer func(m maker, f files)
	}{
		{"a newer version", true, func(maker, files) {}},
		{"a new key for targets, told by the old root", true, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { m.newKey(r, "targets") }, "root")
			m.release("1.0.3")
			maps.Copy(f, m.files())
		}},
		{"a new root key, signed by the old and the new", true, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { m.newKey(r, "root") }, "root", "root-old")
		}},
		{"a new root key, signed by the new alone", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { m.newKey(r, "root") }, "root")
		}},
		{"a new root key, signed by the old alone", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { m.newKey(r, "root") }, "root-old")
		}},
		{"a root that leaves one out", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { r.Version = 3 }, "root")
		}},
		{"the same root again", false, func(m maker, f files) { f["metadata/2.root.json"] = m.rootFile() }},
		{"a root that has expired", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { r.Expires = expired }, "root")
		}},
		{"targets by a key that has been replaced", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { m.newKey(r, "targets") }, "root")
		}},
		{"one of two signatures that targets need", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { r.Roles["targets"].Threshold = 2 }, "root")
		}},
		{"a root that needs nobody's signature", false, func(m maker, f files) {
			f["metadata/2.root.json"] = m.nextRoot(func(r *metadata.RootType) { r.Roles["targets"].Threshold = 0 }, "root")
		}},
		{"a tampered program", false, func(_ maker, f files) { f["targets/meteragent-1.0.2-linux-amd64"][3] ^= 1 }},
		{"a cut program", false, func(_ maker, f files) {
			f["targets/meteragent-1.0.2-linux-amd64"] = f["targets/meteragent-1.0.2-linux-amd64"][:5]
		}},
		{"a longer program", false, func(_ maker, f files) {
			f["targets/meteragent-1.0.2-linux-amd64"] = append(f["targets/meteragent-1.0.2-linux-amd64"], 0)
		}},
		{"no program", false, func(_ maker, f files) { delete(f, "targets/meteragent-1.0.2-linux-amd64") }},
		{"tampered targets", false, func(_ maker, f files) { tamper(f, "targets") }},
		{"a tampered snapshot", false, func(_ maker, f files) { tamper(f, "snapshot") }},
		{"a tampered timestamp", false, func(_ maker, f files) { tamper(f, "timestamp") }},
		{"a timestamp without a signature", false, func(m maker, f files) {
			f["metadata/timestamp.json"] = m.timestamp(func(*metadata.TimestampType) {})
		}},
		{"targets signed with the timestamp's key", false, func(m maker, f files) {
			f["metadata/targets.json"] = m.targets(func(*metadata.TargetsType) {}, "timestamp")
		}},
		{"a timestamp signed with the targets' key", false, func(m maker, f files) {
			f["metadata/timestamp.json"] = m.timestamp(func(*metadata.TimestampType) {}, "targets")
		}},
		{"everything by a stranger", false, func(m maker, f files) {
			stranger := newMaker(m.t)
			stranger.release("1.0.1")
			stranger.release("1.0.2")
			maps.Copy(f, stranger.files())
		}},
		{"a stranger's root", false, func(m maker, f files) {
			stranger := newMaker(m.t)
			stranger.release("1.0.2")
			f["metadata/2.root.json"] = stranger.nextRoot(nothing, "root")
		}},
		{"an older timestamp", false, func(m maker, f files) {
			f["metadata/timestamp.json"] = m.timestamp(func(s *metadata.TimestampType) { s.Version = 1; s.Meta["snapshot.json"].Version = 1 }, "timestamp")
		}},
		{"an older snapshot in a newer timestamp", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { s.Version = 1; s.Meta["targets.json"].Version = 1 }, "snapshot")
			f["metadata/timestamp.json"] = m.timestamp(func(s *metadata.TimestampType) { s.Version = 9; s.Meta["snapshot.json"].Version = 1 }, "timestamp")
		}},
		{"older targets in a newer snapshot", false, func(m maker, f files) {
			f["metadata/targets.json"] = m.targets(func(s *metadata.TargetsType) { s.Version = 1 }, "targets")
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { s.Version = 9; s.Meta["targets.json"].Version = 1 }, "snapshot")
			f["metadata/timestamp.json"] = m.timestamp(func(s *metadata.TimestampType) { s.Version = 9; s.Meta["snapshot.json"].Version = 9 }, "timestamp")
		}},
		{"a snapshot that forgets the targets", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { delete(s.Meta, "targets.json") }, "snapshot")
		}},
		{"other targets than the snapshot's", false, func(m maker, f files) {
			f["metadata/targets.json"] = m.targets(func(s *metadata.TargetsType) { s.Version = 9 }, "targets")
		}},
		{"another snapshot than the timestamp's", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { s.Version = 9 }, "snapshot")
		}},
		{"targets of another length than the snapshot's", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { s.Meta["targets.json"].Length = 7 }, "snapshot")
		}},
		{"targets of another hash than the snapshot's", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) {
				s.Meta["targets.json"].Hashes = metadata.Hashes{"sha256": make([]byte, 32)}
			}, "snapshot")
		}},
		{"frozen: the timestamp has expired", false, func(m maker, f files) {
			f["metadata/timestamp.json"] = m.timestamp(func(s *metadata.TimestampType) { s.Expires = expired }, "timestamp")
		}},
		{"the snapshot has expired", false, func(m maker, f files) {
			f["metadata/snapshot.json"] = m.snapshot(func(s *metadata.SnapshotType) { s.Expires = expired }, "snapshot")
		}},
		{"the targets have expired", false, func(m maker, f files) {
			f["metadata/targets.json"] = m.targets(func(s *metadata.TargetsType) { s.Expires = expired }, "targets")
		}},
		{"a snapshot in place of the timestamp", false, func(m maker, f files) {
			f["metadata/timestamp.json"] = m.snapshot(func(*metadata.SnapshotType) {}, "timestamp")
		}},
		{"no timestamp", false, func(_ maker, f files) { delete(f, "metadata/timestamp.json") }},
		{"no targets", false, func(_ maker, f files) { delete(f, "metadata/targets.json") }},
		{"a page to log in", false, func(_ maker, f files) { f["metadata/timestamp.json"] = []byte("<html>log in</html>") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMaker(t)
			m.release("1.0.1")
			m.release("1.0.1") // so that there is an older timestamp than the one the site knows
			s := site{root: m.rootFile(), theirs: t.TempDir(), ours: update.Folder{Path: t.TempDir(), Root: m.rootFile()}, present: time.Now()}
			if theirs, ours := s.take(m.files()); theirs != nil || ours != nil {
				t.Fatalf("1.0.1: go-tuf says %v, ours %v", theirs, ours)
			}
			m.release("1.0.2")
			f := m.files()
			c.offer(m, f)
			theirs, ours := s.take(f)
			if (theirs == nil) != c.taken || (ours == nil) != c.taken {
				t.Errorf("want it taken: %t\n go-tuf says %v\n ours says %v", c.taken, theirs, ours)
			}
			t.Logf("go-tuf: %v; ours: %v", theirs, ours)
		})
	}
}

func tamper(f files, role string) {
	name := "metadata/" + role + ".json"
	f[name] = []byte(strings.Replace(string(f[name]), `"version": 3`, `"version": `+strconv.Itoa(4), 1))
}
