package toner

import (
	"regexp"
	"strconv"

	"meteragent/collector"
)

// foreignWords are how devices name a cartridge that is not the maker's: HP "Non-HP
// supply", "Used or counterfeit", Kyocera "Non-genuine toner", others the like. No
// recording has one; a maker's own word for a refill is not looked for.
var foreignWords = regexp.MustCompile(`(?i)\bnon[- ]?(?:genuine|original|oem|hp|canon|kyocera|ricoh|lexmark|xerox|brother)\b|\bnot (?:genuine|original)\b|\bcounterfeit\b|\bremanufactured\b|\brefilled\b`)

// foreign is what a device says of a supply that seems not to be the maker's, or "".
// It is a hint: it orders nothing and holds no order.
func foreign(r collector.Reading, s collector.Supply) string {
	if foreignWords.MatchString(s.Description) {
		return s.Description
	}
	for _, a := range r.Alerts {
		if a.Group == "markerSupplies" && strconv.FormatInt(a.GroupIndex, 10) == index(s) && foreignWords.MatchString(a.Description) {
			return a.Description
		}
	}
	return ""
}

// coverage is how much of a page was covered, in percent. Cartridges are rated in
// pages of 5 percent (ISO/IEC 19752, 19798); perPoint are the pages of a hundredth.
func coverage(s collector.Supply, perPoint *float64) *float64 {
	if s.Unit != "impressions" || s.Capacity == nil || perPoint == nil || *perPoint <= 0 {
		return nil
	}
	c := round(5 * float64(*s.Capacity) / 100 / *perPoint)
	return &c
}
