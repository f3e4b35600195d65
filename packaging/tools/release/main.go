// Command release makes or continues an update repository in the format of The Update Framework: docs/updates.md.
//
//	release DIR VERSION PERCENT PLATFORM=PROGRAM...   publishes a version
//	release DIR                                       signs the timestamp anew
//	release DIR keys [ROLE...]                        signs the root for two more years, with new keys for these roles
package main

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1:
		err = publish(args[0], today())
	case len(args) > 1 && args[1] == "keys":
		err = changeKeys(args[0], args[2:], today())
	case len(args) > 3:
		err = release(args[0], args[1], args[2], args[3:])
	default:
		fmt.Fprintln(os.Stderr, "usage: release DIR [VERSION PERCENT PLATFORM=PROGRAM... | keys [ROLE...]]")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// today can be set, so that the same release gives the same bytes.
func today() time.Time {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Now().UTC()
}

func release(dir, version, percent string, programs []string) error {
	share, err := strconv.Atoi(percent)
	if err != nil {
		return err
	}
	for _, folder := range []string{"keys", "metadata", "targets"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return err
		}
	}
	now := today()
	if err := root(dir, now); err != nil {
		return err
	}
	targets := metadata.Targets()
	if err := proceed(dir, "targets", targets, func() { targets.Signed.Version++ }); err != nil {
		return err
	}
	targets.Signed.Expires = now.AddDate(0, 3, 0)
	for _, p := range programs {
		platform, path, _ := strings.Cut(p, "=")
		name := "meteragent-" + version + "-" + platform
		program, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "targets", name), program, 0o644); err != nil {
			return err
		}
		file, err := metadata.TargetFile().FromBytes(name, program, "sha256")
		if err != nil {
			return err
		}
		custom, err := json.Marshal(map[string]any{"version": version, "platform": platform, "percent": share, "database": database(program)})
		if err != nil {
			return err
		}
		raw := json.RawMessage(custom)
		file.Custom = &raw
		targets.Signed.Targets[name] = file
	}
	if err := write(dir, "targets", targets); err != nil {
		return err
	}
	return publish(dir, now)
}

// publish signs the snapshot and the timestamp anew, for which the keys of root and targets are not needed.
func publish(dir string, now time.Time) error {
	targets, err := metadata.Targets().FromFile(filepath.Join(dir, "metadata", "targets.json"))
	if err != nil {
		return err
	}
	snapshot := metadata.Snapshot()
	if err := proceed(dir, "snapshot", snapshot, func() { snapshot.Signed.Version++ }); err != nil {
		return err
	}
	snapshot.Signed.Expires = now.AddDate(0, 3, 0)
	snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(targets.Signed.Version)
	if err := write(dir, "snapshot", snapshot); err != nil {
		return err
	}
	timestamp := metadata.Timestamp()
	if err := proceed(dir, "timestamp", timestamp, func() { timestamp.Signed.Version++ }); err != nil {
		return err
	}
	timestamp.Signed.Expires = now.AddDate(0, 0, 7)
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(snapshot.Signed.Version)
	return write(dir, "timestamp", timestamp)
}

// mark is what every program says of the database it writes: store.Mark.
var mark = regexp.MustCompile("meteragent database format ([0-9]+)")

// database is the format of the database that a program writes; 0 if it does not say.
func database(program []byte) int {
	found := mark.FindSubmatch(program)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// root makes the first root and its keys, once.
func root(dir string, now time.Time) error {
	path := filepath.Join(dir, "root.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r := metadata.Root(now.AddDate(rootYears, 0, 0))
	r.Signed.ConsistentSnapshot = false
	for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
		if err := newKey(dir, role, &r.Signed); err != nil {
			return err
		}
	}
	if err := sign(dir, "root", r); err != nil {
		return err
	}
	return r.ToFile(path, true)
}

const rootYears = 2 // that a root is good for

// newKey makes a role's key, and puts it into the root in place of the one before, which stays beside it: were it lost before
// the root is written, no agent could be reached any more.
func newKey(dir, role string, r *metadata.RootType) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return err
	}
	for _, before := range slices.Clone(r.Roles[role].KeyIDs) {
		if err := r.RevokeKey(before, role); err != nil {
			return err
		}
	}
	if err := r.AddKey(key, role); err != nil {
		return err
	}
	path := filepath.Join(dir, "keys", role)
	if err := os.Rename(path, fmt.Sprintf("%s.%d", path, r.Version-1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(hex.EncodeToString(private.Seed())), 0o600)
}

// changeKeys makes the next root: good for two more years, signed by the keys of the root before it, and with new keys for some
// roles. Agents follow it by themselves. What the old keys signed is signed anew.
func changeKeys(dir string, roles []string, now time.Time) error {
	r, err := newestRoot(dir)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if r.Signed.Roles[role] == nil {
			return fmt.Errorf("there is no role %q", role)
		}
	}
	r.Signed.Version++
	r.Signed.Expires = now.AddDate(rootYears, 0, 0)
	r.ClearSignatures()
	before, err := signer(dir, "root")
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := newKey(dir, role, &r.Signed); err != nil {
			return err
		}
	}
	if slices.Contains(roles, "root") {
		if err := sign(dir, "root", r); err != nil {
			return err
		}
	}
	if _, err := r.Sign(before); err != nil {
		return err
	}
	if err := r.ToFile(filepath.Join(dir, "metadata", strconv.FormatInt(r.Signed.Version, 10)+".root.json"), true); err != nil {
		return err
	}
	if slices.Contains(roles, "targets") {
		targets, err := metadata.Targets().FromFile(filepath.Join(dir, "metadata", "targets.json"))
		if err != nil {
			return err
		}
		targets.Signed.Version++
		if err := write(dir, "targets", targets); err != nil {
			return err
		}
	}
	return publish(dir, now)
}

// newestRoot is the root that the next one follows.
func newestRoot(dir string) (*metadata.Metadata[metadata.RootType], error) {
	newest, err := metadata.Root().FromFile(filepath.Join(dir, "root.json"))
	for err == nil {
		var next *metadata.Metadata[metadata.RootType]
		next, err = metadata.Root().FromFile(filepath.Join(dir, "metadata", strconv.FormatInt(newest.Signed.Version+1, 10)+".root.json"))
		if err == nil {
			newest = next
		}
	}
	if newest != nil && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return newest, err
}

// proceed reads what a role said before, if anything, and counts on.
func proceed[T metadata.Roles](dir, role string, m *metadata.Metadata[T], next func()) error {
	data, err := os.ReadFile(filepath.Join(dir, "metadata", role+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := m.FromBytes(data); err != nil {
		return err
	}
	next()
	return nil
}

func write[T metadata.Roles](dir, role string, m *metadata.Metadata[T]) error {
	m.ClearSignatures()
	if err := sign(dir, role, m); err != nil {
		return err
	}
	return m.ToFile(filepath.Join(dir, "metadata", role+".json"), true)
}

func sign[T metadata.Roles](dir, role string, m *metadata.Metadata[T]) error {
	by, err := signer(dir, role)
	if err != nil {
		return err
	}
	_, err = m.Sign(by)
	return err
}

// signer signs with a role's key.
func signer(dir, role string) (signature.Signer, error) {
	text, err := os.ReadFile(filepath.Join(dir, "keys", role))
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(string(text))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("keys/%s is no key", role)
	}
	return signature.LoadSigner(ed25519.NewKeyFromSeed(seed), crypto.Hash(0))
}
