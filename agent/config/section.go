package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"meteragent/agent/text"
)

// A section reads the settings of one table. A setting that is missing leaves the
// default as it is; one that is wrong does too, and becomes a problem. Each method
// returns the value's node if it was taken, for checks that need the line.
type section struct {
	*reader
	n *node // an empty table if the file lacks the section
}

// A reader turns the tree into a Config. It remembers which settings were asked for,
// which is how it knows all their names.
type reader struct {
	*tree
	folder string // relative paths are relative to it
	names  []string
	total  int  // addresses of all networks so far
	naming bool // read one item of every list, although the file has none
}

// ask finds the value of a setting, or nil.
func (s section) ask(name string) *node {
	s.names = append(s.names, withoutNumbers(join(s.n.key, name)))
	n := s.n.keys[name]
	if n != nil {
		n.asked = true
	}
	return n
}

// section finds the table of a name.
func (s section) section(name string) section {
	n := s.ask(name)
	switch {
	case n == nil:
		n = newTable(join(s.n.key, name), 0)
	case n.kind == list && n.head:
		s.add(n, Problem{Reason: text.Key("config.oneBracket"), Meant: "[" + n.key + "]"})
		n = n.items[0]
	case n.kind != table:
		s.add(n, Problem{Reason: text.Key("config.section"), Meant: "[" + n.key + "]"})
		n = newTable(n.key, n.line)
	}
	return s.opened(n)
}

// sections finds the tables of [[name]].
func (s section) sections(name string) (all []section) {
	n := s.ask(name)
	switch {
	case n == nil && s.naming:
		return []section{s.opened(newTable(join(s.n.key, name), 0))}
	case n == nil:
		return nil
	case n.kind == table:
		s.add(n, Problem{Reason: text.Key("config.twoBrackets"), Meant: "[[" + n.key + "]]"})
		return []section{s.opened(n)}
	}
	for _, item := range n.items {
		if item.kind == table {
			all = append(all, s.opened(item))
		}
	}
	if n.kind != list || len(all) < len(n.items) {
		s.add(n, Problem{Reason: text.Key("config.section"), Meant: "[[" + n.key + "]]"})
	}
	return all
}

func (s section) opened(n *node) section {
	n.open = true
	return section{s.reader, n}
}

// required says that a setting must be there and not empty.
func (s section) required(name, value string, n *node) {
	if s.n.keys[name] != nil && (n == nil || strings.TrimSpace(value) != "") {
		return // there, or already a problem
	}
	missing := &node{key: join(s.n.key, name), line: s.n.line}
	if n != nil {
		missing.line = n.line
	}
	s.add(missing, Problem{Reason: text.Key("config.required")})
}

// text reads a text, which may also come from a file or the environment.
func (s section) text(name string, to *string) *node {
	n := s.ask(name)
	switch {
	case n == nil:
		return nil
	case n.kind == table:
		return s.elsewhere(n, to)
	case n.kind != words:
		p := Problem{Reason: text.Key("config.text")}
		if shown(n) == n.raw && n.raw != "" {
			p.Meant = strconv.Quote(n.raw)
		}
		s.add(n, p)
		return nil
	}
	*to = n.text
	return n
}

func (s section) secret(name string, to *Secret) *node {
	value := to.Reveal()
	n := s.text(name, &value)
	*to = Secret(value)
	return n
}

// choice reads one of a few words.
func (s section) choice(name string, to *string, allowed ...string) *node {
	value := *to
	n := s.text(name, &value)
	if n == nil {
		return nil
	}
	if !slices.Contains(allowed, value) {
		s.add(n, Problem{Reason: text.Key("config.choice"), Allowed: allowed, Meant: nearestWord(value, allowed)})
		return nil
	}
	*to = value
	return n
}

// truth reads true or false.
func (s section) truth(name string, to *bool) *node {
	n := s.ask(name)
	if n == nil {
		return nil
	}
	if n.kind != truth {
		s.add(n, Problem{Reason: text.Key("config.truth"), Allowed: []string{"true", "false"}})
		return nil
	}
	*to = n.raw == "true"
	return n
}

// number reads a whole number.
func (s section) number(name string, to *int, least, most int) *node {
	n := s.ask(name)
	if n == nil || !s.wholeNumber(n, to, least, most) {
		return nil
	}
	return n
}

func (r *reader) wholeNumber(n *node, to *int, least, most int) bool {
	allowed := []string{strconv.Itoa(least), strconv.Itoa(most)}
	value, err := strconv.Atoi(strings.ReplaceAll(n.raw, "_", ""))
	switch {
	case n.kind != whole || err != nil && !strings.HasSuffix(err.Error(), strconv.ErrRange.Error()):
		p := Problem{Reason: text.Key("config.number"), Allowed: allowed}
		if bare := strings.TrimRight(n.text, " %"); n.kind == words && bare != "" && strings.Trim(bare, "0123456789") == "" {
			p.Meant = bare
		}
		r.add(n, p)
		return false
	case err != nil || value < least || value > most:
		r.add(n, Problem{Reason: text.Key("config.range"), Allowed: allowed})
		return false
	}
	*to = value
	return true
}

// duration reads a time with a unit, such as "30m".
func (s section) duration(name string, to *time.Duration, least, most time.Duration) *node {
	return quantity(s, name, to, least, most, text.Key("config.duration"), parseDuration, short)
}

// size reads a number of bytes with a unit, such as "256MB".
func (s section) size(name string, to *int64, least, most int64) *node {
	return quantity(s, name, to, least, most, text.Key("config.size"), parseSize, shortSize)
}

// quantity reads a number with a unit; wrong is what is said of one that parse does not know.
func quantity[T ~int64](s section, name string, to *T, least, most T, wrong text.Key, parse func(string) (T, bool), show func(T) string) *node {
	n := s.ask(name)
	if n == nil {
		return nil
	}
	p := Problem{Allowed: []string{show(least), show(most)}}
	value, ok := parse(n.text)
	switch {
	case n.kind != words || !ok:
		p.Reason = wrong
	case value < least || value > most:
		p.Reason = text.Key("config.range")
	default:
		*to = value
		return n
	}
	s.add(n, p)
	return nil
}

// parseSize knows MB and GB, of a million and a thousand million bytes.
func parseSize(s string) (int64, bool) {
	for unit, bytes := range map[string]int64{"MB": 1_000_000, "GB": 1_000_000_000} {
		if number, found := strings.CutSuffix(s, unit); found {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
			return n * bytes, err == nil && n >= 0
		}
	}
	return 0, false
}

func shortSize(bytes int64) string {
	if bytes%1_000_000_000 == 0 {
		return strconv.FormatInt(bytes/1_000_000_000, 10) + "GB"
	}
	return strconv.FormatInt(bytes/1_000_000, 10) + "MB"
}

// parseDuration knows Go's units and "d", a day of 24 hours.
func parseDuration(s string) (time.Duration, bool) {
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= 10000
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// short is a duration as it stands in a file: "15m", not "15m0s".
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d >= time.Minute && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}
