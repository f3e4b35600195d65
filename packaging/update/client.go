// Package update replaces the program by a newer one that was signed for it, and goes back by itself if the newer one does not
// do its work.
//
// What is signed, and by whom, is The Update Framework's format (TUF). Nothing is written over: a new program lies in the data
// folder, beside the metadata that proves it, and the installed program starts it instead of itself. The installed program is
// therefore always there to go back to, and the service needs no right to write programs.
//
// The package knows nothing of copiers and portals: it is told whether a new program has proved itself.
package update

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Limits of what is fetched.
const (
	largestMetadata = 1 << 20   // bytes
	largestProgram  = 100 << 20 // bytes
	mostRoots       = 100       // changes of keys followed at once
)

// A Source gives the files of an update repository: metadata/NAME.json and targets/NAME. It returns fs.ErrNotExist for a file
// that is not there.
type Source func(ctx context.Context, name string) (io.ReadCloser, error)

// A Folder is where updates are kept; it belongs to the service.
type Folder struct {
	Path string
	Root []byte // the keys that the administrator trusts: a TUF root

	Reads int // the newest format of the database that the present version can open; 0 is any
}

// ErrDatabase says that a release changes the database so that the present version could
// not go on with it if the release failed.
var ErrDatabase = errors.New("the present version could not open its database if it failed")

// Refresh fetches the newest metadata, refuses it unless everything is signed, current and not older than before, keeps it,
// and returns the newest release for a platform.
func (f Folder) Refresh(ctx context.Context, from Source, platform string, now time.Time) (Release, error) {
	r, err := f.roots(ctx, from)
	if err != nil {
		return Release{}, err
	}
	if err := r.current(now); err != nil {
		return Release{}, err
	}
	timestamp, err := f.step(ctx, from, r, "timestamp", meta{}, "snapshot.json", now)
	if err != nil {
		return Release{}, err
	}
	snapshot, err := f.step(ctx, from, r, "snapshot", timestamp.Meta["snapshot.json"], "targets.json", now)
	if err != nil {
		return Release{}, err
	}
	data, err := read(ctx, from, "metadata/targets.json")
	if err != nil {
		return Release{}, err
	}
	var t targets
	m := snapshot.Meta["targets.json"]
	if err := errors.Join(m.fits("targets", data), r.open("targets", data, &t)); err != nil {
		return Release{}, err
	}
	if t.Version != m.Version {
		return Release{}, fmt.Errorf("targets: version %d instead of %d: %w", t.Version, m.Version, ErrTampered)
	}
	if err := t.current(now); err != nil {
		return Release{}, err
	}
	if err := f.keep("targets.json", data); err != nil {
		return Release{}, err
	}
	return t.newest(platform, f.Reads)
}

// roots follows the administrator's root through every change of keys since, as far as there are any.
func (f Folder) roots(ctx context.Context, from Source) (*root, error) {
	r, err := parseRoot(f.Root)
	if err != nil {
		return nil, err
	}
	for range mostRoots {
		name := strconv.FormatInt(r.Version+1, 10) + ".root.json"
		data, err := os.ReadFile(filepath.Join(f.Path, name))
		kept := err == nil
		if !kept && from != nil {
			data, err = read(ctx, from, "metadata/"+name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		next, err := r.follow(data)
		if err != nil {
			return nil, err
		}
		if !kept {
			if err := f.keep(name, data); err != nil {
				return nil, err
			}
		}
		r = next
	}
	return nil, fmt.Errorf("more than %d changes of keys", mostRoots)
}

// step fetches the timestamp or the snapshot. Neither it nor what it names may be older than what is kept.
func (f Folder) step(ctx context.Context, from Source, r *root, what string, m meta, names string, now time.Time) (list, error) {
	data, err := read(ctx, from, "metadata/"+what+".json")
	if err != nil {
		return list{}, err
	}
	var l list
	if err := errors.Join(m.fits(what, data), r.open(what, data, &l)); err != nil {
		return list{}, err
	}
	if m.Version != 0 && l.Version != m.Version {
		return list{}, fmt.Errorf("%s: version %d instead of %d: %w", what, l.Version, m.Version, ErrTampered)
	}
	var before list
	kept, err := os.ReadFile(filepath.Join(f.Path, what+".json"))
	// Kept metadata that the keys of today do not cover counts for nothing: that is how a stolen key's work is undone.
	if err == nil && r.open(what, kept, &before) == nil &&
		(l.Version < before.Version || l.Meta[names].Version < before.Meta[names].Version) {
		return list{}, fmt.Errorf("%s: version %d after %d: %w", what, l.Version, before.Version, ErrRolledBack)
	}
	if err := l.current(now); err != nil {
		return list{}, err
	}
	return l, f.keep(what+".json", data)
}

// Fetch gets a release's program. What is not the signed one, in length and hash, is never given its name.
func (f Folder) Fetch(ctx context.Context, from Source, r Release) error {
	in, err := from(ctx, "targets/"+r.name)
	if err != nil {
		return err
	}
	defer in.Close()
	to, err := os.CreateTemp(f.Path, "part-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // after the rename there is nothing left to remove
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(in, r.length+1))
	if err := errors.Join(err, to.Sync(), to.Chmod(0o755), to.Close()); err != nil {
		return fmt.Errorf("fetch %s: %w", r.name, err)
	}
	if n != r.length || hex.EncodeToString(sum.Sum(nil)) != r.sha256 {
		return fmt.Errorf("fetch %s: %d of %d bytes, or others: %w", r.name, n, r.length, ErrTampered)
	}
	return os.Rename(to.Name(), f.program(r.Version))
}

func (f Folder) program(version string) string { return filepath.Join(f.Path, "meteragent-"+version) }

// proved gives the path of a kept program if the kept metadata still proves it. Metadata that has expired proves it, too: what
// was right when it was fetched may run for ever.
func (f Folder) proved(version, platform string) (string, error) {
	r, err := f.roots(context.Background(), nil)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(f.Path, "proof-"+version+".json"))
	if err != nil {
		return "", err
	}
	var t targets
	if err := r.open("targets", data, &t); err != nil {
		return "", err
	}
	program, err := os.Open(f.program(version))
	if err != nil {
		return "", err
	}
	defer program.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, program); err != nil {
		return "", err
	}
	for _, one := range t.Targets {
		if one.Custom.Version == version && one.Custom.Platform == platform && one.Hashes["sha256"] == hex.EncodeToString(sum.Sum(nil)) {
			return f.program(version), nil
		}
	}
	return "", fmt.Errorf("%s: %w", f.program(version), ErrTampered)
}

