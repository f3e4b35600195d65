package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEverySentenceIsComplete(t *testing.T) {
	all, mistakes := parse(sentences)
	for _, m := range mistakes {
		t.Errorf("sentences.txt: %s", m)
	}
	first := map[Key]int{}
	for _, s := range all {
		if first[s.key] != 0 {
			t.Errorf("line %d: %s stands already on line %d", s.line, s.key, first[s.key])
		}
		first[s.key] = s.line
		for _, lang := range []Lang{English, German} {
			if s.says[lang] == "" {
				t.Errorf("line %d: %s has no text in %q", s.line, s.key, lang)
			}
		}
		english, german := placeholders(s.says[English]), placeholders(s.says[German])
		if diff := cmp.Diff(english, german); diff != "" {
			t.Errorf("line %d: %s: placeholders differ (-en +de):\n%s", s.line, s.key, diff)
		}
	}
}

func TestEveryKeyIsThereAndUsed(t *testing.T) {
	all, _ := parse(sentences)
	says := map[Key]sentence{}
	for _, s := range all {
		says[s.key] = s
	}
	uses := usesIn(t, filepath.Join("..", ".."))
	used := map[Key]bool{}
	for _, u := range uses {
		if u.start {
			for key := range says {
				used[key] = used[key] || strings.HasPrefix(string(key), string(u.key))
			}
			continue
		}
		s, ok := says[u.key]
		if !ok {
			t.Errorf("%s: sentences.txt has no %q", u.where, u.key)
		}
		used[u.key], used[u.key+".one"] = true, true
		if ok && u.names != nil && !slices.Equal(u.names, placeholders(s.says[English])) {
			t.Errorf("%s: %s is given %q, but its placeholders are %q", u.where, u.key, u.names, placeholders(s.says[English]))
		}
	}
	for _, s := range all {
		if !used[s.key] {
			t.Errorf("sentences.txt: line %d: nobody says %q", s.line, s.key)
		}
	}
}

// The scanner above must see each of the ways that the package comment allows.
func TestUsesAreSeen(t *testing.T) {
	folder := t.TempDir()
	for name, body := range map[string]string{
		"a.go":      `package a; var _ = c.Say("a.b", "line", 1, "count", 2)`,
		"b.go":      `package b; var _ = text.Key("c.d"); var _ = c.Say(text.Key("e." + code), pairs...)`,
		"c.html":    `<p>{{say "f.g"}}</p>`,
		"d_test.go": `package d; var _ = c.Say("not.seen")`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, u := range usesIn(t, folder) {
		got = append(got, strings.Join(append([]string{string(u.key)}, u.names...), " "))
	}
	want := []string{"a.b line", "c.d", "e.", "f.g"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	file := "# comment\r\na.b\r\nen: one {x}\r\nde: eins {x}\n\nc\nen:\n    first\n      item\n\n    last\nde: x\n"
	all, mistakes := parse(file)
	if mistakes != nil || len(all) != 2 {
		t.Fatalf("parse gives %v and %v", all, mistakes)
	}
	if got, want := all[1].says[English], "first\n  item\n\nlast"; got != want {
		t.Errorf("multi-line text is %q, want %q", got, want)
	}
	for _, wrong := range []string{"en: text before a key", "a.b\nen: x\nen: y", "a.b\n  en: x", "a.b\n    x", "a b"} {
		if _, mistakes := parse(wrong); len(mistakes) != 1 {
			t.Errorf("parse(%q) names the mistakes %q, want one", wrong, mistakes)
		}
	}
}

// placeholders are the names in a sentence, sorted, each once, without "count", which may
// be given to choose between one and many.
func placeholders(sentence string) []string {
	names := []string{}
	for _, p := range placeholder.FindAllString(sentence, -1) {
		names = append(names, strings.Trim(p, "{}"))
	}
	return sorted(names)
}

func sorted(names []string) []string {
	names = slices.DeleteFunc(names, func(n string) bool { return n == "count" })
	slices.Sort(names)
	return slices.Compact(names)
}

// A use is one place in the source that names a key.
type use struct {
	where string
	key   Key
	start bool     // key is only the start of one, "order.why."
	names []string // of the pairs given, sorted; nil if the source does not tell
}

var inTemplate = regexp.MustCompile(`[sS]ay "([^"]+)"`)

func usesIn(t *testing.T, root string) (uses []use) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".html"):
			body, err := os.ReadFile(path)
			for _, m := range inTemplate.FindAllStringSubmatch(string(body), -1) {
				uses = append(uses, use{where: path, key: Key(m[1])})
			}
			return err
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 {
					if u, ok := useOf(call); ok {
						u.where = files.Position(call.Pos()).String()
						uses = append(uses, u)
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return uses
}

// useOf recognises c.Say("key", ...), text.Key("key") and text.Key("start." + end).
func useOf(call *ast.CallExpr) (use, bool) {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || fun.Sel.Name != "Say" && fun.Sel.Name != "Key" {
		return use{}, false
	}
	if sum, ok := call.Args[0].(*ast.BinaryExpr); ok {
		start, ok := literal(sum.X)
		return use{key: Key(start), start: true}, ok && strings.HasSuffix(start, ".")
	}
	key, ok := literal(call.Args[0])
	u := use{key: Key(key)}
	if fun.Sel.Name == "Say" && !call.Ellipsis.IsValid() {
		u.names = []string{}
		for i := 1; i < len(call.Args); i += 2 {
			name, ok := literal(call.Args[i])
			if !ok {
				name = "?"
			}
			u.names = append(u.names, name)
		}
		u.names = sorted(u.names)
	}
	return u, ok
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
