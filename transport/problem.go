package transport

import (
	"strings"
	"unicode"
)

// LowerThanLast is the name of the problem with which a portal refuses a reading
// below the last one: the last element of Problem.Type.
const LowerThanLast = "lower-than-last"

// A Problem says why a portal refuses something (RFC 9457). Its JSON form is what
// is kept with a record that was set aside.
type Problem struct {
	Type      string `json:"type,omitempty"` // a URI; its last element is the name, such as "lower-than-last"
	Title     string `json:"title,omitempty"`
	Status    int    `json:"status,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Instance  string `json:"instance,omitempty"`
	Meter     string `json:"meter,omitempty"`     // with lower-than-last: the meter in question
	LastValue *int64 `json:"lastValue,omitempty"` // with lower-than-last: the value the portal has, in the meter's unit
}

// Name returns the last element of Type, "" if the portal gave none.
func (p Problem) Name() string {
	return p.Type[strings.LastIndexAny(p.Type, "/:#")+1:]
}

// longestLine bounds what of a stranger's text reaches an error, in characters.
const longestLine = 300

// line returns what the portal said, as one printable line of bounded length.
func (p Problem) line() string {
	text := p.Title
	if p.Detail != "" && p.Detail != p.Title {
		text = strings.TrimPrefix(text+": "+p.Detail, ": ")
	}
	var line []rune
	for _, r := range text {
		if len(line) == longestLine {
			return string(line) + "…"
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		line = append(line, r)
	}
	return string(line)
}
