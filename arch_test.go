package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// room is the top-level folder a file belongs to; "" for main.go.
func room(file string) string {
	first, _, found := strings.Cut(filepath.ToSlash(file), "/")
	if !found {
		return ""
	}
	return first
}

// homes says in which folders a third-party library may be imported.
var homes = map[string][]string{
	"github.com/gosnmp/gosnmp":             {"collector", "collector/simulator"},
	"go.etcd.io/bbolt":                     {"store"},
	"github.com/eclipse/paho.mqtt.golang":  {"transport", "transport/portal"},
	"github.com/gorilla/websocket":         {"transport"},                              // of paho, whose own use of it knows no context
	"github.com/klauspost/compress":        {"store", "transport", "transport/portal"}, // zstd, of records on disk and for portals that offer it
	"github.com/mochi-mqtt/server/v2":      {"transport/transporttest"},
	"github.com/kardianos/service":         {"packaging"},
	"github.com/inconshreveable/mousetrap": {"packaging"}, // of cobra, whose own use of it speaks English only
	"github.com/pelletier/go-toml/v2":      {"agent/config", "collector"},
	"github.com/spf13/cobra":               {"agent/cli"},
	"github.com/spf13/pflag":               {"agent/cli"},
	"github.com/google/uuid":               {"agent", "agent/alert", "agent/toner", "store", "transport/portal"},
	"golang.org/x/net":                     {"agent/page", "transport/portal", "collector"}, // html.Render; dnsmessage and ipv4 of multicast DNS
	"golang.org/x/sys":                     {"packaging", "store"},
	"golang.org/x/text":                    {"collector"},
	"github.com/google/go-cmp":             {"*_test.go"},
	"github.com/rogpeppe/go-internal":      {"*_test.go"},

	"github.com/santhosh-tekuri/jsonschema/v6": {"*_test.go", "transport/transporttest"}, // the contract in docs/schema
	"github.com/cloudevents/sdk-go/v2":         {"*_test.go", "transport/transporttest"}, // the same, of the envelope
}

// starters are the files in which a goroutine may start. That of transport/session.go only waits in
// the MQTT library, which takes no context, until it has taken a payload or portal.timeout is over.
var starters = []string{"agent/run.go", "packaging/host.go", "packaging/host_windows.go", "transport/session.go"}

// A source is one parsed Go file of the module.
type source struct {
	path string // with slashes, from the module's root
	test bool   // a test, or a package that only tests import
	ast  *ast.File
	set  *token.FileSet
}

func (s source) at(n ast.Node) string { return s.set.Position(n.Pos()).String() }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != "." && exists(filepath.Join(p, "go.mod")) {
			return filepath.SkipDir // a module of its own
		}
		if d.IsDir() && (name == "testdata" || name == "dist" || name != "." && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(p)
		test := strings.HasSuffix(name, "_test.go") || path.Dir(slashed) == "transport/transporttest"
		all = append(all, source{path: slashed, test: test, ast: file, set: set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: the test looks in the wrong place", len(all))
	}
	return all
}

// Only agent imports its siblings; the leaves import nothing of ours but their own
// rooms.
func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.ast.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if ours, ok := strings.CutPrefix(imported, "meteragent/"); ok {
				from, to := room(s.path), room(ours+"/")
				if from != "" && from != "agent" && from != to && !s.test {
					t.Errorf("%s: %s must not import its sibling %s", s.at(spec), from, to)
				}
				if strings.HasSuffix(imported, "test") && !s.test {
					t.Errorf("%s: production code imports the test package %s", s.at(spec), imported)
				}
				continue
			}
			checkHome(t, s, spec, imported)
		}
	}
}

func checkHome(t *testing.T, s source, spec *ast.ImportSpec, imported string) {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return // the standard library
	}
	for library, folders := range homes {
		if imported != library && !strings.HasPrefix(imported, library+"/") {
			continue
		}
		if !s.test && !slices.Contains(folders, path.Dir(s.path)) {
			t.Errorf("%s: %s belongs into %s", s.at(spec), library, strings.Join(folders, ", "))
		}
		return
	}
	t.Errorf("%s: %s is a new library: give it a home in this test, and say why in the commit", s.at(spec), imported)
}

// Goroutines start in one file, so that somebody waits for each.
func TestGoroutines(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(starters, s.path) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a goroutine outside %s", s.at(n), strings.Join(starters, ", "))
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Go" {
					t.Errorf("%s: a goroutine outside %s", s.at(n), strings.Join(starters, ", "))
				}
			}
			return true
		})
	}
}

// No init, no state in package variables, no sleeping, no exits below main.
func TestHabits(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s: init runs in an order nobody sees", s.at(d))
				}
			case *ast.GenDecl:
				checkVariables(t, s, d)
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := callee(call); {
			case name == "time.Sleep":
				t.Errorf("%s: wait for what you wait for, with a context", s.at(n))
			case name == "os.Exit" && s.path != "main.go", strings.HasPrefix(name, "log.Fatal"):
				t.Errorf("%s: %s skips every deferred close", s.at(n), name)
			case name == "panic" && s.path != "collector/simulator/ber.go": // there about names in its own source
				t.Errorf("%s: return an error", s.at(n))
			case name == "recover" && s.path != "agent/poll.go" && room(s.path) != "store":
				t.Errorf("%s: panics are caught in agent/poll.go, and in store around bbolt's Open", s.at(n))
			}
			return true
		})
	}
}

// checkVariables allows errors, embedded files, compiled patterns, interface checks
// and what the linker sets.
func checkVariables(t *testing.T, s source, d *ast.GenDecl) {
	if d.Tok != token.VAR || d.Doc != nil && strings.Contains(directives(d.Doc), "go:embed") {
		return
	}
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if name.Name == "_" || s.path == "agent/cli/version.go" {
				continue
			}
			if v.Doc != nil && strings.Contains(directives(v.Doc), "go:embed") {
				continue
			}
			if i < len(v.Values) {
				if call, ok := v.Values[i].(*ast.CallExpr); ok &&
					slices.Contains([]string{"errors.New", "regexp.MustCompile", "netip.MustParseAddr", "netip.MustParsePrefix", "uuid.MustParse"}, callee(call)) {
					continue
				}
			}
			t.Errorf("%s: package variable %s: make it a constant, a function or a field", s.at(name), name.Name)
		}
	}
}

func directives(doc *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range doc.List {
		b.WriteString(c.Text)
	}
	return b.String()
}

func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// The program never writes to a device: no SNMP SET anywhere in what ships, except
// for the simulator's refusal of one.
func TestReadOnlyTowardsDevices(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || room(s.path) != "collector" || strings.HasPrefix(s.path, "collector/simulator/") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Set", "SetRequest", "SendTrap", "TrapV1"}, sel.Sel.Name) {
				t.Errorf("%s: %s: the program only reads", s.at(n), sel.Sel.Name)
			}
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.INT && slices.Contains([]string{"0xa3", "0xa4", "0xa6", "0xa7", "163"}, strings.ToLower(lit.Value)) {
				t.Errorf("%s: %s is the tag of a SET or a trap: the program only reads", s.at(n), lit.Value)
			}
			return true
		})
	}
}

// Files and functions stay short enough to be read to the end.
func TestSizes(t *testing.T) {
	const lines, functionLines = 400, 60
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if n := s.set.Position(s.ast.End()).Line; n > lines {
			t.Errorf("%s has %d lines; %d is the limit", s.path, n, lines)
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > functionLines {
				t.Errorf("%s: %s has %d lines; %d is the limit", s.at(f), f.Name.Name, n, functionLines)
			}
		}
	}
}
