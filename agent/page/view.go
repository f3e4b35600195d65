package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"meteragent/agent/text"
	"meteragent/agent/toner"
	"meteragent/collector"
)

// functions are what the template calls.
func functions(words *text.Catalogue, now time.Time) template.FuncMap {
	return template.FuncMap{
		"say":   words.Say,
		"key":   func(key string) text.Key { return text.Key(key) },
		"ago":   func(t time.Time) string { return ago(words, now, t) },
		"count": count(words),
		"lang":  words.Lang,
		"total": total,
		"bars":  bars,
		"why":   func(r toner.Reason) string { return r.Say(words) },
	}
}

// total is the primary total of a reading; false if the device told none.
func total(r *collector.Reading) *int64 {
	if r == nil {
		return nil
	}
	for _, m := range r.Meters {
		if m.Primary && m.Name == "systemTotals.impressions.total" {
			return &m.Value
		}
	}
	return nil
}

// A bar is one supply as the page draws it.
type bar struct {
	Name   string
	Title  string // the device's own words
	Colour string // a class of page.css
	Width  string // "38%"; "" if the level is not measured
	Kind   collector.LevelKind
	Low    bool
}

// bars are the consumables of a reading, in the device's order.
func bars(r *collector.Reading) []bar {
	if r == nil {
		return nil
	}
	var out []bar
	for _, s := range r.Supplies {
		if s.Class == "receptacleThatIsFilled" {
			continue
		}
		b := bar{Name: strings.TrimSpace(s.Colorant + " " + s.Type), Title: s.Description, Colour: "other", Kind: s.Level.Kind}
		switch s.Colorant {
		case "black", "cyan", "magenta", "yellow":
			b.Colour = s.Colorant
		}
		if p := s.Level.Percent; p != nil {
			b.Width, b.Low = fmt.Sprintf("%.0f%%", *p), *p < 15
		}
		out = append(out, b)
	}
	return out
}

// ago says how long before now t was.
func ago(words *text.Catalogue, now, t time.Time) string {
	if t.IsZero() {
		return words.Say("page.never")
	}
	if now.Sub(t) < 2*time.Second {
		return words.Say("page.now")
	}
	return words.Say("page.ago", "time", now.Sub(t).Truncate(time.Second))
}

// count shows any whole number of the status.
func count(words *text.Catalogue) func(any) string {
	return func(n any) string {
		switch n := n.(type) {
		case *int64:
			return words.Number(*n)
		case uint64:
			return words.Number(int64(n))
		}
		return fmt.Sprint(n)
	}
}
