// Command release makes or continues an update repository in the format of The Update Framework: docs/updates.md.
//
//	release DIR VERSION PERCENT PLATFORM=PROGRAM...
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
	"strconv"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: release DIR VERSION PERCENT PLATFORM=PROGRAM...")
		os.Exit(2)
	}
	if err := release(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
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
	now := time.Now().UTC()
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		now = time.Unix(seconds, 0).UTC()
	}
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
	r := metadata.Root(now.AddDate(2, 0, 0))
	r.Signed.ConsistentSnapshot = false
	for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "keys", role), []byte(hex.EncodeToString(private.Seed())), 0o600); err != nil {
			return err
		}
		key, err := metadata.KeyFromPublicKey(public)
		if err != nil {
			return err
		}
		if err := r.Signed.AddKey(key, role); err != nil {
			return err
		}
	}
	if err := sign(dir, "root", r); err != nil {
		return err
	}
	return r.ToFile(path, true)
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
	text, err := os.ReadFile(filepath.Join(dir, "keys", role))
	if err != nil {
		return err
	}
	seed, err := hex.DecodeString(string(text))
	if err != nil || len(seed) != ed25519.SeedSize {
		return fmt.Errorf("keys/%s is no key", role)
	}
	signer, err := signature.LoadSigner(ed25519.NewKeyFromSeed(seed), crypto.Hash(0))
	if err != nil {
		return err
	}
	_, err = m.Sign(signer)
	return err
}
