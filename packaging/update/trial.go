package update

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mostStarts is how often a program on probation may start; then it has crashed or hung too often.
const mostStarts = 3

// Install fetches a release, and puts it on probation from the next start of the service.
func (f Folder) Install(ctx context.Context, from Source, r Release, now time.Time) error {
	s, err := f.load()
	if err != nil {
		return err
	}
	if slices.Contains(s.Failed, r.Version) {
		return fmt.Errorf("version %s has failed here before", r.Version)
	}
	if err := f.Fetch(ctx, from, r); err != nil {
		return err
	}
	proof, err := os.ReadFile(filepath.Join(f.Path, "targets.json"))
	if err != nil {
		return err
	}
	if err := f.keep("proof-"+r.Version+".json", proof); err != nil {
		return err
	}
	s.Trial = &trial{Version: r.Version}
	s.Last = &Outcome{At: now.UTC(), Version: r.Version, Result: "waiting"}
	return f.save(s)
}

// Choose decides at the start of the service which program runs: its path, or "" for the installed one, whose version is given.
// Whoever is on probation is counted before it runs, and not run if it cannot be counted. An error says why a program was passed
// over; the path is right all the same.
func (f Folder) Choose(installed, platform string, probation time.Duration, now time.Time) (path, version string, err error) {
	s, err := f.load()
	if err != nil {
		return "", installed, err
	}
	if t := s.Trial; t != nil {
		switch {
		case !Newer(t.Version, installed):
			s.Trial = nil
		case t.Starts >= mostStarts:
			err = f.fail(&s, fmt.Sprintf("it ended %d times before it had proved itself", t.Starts), now)
		case !t.Until.IsZero() && now.After(t.Until):
			err = f.fail(&s, "it did not prove itself in time", now)
		default:
			path, err = f.proved(t.Version, platform)
			if err != nil {
				err = errors.Join(err, f.fail(&s, err.Error(), now))
				break
			}
			t.Starts++
			if t.Until.IsZero() {
				t.Until = now.Add(probation).UTC()
			}
			if err = f.save(s); err == nil {
				return path, t.Version, nil
			}
		}
	}
	if s.Current == "" || !Newer(s.Current, installed) {
		return "", installed, err
	}
	path, provedErr := f.proved(s.Current, platform)
	if provedErr != nil {
		return "", installed, errors.Join(err, provedErr)
	}
	return path, s.Current, err
}

// Trial says until when a version must have proved itself; zero if it is not on probation.
func (f Folder) Trial(version string) (until time.Time, err error) {
	s, err := f.load()
	if err != nil || s.Trial == nil || s.Trial.Version != version {
		return time.Time{}, err
	}
	return s.Trial.Until, nil
}

// Pass ends a version's probation: from now on it is the one to go back to.
func (f Folder) Pass(version string, now time.Time) error {
	s, err := f.load()
	if err != nil {
		return err
	}
	s.Current, s.Trial = version, nil
	s.Last = &Outcome{At: now.UTC(), Version: version, Result: "passed"}
	return errors.Join(f.save(s), f.sweep(s))
}

// Fail ends a version's probation: it is never tried again here.
func (f Folder) Fail(reason string, now time.Time) error {
	s, err := f.load()
	if err != nil || s.Trial == nil {
		return err
	}
	return f.fail(&s, reason, now)
}

func (f Folder) fail(s *state, reason string, now time.Time) error {
	version := s.Trial.Version
	s.Trial, s.Failed = nil, append(s.Failed, version)
	s.Last = &Outcome{At: now.UTC(), Version: version, Result: "failed", Reason: reason}
	return errors.Join(f.save(*s), f.sweep(*s))
}

// Refused notes why there was no update; the same reason again is no news. The outcome is right even if it cannot be kept.
func (f Folder) Refused(reason error, now time.Time) (Outcome, error) {
	o := Outcome{At: now.UTC(), Result: "refused", Reason: reason.Error()}
	s, err := f.load()
	if err != nil {
		return o, err
	}
	if s.Last != nil && s.Last.Result == o.Result && s.Last.Reason == o.Reason {
		return *s.Last, nil
	}
	s.Last = &o
	return o, f.save(s)
}

// Accepted notes that what was refused before no longer is.
func (f Folder) Accepted() error {
	s, err := f.load()
	if err != nil || s.Last == nil || s.Last.Result != "refused" {
		return err
	}
	s.Last = nil
	return f.save(s)
}

// Last is what became of the last update; nil if there was none.
func (f Folder) Last() (*Outcome, error) {
	s, err := f.load()
	return s.Last, err
}

// Failed says whether a version has failed here before.
func (f Folder) Failed(version string) bool {
	s, err := f.load()
	return err == nil && slices.Contains(s.Failed, version)
}

// sweep removes programs that nobody goes back to.
func (f Folder) sweep(s state) error {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return err
	}
	var all []error
	for _, e := range entries {
		version, program := strings.CutPrefix(e.Name(), "meteragent-")
		if !program {
			version = strings.TrimSuffix(strings.TrimPrefix(e.Name(), "proof-"), ".json")
		}
		if !program && !strings.HasPrefix(e.Name(), "proof-") || version == s.Current || s.Trial != nil && version == s.Trial.Version {
			continue
		}
		if err := os.Remove(filepath.Join(f.Path, e.Name())); !errors.Is(err, fs.ErrNotExist) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
