package collector

import (
	"slices"
	"strings"
)

// The vocabulary of meter names, after PWG 5106.1: <service>.<measure>.<colour>, and
// after impressions .large or .small. What PWG has no word for is added: stored is
// what is printed from a copier's own memory, other what it prints for itself;
// interpreter-... counts by page language, colorant-... by toner.
const (
	meterServices = "systemTotals copy print scan faxIn faxOut emailOut stored other " +
		"interpreter-escpr interpreter-escpage interpreter-pcl interpreter-postscript interpreter-other " +
		"colorant-black colorant-cyan colorant-magenta colorant-yellow"
	meterMeasures = "impressions sheets images"
	meterColours  = "total monochrome fullColor highlightColor singleColor twoColor blank twoSided"
	meterSizes    = "large small"
)

// otherMeters are names that do not follow the pattern: what label printers count.
const otherMeters = "systemTotals.feet.total systemTotals.meters.total systemTotals.inches.total"

func knownMeter(name string) bool {
	if slices.Contains(strings.Fields(otherMeters), name) {
		return true
	}
	parts := strings.Split(name, ".")
	if len(parts) < 3 || len(parts) > 4 {
		return false
	}
	for i, list := range []string{meterServices, meterMeasures, meterColours, meterSizes}[:len(parts)] {
		if !slices.Contains(strings.Fields(list), parts[i]) {
			return false
		}
	}
	return true
}

// vocabulary describes the names there are.
func vocabulary() string {
	or := func(list string) string { return strings.ReplaceAll(list, " ", "|") }
	return "SERVICE.MEASURE.COLOUR or SERVICE.MEASURE.COLOUR.SIZE; SERVICE " + or(meterServices) +
		"; MEASURE " + or(meterMeasures) + "; COLOUR " + or(meterColours) + "; SIZE " + or(meterSizes) + "; or " + or(otherMeters)
}
