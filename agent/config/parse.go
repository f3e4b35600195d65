// Package config reads the agent's one TOML file.
//
// Load and Parse lay a file over Default and name everything that is wrong with it
// at once, each problem with its line, its full key, what was found, what is allowed
// and what was probably meant. They return the settings that are right even so, so
// that a caller with a bad file still knows where the database lies. The file as it
// ships is Commented.
//
// A text may stand elsewhere: { file = "portal.token" } takes it from a file beside
// the configuration, { env = "TOKEN" } from the environment. Relative paths are
// relative to the folder of the configuration file.
//
// How it works: encoding.go makes UTF-8 of what editors write, tree.go and syntax.go
// read TOML with the unstable parser of go-toml, which alone tells where a value
// stands, settings.go takes the values out of the tree one by one and checks them,
// and what nobody asked for is unknown.
//
// The package knows nothing of copiers beyond the form of an address range, and does
// not keep the last good file: the agent stores its bytes and calls Parse with the
// same path again.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"meteragent/agent/text"
)

//go:embed default.toml
var commented string

// Commented is the file as it ships: every setting with its default, its unit and
// its reason. It becomes valid when the empty ones are filled in.
func Commented() string { return commented }

const largest = 256 << 10 // bytes of a configuration file

// Load reads the file at path. The error is Problems, or what the file system says.
func Load(path string) (Config, error) {
	data, err := Bytes(path)
	if err != nil {
		return Default(), fmt.Errorf("configuration %s: %w", path, errors.Unwrap(err))
	}
	return Parse(path, data)
}

// Bytes are those of the file at path. Of one that is too large, or has no end, they are
// enough for Parse to see that.
func Bytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, largest+1))
}

// Parse reads what stood in the file at path, which is not opened itself. The error is
// Problems; the Config then holds the settings that are right.
func Parse(path string, data []byte) (Config, error) {
	c := Default()
	if len(data) > largest {
		return c, Problems{{File: path, Reason: text.Key("config.tooLong"), Allowed: []string{fmt.Sprint(largest >> 10)}}}
	}
	data, odd := plain(data)
	t := parse(path, data)
	if len(odd) > 0 { // one is enough: to save the file as UTF-8 mends them all
		t.problems = append(t.problems, Problem{File: path, Line: odd[0], Reason: text.Key("config.encoding")})
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		folder = filepath.Dir(path)
	}
	r := &reader{tree: t, folder: folder}
	r.settings(&c)
	r.unknown(t.root)
	if len(t.problems) == 0 {
		t.verify()
	}
	if len(t.problems) > 0 {
		return c, t.problems.tidy()
	}
	return c, nil
}

// known are the names of all settings and sections.
func known() []string {
	r := &reader{tree: &tree{root: newTable("", 0)}, naming: true}
	c := Default()
	r.settings(&c)
	return r.names
}

// unknown finds what nobody asked for below n.
func (r *reader) unknown(n *node) {
	if n.kind == table && !n.open {
		return // in place of a value, which is a problem already
	}
	for _, child := range n.keys {
		if !child.asked {
			secret := &node{key: child.key, line: child.line} // perhaps, so it is not shown
			r.add(secret, Problem{Reason: text.Key("config.unknown"), Meant: nearest(child.key, r.all())})
			continue
		}
		r.unknown(child)
	}
	for _, item := range n.items {
		r.unknown(item)
	}
}

// all are the known names, of which the file made some known already.
func (r *reader) all() []string {
	if !r.naming {
		r.naming, r.names = true, known()
	}
	return r.names
}

// verify has the whole file checked by go-toml itself. The tree is built from its
// parser but not by its rules for what may stand twice.
func (t *tree) verify() {
	var whole map[string]any
	err := toml.Unmarshal(t.data, &whole)
	if err == nil {
		return
	}
	p := Problem{File: t.file, Reason: text.Key("config.invalid")}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		p.Line, _ = at.Position()
	}
	t.problems = append(t.problems, p)
}
