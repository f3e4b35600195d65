// Package text holds every sentence that people read, in English and German.
//
// The sentences stand in one file, sentences.txt, each below its key:
//
//	config.range
//	en: is {found}; it must be from {min} to {max}
//	de: ist {found}; erlaubt ist {min} bis {max}
//
// To add a sentence, add those three lines under the heading of your room. A longer
// text starts on the line after "en:" or "de:" and is indented by four spaces;
// blank lines between indented ones belong to it. {name} is a placeholder; a
// lower-case letter must follow the brace at once, so that { file = "..." } is not
// one. A key that ends in ".one" is used instead of its namesake without the
// ending if the pair "count" is 1.
//
// So that a test can prove that no sentence is missing and none is left over, a key
// is always written in one of these ways, whole:
//
//	c.Say("config.range", "found", found, ...)      // in Go
//	text.Key("config.range")                         // in Go, if it is said later
//	c.Say(text.Key("order.why." + code), ...)        // ends are the caller's to test
//	{{say "page.title"}}                             // in templates, *.html
//
// The package knows nothing of who says what, of terminals, or of which language
// the machine speaks.
package text

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"time"
)

//go:embed sentences.txt
var sentences string

var placeholder = regexp.MustCompile(`\{[a-z][a-zA-Z]*\}`)

// A Key names one sentence, such as "config.range".
type Key string

// A Lang is a language that the catalogue speaks.
type Lang string

// The languages.
const (
	English Lang = "en"
	German  Lang = "de"
)

// A Catalogue says sentences in one language. It never changes and is safe for
// concurrent use.
type Catalogue struct {
	lang Lang
	says map[Key]string
}

// For returns the catalogue for lang, which may be a language ("de"), a language
// tag ("de-AT") or a locale ("de_AT.UTF-8"). Everything else is English.
func For(lang string) *Catalogue {
	c := &Catalogue{lang: English, says: map[Key]string{}}
	name, _, _ := strings.Cut(strings.ReplaceAll(lang, "-", "_"), "_")
	if strings.EqualFold(name, string(German)) {
		c.lang = German
	}
	all, _ := parse(sentences) // the tests show that the embedded file has no mistakes
	for _, s := range all {
		c.says[s.key] = s.says[c.lang]
	}
	return c
}

// A Sentence is said later, in whatever language.
type Sentence func(*Catalogue) string

// Quoted is what somebody else said, in whose language it stays.
func Quoted(words string) Sentence { return func(*Catalogue) string { return words } }

// Lang is the language of the catalogue.
func (c *Catalogue) Lang() Lang { return c.lang }

// Say returns the sentence key with its placeholders filled in from pairs of a name
// and a value. Times are shown in local time, durations in words, everything else
// as fmt.Sprint shows it; see Number for counters. An unknown key and a missing
// placeholder stay visible in the text.
func (c *Catalogue) Say(key Key, pairs ...any) string {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	sentence, ok := c.says[key]
	if one, found := c.says[key+".one"]; found && fmt.Sprint(values["count"]) == "1" {
		sentence, ok = one, true
	}
	if !ok {
		return strings.TrimSpace(fmt.Sprintln(append([]any{"[" + key + "]"}, pairs...)...))
	}
	return placeholder.ReplaceAllStringFunc(sentence, func(name string) string {
		value, ok := values[strings.Trim(name, "{}")]
		if !ok {
			return name
		}
		return c.show(value)
	})
}

func (c *Catalogue) show(value any) string {
	switch v := value.(type) {
	case time.Time:
		return c.Time(v)
	case time.Duration:
		return c.Duration(v)
	}
	return fmt.Sprint(value)
}
