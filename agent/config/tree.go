package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"meteragent/agent/text"
)

// A node is one value of the file with the place where it stands.
type node struct {
	kind  kind
	line  int
	key   string // in full, "network[2].port"
	raw   string // as written; "" for lists and tables
	text  string // of a text: what it says
	items []*node
	keys  map[string]*node // of a table
	head  bool             // a [table] or [[table]] line names it
	asked bool             // there is such a setting or section
	open  bool             // of a table: its settings are asked for one by one
}

type kind int

const (
	other kind = iota // a date, a decimal: nothing that any setting takes
	words             // text in quotes
	whole             // a whole number
	truth             // true or false
	list
	table
)

// A tree is a file on its way to a Config: its values, and what is wrong with it.
type tree struct {
	file     string // as it is called in problems
	data     []byte
	root     *node
	problems Problems
}

const (
	deepest      = 8  // nested lists and tables; more is not looked at
	mostMistakes = 50 // expressions that are not TOML; more would help nobody
)

// add notes a problem at n. File, line, key and what was found come from n.
func (t *tree) add(n *node, p Problem) {
	p.File, p.Line, p.Key, p.Found = t.file, n.line, n.key, shown(n)
	t.problems = append(t.problems, p)
}

// parse reads data into a tree. An expression that is not TOML is a problem, and
// reading goes on with the next one.
func parse(file string, data []byte) *tree {
	t := &tree{file: file, data: data, root: newTable("", 0)}
	current := t.root
	for rest := data[:len(data):len(data)]; len(t.problems) < mostMistakes; {
		var p unstable.Parser
		p.Reset(rest)
		end := 0 // of the last expression, in rest
		for p.NextExpression() {
			current, end = t.expression(&p, current)
		}
		var wrong *unstable.ParserError
		if !errors.As(p.Error(), &wrong) {
			break
		}
		bad := fragment(rest, end, int(p.Range(wrong.Highlight).Offset))
		t.syntax(bad, current.key, t.line(&p, bad.start))
		rest = rest[bad.next:]
	}
	return t
}

// line is the number of the line, from 1, of an offset in what p reads, which is the
// last part of the file.
func (t *tree) line(p *unstable.Parser, offset int) int {
	return 1 + bytes.Count(t.data[:len(t.data)-len(p.Data())+offset], []byte("\n"))
}

// expression puts one "key = value" or one header into the tree. It returns the table
// that the next expression belongs to, and an offset in the last line of this one.
func (t *tree) expression(p *unstable.Parser, current *node) (*node, int) {
	e := p.Expression()
	var keys []string
	var start int
	for it := e.Key(); it.Next(); {
		keys = append(keys, string(it.Node().Data))
		start = int(it.Node().Raw.Offset)
	}
	line := t.line(p, start)
	before, last := keys[:len(keys)-1], keys[len(keys)-1]
	switch e.Kind {
	case unstable.KeyValue:
		at := t.descend(current, before, line)
		if !put(at, last, t.value(p, e.Value(), join(at.key, last), line, 0)) {
			t.twice(at.keys[last], line)
		}
		return current, int(e.Raw.Offset + e.Raw.Length)
	case unstable.ArrayTable:
		at := t.descend(t.root, before, line)
		put(at, last, &node{kind: list, key: join(at.key, last), line: line, head: true})
		all := at.keys[last]
		if !all.head || all.kind != list {
			t.twice(all, line)
			return newTable(all.key, line), start
		}
		item := newTable(fmt.Sprintf("%s[%d]", all.key, len(all.items)+1), line)
		item.head = true
		all.items = append(all.items, item)
		return item, start
	default: // unstable.Table
		next := t.descend(t.root, keys, line)
		if next.head {
			t.twice(next, line)
		}
		next.head = true
		return next, start
	}
}

// descend finds the table below from, and makes it where it does not exist. Of a
// [[list]] it takes the last item.
func (t *tree) descend(from *node, keys []string, line int) *node {
	for _, key := range keys {
		put(from, key, newTable(join(from.key, key), line))
		next := from.keys[key]
		if next.kind == list && next.head {
			next = next.items[len(next.items)-1]
		}
		if next.kind != table {
			t.twice(next, line)
			next = newTable(next.key, line) // nowhere, so that reading can go on
		}
		from = next
	}
	return from
}

func (t *tree) twice(first *node, line int) {
	again := node{key: first.key, line: line}
	t.add(&again, Problem{Reason: text.Key("config.twice"), Other: first.line})
}

// value makes a node of a value in a line.
func (t *tree) value(p *unstable.Parser, v *unstable.Node, key string, line, depth int) *node {
	n := &node{key: key, line: line}
	if v.Raw.Length > 0 {
		n.raw, n.text, n.line = string(p.Raw(v.Raw)), string(v.Data), t.line(p, int(v.Raw.Offset))
	}
	if depth > deepest {
		return n
	}
	switch v.Kind {
	case unstable.String:
		n.kind = words
	case unstable.Integer:
		n.kind = whole
	case unstable.Bool:
		n.kind = truth
	case unstable.Array:
		n.kind = list
		for it := v.Children(); it.Next(); {
			name := fmt.Sprintf("%s[%d]", key, len(n.items)+1)
			n.items = append(n.items, t.value(p, it.Node(), name, line, depth+1))
		}
	case unstable.InlineTable:
		n.kind, n.keys = table, map[string]*node{}
		for it := v.Children(); it.Next(); {
			var name string
			for k := it.Node().Key(); k.Next(); {
				name = join(name, string(k.Node().Data))
			}
			one := t.value(p, it.Node().Value(), join(key, name), line, depth+1)
			if !put(n, name, one) {
				t.twice(n.keys[name], one.line)
			}
		}
	}
	return n
}

func newTable(key string, line int) *node {
	return &node{kind: table, key: key, line: line, keys: map[string]*node{}}
}

func put(n *node, key string, value *node) bool {
	if n.keys[key] != nil {
		return false
	}
	n.keys[key] = value
	return true
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// The parts of a URL that may hold a secret: before the @ and behind the ?.
var (
	userOfURL  = regexp.MustCompile(`(://)[^/@]*@`)
	queryOfURL = regexp.MustCompile(`(://[^?]*\?)[^"']+`)
)

// shown is a value as it may be shown to people: short, and without secrets.
func shown(n *node) string {
	if _, name := cutLast(n.key); isSecret(name) && n.raw != "" {
		return Secret("").String()
	}
	switch {
	case n.kind == list && n.raw == "":
		return "[...]"
	case n.kind == table:
		return "{...}"
	}
	found := userOfURL.ReplaceAllString(strings.ToValidUTF8(n.raw, "?"), "$1...@")
	found = queryOfURL.ReplaceAllString(found, "$1...")
	if runes := []rune(found); len(runes) > 60 {
		return string(runes[:57]) + "..."
	}
	return found
}

// isSecret says whether a setting of this name is never shown.
func isSecret(name string) bool {
	return name == "token" || name == "secret" || name == "community" || strings.HasSuffix(name, "password")
}
