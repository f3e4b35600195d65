package config

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"meteragent/agent/text"
)

// A broken expression is a part of the file that is not TOML.
type broken struct {
	first string // its first line
	start int    // of that line
	next  int    // where reading can go on
	lines int    // from the first to the one where the mistake shows; 0 if it is the first
}

var (
	beginning = regexp.MustCompile(`(?m)^[ \t]*([A-Za-z0-9_.-]+[ \t]*=|\[)`)
	setting   = regexp.MustCompile(`^["']?([A-Za-z0-9_.-]+)`)
	header    = regexp.MustCompile(`(?m)^[ \t]*\[`)
)

// fragment finds the expression behind end in which the mistake at offset stands.
// Reading goes on with the next line that looks like a beginning: behind a broken
// header the next header, since nobody knows what the lines between belong to.
func fragment(data []byte, end, mistake int) broken {
	b := broken{start: end}
	if end > 0 {
		b.start = behindLine(data, end)
	}
	for behindLine(data, b.start) <= mistake && isBlank(data[b.start:behindLine(data, b.start)]) {
		b.start = behindLine(data, b.start)
	}
	b.next = behindLine(data, b.start)
	b.first = strings.TrimSpace(string(data[b.start:b.next]))
	next := beginning
	if strings.HasPrefix(b.first, "[") {
		next = header
	}
	if at := next.FindIndex(data[b.next:]); at != nil {
		b.next += at[0]
	} else {
		b.next = len(data)
	}
	if mistake < b.next {
		b.lines = bytes.Count(data[b.start:max(mistake, b.start)], []byte("\n"))
	}
	return b
}

func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

func behindLine(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(data)
}

// syntax says what is wrong with a broken expression in the words of somebody who
// does not know TOML. Line is that of its first line.
func (t *tree) syntax(b broken, section string, line int) {
	n := &node{line: line + b.lines}
	_, value, equals := strings.Cut(b.first, "=")
	n.raw = strings.TrimSpace(value)
	if name := setting.FindStringSubmatch(b.first); name != nil {
		n.key = join(section, name[1])
	}
	if !slices.Contains(known(), withoutNumbers(n.key)) {
		n.raw = "..." // perhaps a misspelt secret
		if !equals {
			n.key = "" // perhaps not even a setting
		}
	}
	p := Problem{Reason: reason(b.first, strings.TrimSpace(value), equals)}
	bare := strings.Trim(n.raw, `„“”‚‘’«»"'`)
	switch {
	case bare == "" || n.raw == "..." || shown(n) != n.raw:
	case p.Reason == text.Key("config.backslash"):
		p.Meant = "'" + bare + "'"
	case p.Reason == text.Key("config.quotes") && strings.HasSuffix(bare, "%"):
		p.Meant = strings.TrimRight(bare, " %")
	case p.Reason == text.Key("config.quotes"):
		p.Meant = `"` + bare + `"`
	}
	t.add(n, p)
}

func reason(line, value string, equals bool) text.Key {
	switch {
	case strings.HasPrefix(line, "["):
		return text.Key("config.header")
	case !equals:
		return text.Key("config.noEquals")
	case value == "" || value[0] == '#':
		return text.Key("config.noValue")
	case value[0] == '[' || value[0] == '{':
		return text.Key("config.list")
	case value[0] == '"' && strings.Contains(value, `\`):
		return text.Key("config.backslash")
	case value[0] == '"' || value[0] == '\'':
		return text.Key("config.quote")
	default:
		return text.Key("config.quotes")
	}
}
