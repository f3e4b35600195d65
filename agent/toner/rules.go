package toner

import (
	"path"
	"strings"

	"meteragent/collector"
)

// A Rule says below how many percent a toner is ordered. Serial, Model and Colour say
// for which; what is empty holds for all.
type Rule struct {
	Serial     string
	Model      string // glob as path.Match reads it, except that * matches a slash too; case is ignored
	Colour     string // collector.Supply.Colorant
	OrderBelow int    // percent; 0 orders nothing
	Source     string // where the rule stands: "toner.rule[2].order_below"
}

// Rules are all rules of an agent. Of those that fit a supply the most special one
// holds: one for the device before one for its model, before one for a colour,
// before one for all. Between two models the longer glob is more special, and
// between equals the first one holds. A device and a colour together are more special
// than a device, a model and a colour more than a model.
type Rules []Rule

// of finds the rule for a supply. Without any nothing is ordered.
func (r Rules) of(d collector.Device, colour string) (best Rule) {
	most := -1
	for _, rule := range r {
		if special := rule.special(d, colour); special > most {
			best, most = rule, special
		}
	}
	return best
}

// special is how special a rule is, or -1 if it does not fit.
func (r Rule) special(d collector.Device, colour string) int {
	if r.Serial != "" && !strings.EqualFold(r.Serial, d.Serial) ||
		r.Model != "" && !matches(r.Model, d.Model) ||
		r.Colour != "" && !strings.EqualFold(r.Colour, colour) {
		return -1
	}
	points := 2 * min(len(r.Model), 1000)
	if r.Serial != "" {
		points += 1 << 12
	}
	if r.Colour != "" {
		points++
	}
	return points
}

// matches hides slashes from path.Match, since a model is no path.
func matches(glob, model string) bool {
	hide := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "\x00") }
	ok, err := path.Match(hide(glob), hide(model))
	return ok && err == nil
}
