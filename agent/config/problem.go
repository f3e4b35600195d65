package config

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"meteragent/agent/text"
)

// A Problem is one thing in a configuration file that somebody must mend.
type Problem struct {
	File    string   `json:"file"`
	Line    int      `json:"line,omitempty"`    // from 1; 0 if something is missing that has no line
	Key     string   `json:"key,omitempty"`     // "toner.rule[2].model"; lists count from 1; "" for the file itself
	Reason  text.Key `json:"reason"`            // the sentence that says what is wrong; also its name for programs
	Found   string   `json:"found,omitempty"`   // as written; never a secret
	Allowed []string `json:"allowed,omitempty"` // the allowed words, or the least and the greatest value
	Meant   string   `json:"meant,omitempty"`   // what was probably meant: a key, or how a value is written
	Other   int      `json:"other,omitempty"`   // line of the first of two that contradict each other
}

// Say puts the problem in words, on one line.
func (p Problem) Say(c *text.Catalogue) string {
	var parts []string
	if p.File != "" {
		parts = append(parts, p.File)
	}
	if p.Line > 0 {
		parts = append(parts, c.Say("config.line", "line", p.Line))
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	pairs := []any{"found", p.Found, "other", p.Other, "allowed", strings.Join(p.Allowed, ", ")}
	if len(p.Allowed) > 0 {
		pairs = append(pairs, "min", p.Allowed[0], "max", p.Allowed[len(p.Allowed)-1])
	}
	what := c.Say(p.Reason, pairs...)
	if p.Reason == text.Key("config.required") {
		what += "; " + c.Say(text.Key("config.why."+plainName(p.Key)))
	}
	if p.Meant != "" {
		meant := p.Meant
		if p.Reason == text.Key("config.unknown") {
			meant = `"` + meant + `"`
		}
		what += "; " + c.Say("config.meant", "meant", meant)
	}
	return strings.Join(append(parts, what), ": ")
}

// Error is the problem in English.
func (p Problem) Error() string { return p.Say(text.For("")) }

// Problems are all problems of one file, sorted by line.
type Problems []Problem

// Say puts the problems in words, one below the other, in lines of at most 80 columns
// if the words allow.
func (p Problems) Say(c *text.Catalogue) string {
	var lines []string
	for _, problem := range p {
		lines = append(lines, text.Wrap(problem.Say(c), 80, "  "))
	}
	return strings.Join(lines, "\n")
}

// Error is the problems in English.
func (p Problems) Error() string { return p.Say(text.For("")) }

// tidy sorts the problems, and leaves out that a setting is missing where it is
// there but misspelt or broken.
func (p Problems) tidy() Problems {
	missing := text.Key("config.required")
	there := func(key string) bool {
		return slices.ContainsFunc(p, func(other Problem) bool {
			broken := other.Key == key && other.Reason != missing
			meant := withoutNumbers(key)
			misspelt := other.Meant != "" && (meant == other.Meant || strings.HasPrefix(meant, other.Meant+"."))
			return broken || misspelt || other.Reason == text.Key("config.header")
		})
	}
	p = slices.DeleteFunc(slices.Clone(p), func(one Problem) bool { return one.Reason == missing && there(one.Key) })
	sort.SliceStable(p, func(i, j int) bool {
		return cmp.Or(cmp.Compare(p[i].Line, p[j].Line), cmp.Compare(p[i].Key, p[j].Key)) < 0
	})
	return p
}

// plainName turns "toner.rule[2].order_below" into "toner.rule.order.below", the form
// of a key of the catalogue.
func plainName(key string) string {
	return strings.ReplaceAll(withoutNumbers(key), "_", ".")
}