func (f Folder) keep(name string, data []byte) error {
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return err
	}
	to, err := os.CreateTemp(f.Path, "part-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = to.Write(data)
	if err := errors.Join(err, to.Sync(), to.Chmod(0o644), to.Close()); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return os.Rename(to.Name(), filepath.Join(f.Path, name))
}

func read(ctx context.Context, from Source, name string) ([]byte, error) {
	in, err := from(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, largestMetadata+1))
	if err == nil && len(data) > largestMetadata {
		err = fmt.Errorf("more than %d bytes", largestMetadata)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	return data, nil
}

// newest is the newest release from which the present version can take over again; the zero
// Release if there is none for the platform.
func (t targets) newest(platform string, reads int) (Release, error) {
	var best, passed Release
	for name, one := range t.Targets {
		r := one.Custom
		r.name, r.length, r.sha256 = name, one.Length, one.Hashes["sha256"]
		if r.Platform != platform {
			continue
		}
		if strings.ContainsAny(name, `/\`) || !isVersion(r.Version) || r.length <= 0 || r.length > largestProgram || r.sha256 == "" {
			return Release{}, fmt.Errorf("targets: %q has no plain name, version, length or hash", name)
		}
		switch {
		case reads > 0 && r.Database > reads:
			if Newer(r.Version, passed.Version) {
				passed = r
			}
		case Newer(r.Version, best.Version):
			best = r
		}
	}
	if Newer(passed.Version, best.Version) {
		best.Withheld = fmt.Errorf("version %s: %w: format %d, not %d or less", passed.Version, ErrDatabase, passed.Database, reads)
	}
	return best, nil
}

// Chosen says whether this agent is among the percentage that takes a release by itself. Each release draws anew.
func (r Release) Chosen(agent string) bool {
	sum := sha256.Sum256([]byte(r.Version + " " + agent))
	return int(binary.BigEndian.Uint32(sum[:])%100) < r.Percent
}

func isVersion(text string) bool {
	parts := strings.Split(text, ".")
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 31); err != nil {
			return false
		}
	}
	return len(parts) == 3
}

// Newer compares versions of three numbers. What follows them ("-rc1", "-3-gabc") counts for nothing.
func Newer(a, b string) bool {
	return compare(a, b) > 0
}

func compare(a, b string) int {
	x, y := numbers(a), numbers(b)
	return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(x[2], y[2]))
}

func numbers(version string) (n [3]uint64) {
	version, _, _ = strings.Cut(version, "-")
	for i, part := range strings.SplitN(version, ".", 3) {
		n[i], _ = strconv.ParseUint(part, 10, 31) // a build by hand is version 0
	}
	return n
}

// state is state.json.
type state struct {
	Current string   `json:"current,omitempty"` // the version that proved itself; "" is the installed program
	Trial   *trial   `json:"trial,omitempty"`
	Failed  []string `json:"failed,omitempty"` // versions that are never tried again
	Last    *Outcome `json:"last,omitempty"`
}

// A trial is a version on probation.
type trial struct {
	Version string    `json:"version"`
	Starts  int       `json:"starts"`
	Until   time.Time `json:"until"` // by when it must have proved itself; zero before its first start
}

// An Outcome is what became of the last update.
type Outcome struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	Result  string    `json:"result"` // "refused", "waiting", "passed", "failed"
	Reason  string    `json:"reason,omitempty"`
}

// Bad says whether the program is not what it was meant to be.
func (o Outcome) Bad() bool { return o.Result == "refused" || o.Result == "failed" }

func (f Folder) load() (state, error) {
	var s state
	data, err := os.ReadFile(filepath.Join(f.Path, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return state{}, fmt.Errorf("state of updates: %w", err)
	}
	return s, nil
}

func (f Folder) save(s state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return f.keep("state.json", data)
}
