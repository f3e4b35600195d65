package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"meteragent/packaging/update"
)

// A site that knows the first root only goes on taking updates for years: the root is renewed before it ends, each key is
// replaced, and the timestamp is signed every week without the keys that are kept off the network.
func TestARepositoryLivesOn(t *testing.T) {
	m := newMaker(t)
	m.release("1.0.1")
	s := site{root: m.rootFile(), theirs: t.TempDir(), ours: update.Folder{Path: t.TempDir(), Root: m.rootFile()}, present: time.Now()}
	took := func(what string) {
		t.Helper()
		if theirs, ours := s.take(m.files()); theirs != nil || ours != nil {
			t.Errorf("%s: go-tuf says %v, ours %v", what, theirs, ours)
		}
	}
	took("the first version")
	for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
		m.must(changeKeys(m.dir, []string{role}, time.Now()))
		took("a new key for " + role)
	}
	for _, away := range []string{"root", "targets"} {
		m.must(os.Rename(filepath.Join(m.dir, "keys", away), filepath.Join(t.TempDir(), away)))
	}
	s.present = s.present.AddDate(0, 0, 8)
	if theirs, ours := s.take(m.files()); theirs == nil || ours == nil {
		t.Errorf("a timestamp a week old: go-tuf says %v, ours %v", theirs, ours)
	}
	m.must(publish(m.dir, s.present))
	took("a new timestamp, without the keys of root and targets")
}

// The root is good for two years. Signed anew before, it is good for two more.
func TestARootIsRenewed(t *testing.T) {
	m := newMaker(t)
	m.release("1.0.1")
	s := site{root: m.rootFile(), theirs: t.TempDir(), ours: update.Folder{Path: t.TempDir(), Root: m.rootFile()}, present: time.Now().AddDate(3, 0, 0)}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if _, ours := s.take(m.files()); ours == nil {
		t.Error("a root that has ended is taken")
	}
	m.must(changeKeys(m.dir, nil, time.Now().AddDate(1, 11, 0)))
	t.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(s.present.Unix(), 10))
	m.release("1.0.2")
	if theirs, ours := s.take(m.files()); theirs != nil || ours != nil {
		t.Errorf("go-tuf says %v, ours %v", theirs, ours)
	}
}
