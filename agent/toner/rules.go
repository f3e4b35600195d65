package toner

import (
	"path"
	"strings"
	"time"

	"meteragent/collector"
)

// A Policy is everything a person decides about orders. The zero value has no rules
// and orders nothing.
type Policy struct {
	Mode     Mode
	Rules    Rules
	Readings int           // that must agree, in a row; less than 2 is 2
	Over     time.Duration // which those readings span at least
	Sudden   time.Duration // how long a jump of the level must last to be believed; 0 believes at once
	History  int           // days of consumption without which a forecast decides nothing
	Delivery int           // days a parcel takes
	Untold   bool          // nobody tells what becomes of an order: it counts as shipped when it should have come
	Together int           // days: what is due so much later joins an order of its device; 0 joins nothing
	Device   int           // orders of one device within 30 days at most; 0 is no limit
	Site     int           // orders of all devices within a day at most; 0 is no limit
	Placed   int           // orders of all devices within the last day, for Site
	Quiet    []string      // globs of serial numbers that order nothing
	Excluded []string      // globs of descriptions and part numbers that are not in the contract
}

// arrival is how long it takes at most until a toner that was ordered is here.
func (p Policy) arrival() time.Duration { return time.Duration(p.Delivery+1) * 24 * time.Hour }

// Mode says what becomes of a decision.
type Mode string

// The modes. Anything else orders.
const (
	Suggest Mode = "suggest" // an order waits until a person confirms it
	Off     Mode = "off"     // nothing is ordered; everything is watched all the same
)

// A Hold says why a supply that is due is not ordered.
type Hold string

// The holds.
const (
	HeldConfirm  Hold = "confirm"  // more readings must say so
	HeldDoubted  Hold = "doubted"  // the level jumped, and must stay before it is believed
	HeldOther    Hold = "other"    // another cartridge may be in, which is not sure yet
	HeldDamaged  Hold = "damaged"  // what was ordered before may be forgotten; see Rebuild
	HeldOff      Hold = "off"      // the mode
	HeldQuiet    Hold = "quiet"    // the device is on the quiet list
	HeldContract Hold = "contract" // the supply is not in the contract
	HeldDevice   Hold = "device"   // the device has had its share
	HeldSite     Hold = "site"     // so has the site
)

// A Rule says when a toner is ordered. Serial, Model and Colour say for which; what
// is empty holds for all.
type Rule struct {
	Serial     string
	Model      string // glob as path.Match reads it, except that * matches a slash too; case is ignored
	Colour     string // collector.Supply.Colorant
	OrderBelow int    // percent; 0 orders nothing
	DaysLeft   int    // order when it lasts so many days, or a busy stretch less than the parcel takes; 0 looks at the level only
	PagesLeft  int64  // order when it lasts fewer pages; 0 does not look at pages
	Source     string // where OrderBelow stands: "toner.rule[2].order_below"
}

// source is where the setting stands that decided.
func (r Rule) source(code Code) string {
	setting := "order_below"
	switch code {
	case Busy:
		return "toner.delivery"
	case DaysLeft, Together:
		setting = "days_left"
	case PagesLeft:
		setting = "pages_left"
	}
	return strings.Replace(r.Source, "order_below", setting, 1)
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

// held says why a supply may not be ordered, or "". Placed are the orders of its
// device within the last 30 days.
func (p Policy) held(d collector.Device, s collector.Supply, placed int) Hold {
	switch {
	case p.Mode == Off:
		return HeldOff
	case matchesAny(p.Quiet, d.Serial):
		return HeldQuiet
	case matchesAny(p.Excluded, s.Description) || matchesAny(p.Excluded, s.PartNumber):
		return HeldContract
	case p.Device > 0 && placed >= p.Device:
		return HeldDevice
	case p.Site > 0 && p.Placed >= p.Site:
		return HeldSite
	}
	return ""
}

func matchesAny(globs []string, word string) bool {
	for _, glob := range globs {
		if matches(glob, word) {
			return true
		}
	}
	return false
}

// matches hides slashes from path.Match, since a model is no path.
func matches(glob, model string) bool {
	hide := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "\x00") }
	ok, err := path.Match(hide(glob), hide(model))
	return ok && err == nil
}
