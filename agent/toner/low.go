package toner

import (
	"slices"
	"strconv"
	"strings"

	"meteragent/collector"
)

// Code is the reason of an order, for programs.
type Code string

// The reasons. Their sentences are "order.why.<code>" in the catalogue.
const (
	LevelBelow      Code = "levelBelow"      // the level is measured and below the rule's percentage
	SaysEmpty       Code = "saysEmpty"       // the device says that the supply is empty
	SaysAlmostEmpty Code = "saysAlmostEmpty" // the device says so, and its level is not measured
)

// low says why an observation is one of a supply to be ordered, or "".
func (s Supply) low(o Observation, below int) Code {
	ghost := s.Highest != nil && *s.Highest == 0
	switch {
	case below <= 0 || ghost:
		return ""
	case o.Percent != nil && *o.Percent < float64(below):
		return LevelBelow
	case slices.Contains(emptyWords(), o.Signal):
		return SaysEmpty
	case o.Percent == nil && slices.Contains(almostEmptyWords(), o.Signal):
		return SaysAlmostEmpty
	}
	return ""
}

// emptyWords are the alert codes (PrtAlertCodeTC) and the hrPrinterDetectedErrorState by
// which a device says that a supply is empty.
func emptyWords() []string {
	return []string{"markerTonerEmpty", "markerInkEmpty", "markerPrintRibbonEmpty", "subunitEmpty", "noToner"}
}

// almostEmptyWords are those for nearly empty.
func almostEmptyWords() []string {
	return []string{"markerTonerAlmostEmpty", "markerInkAlmostEmpty", "markerPrintRibbonAlmostEmpty", "subunitAlmostEmpty", "lowToner"}
}

// observe takes from a reading what it says of one of its supplies.
func observe(r collector.Reading, s collector.Supply, all []collector.Supply) Observation {
	o := Observation{At: r.TakenAt.UTC().Round(0), Serial: strings.TrimSpace(s.SerialNumber)}
	if p := s.Level.Percent; s.Level.Kind == collector.Measured && p != nil && *p >= 0 && *p <= 100 {
		percent := *p
		o.Percent = &percent
	}
	for _, m := range r.Meters {
		if m.Primary && m.Name == "systemTotals.impressions.total" && o.Pages == nil {
			pages := m.Value
			o.Pages = &pages
		}
	}
	o.Signal = signal(r, s, all, o.Percent != nil)
	return o
}

// signal is the device's own word that a supply is nearly empty or empty, or "". An
// alert names the supply by its index; where two supplies have the same index it names
// neither. The printer's state names none, so it counts only if there is just one.
func signal(r collector.Reading, s collector.Supply, all []collector.Supply, measured bool) string {
	var said []string
	if others := slices.DeleteFunc(slices.Clone(all), func(a collector.Supply) bool { return index(a) != index(s) }); len(others) == 1 {
		for _, a := range r.Alerts {
			if a.Group == "markerSupplies" && strconv.FormatInt(a.GroupIndex, 10) == index(s) {
				said = append(said, a.Code)
			}
		}
	}
	if len(all) == 1 && !measured {
		said = append(said, r.Status.Errors...)
	}
	for _, word := range append(emptyWords(), almostEmptyWords()...) {
		if slices.Contains(said, word) {
			return word
		}
	}
	return ""
}

// index is prtMarkerSuppliesIndex, the last number of a key.
func index(s collector.Supply) string { return s.Key[strings.LastIndexByte(s.Key, '.')+1:] }
