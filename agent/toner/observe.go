package toner

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"meteragent/collector"
)

// observe takes from a reading what it says of one of its supplies.
func observe(r collector.Reading, s collector.Supply, all []collector.Supply) Observation {
	o := Observation{
		At:     r.TakenAt.UTC().Round(0),
		Serial: strings.TrimSpace(s.SerialNumber),
		Part:   strings.TrimSpace(s.PartNumber),
	}
	known := s.Level.Kind == collector.Measured || s.Level.Kind == collector.VendorLevel
	if p := s.Level.Percent; known && p != nil && *p >= 0 && *p <= 100 {
		percent := *p
		o.Percent = &percent
	}
	if s.Level.Kind == collector.Absolute && (s.Unit == "impressions" || s.Unit == "sheets") {
		o.Left = s.Level.Value
	}
	for _, m := range r.Meters {
		if m.Primary && m.Name == "systemTotals.impressions.total" && o.Pages == nil {
			pages := m.Value
			o.Pages, o.Counter = &pages, m.OID
		}
	}
	o.Absent = absent(r, s, all)
	o.Signal = signal(r, s, all, o.Percent != nil && (*o.Percent > 0 || o.Absent))
	return o
}

// absent says that a device complains that a cartridge is not in. Its state names none, so it
// counts only if there is just one.
func absent(r collector.Reading, s collector.Supply, all []collector.Supply) bool {
	return len(all) == 1 && slices.Contains(r.Status.Errors, "markerSupplyMissing") ||
		slices.ContainsFunc(r.Alerts, func(a collector.Alert) bool {
			return a.Group == "markerSupplies" && strconv.FormatInt(a.GroupIndex, 10) == index(s) &&
				(a.Code == "markerTonerCartridgeMissing" || a.Code == "subunitMissing")
		})
}

// coverOpen says whether the levels of a reading are those of a device that is open:
// some report 0 then, some 100.
func coverOpen(r collector.Reading) bool {
	if slices.Contains(r.Status.Errors, "doorOpen") {
		return true
	}
	return slices.ContainsFunc(r.Alerts, func(a collector.Alert) bool {
		return a.Code == "coverOpen" || a.Code == "doorOpen" || a.Code == "interlockOpen"
	})
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

// signal is the device's own word that a supply is nearly empty or empty, or "". An
// alert names the supply by its index, or that of another row of the same cartridge; where
// two supplies have the same index it names neither. The printer's state names none, so it counts only if there is just one, of which
// no level says that something is left.
func signal(r collector.Reading, s collector.Supply, all []collector.Supply, left bool) string {
	var said []string
	for _, row := range r.Supplies {
		if row.Key != s.Key && (row.Type != s.Type || !oneCartridge(row, s)) ||
			slices.ContainsFunc(all, func(a collector.Supply) bool { return a.Key != s.Key && index(a) == index(row) }) {
			continue
		}
		for _, a := range r.Alerts {
			if a.Group == "markerSupplies" && strconv.FormatInt(a.GroupIndex, 10) == index(row) {
				said = append(said, a.Code)
			}
		}
	}
	if len(all) == 1 && !left {
		said = append(said, r.Status.Errors...)
	}
	if len(said) == 0 {
		return ""
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

// orderable are the supplies that can be ordered at all, by key, each key once: what
// is printed away and put in by the customer. Waste boxes are filled, not consumed;
// drums, fusers, developer, maintenance kits and the like are a technician's work;
// staples do not keep a customer from printing. Rows that are one cartridge are one
// supply: see kits.
func orderable(supplies []collector.Supply) (out []collector.Supply) {
	for _, s := range supplies {
		if s.Class != "supplyThatIsConsumed" && s.Class != "" || s.Key == "" { // a type says enough
			continue
		}
		switch s.Type {
		case "toner", "tonerCartridge", // lasers; most say "toner" for the cartridge too
			"ink", "inkCartridge", // ink jets
			"inkRibbon", "ribbonWax", "solidWax": // label and wax printers
			out = append(out, s)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	out = slices.CompactFunc(out, func(a, b collector.Supply) bool { return a.Key == b.Key })
	return kits(out)
}

// kits makes one supply of the rows that are one cartridge, such as the three colours
// of a tri-colour cartridge. The first row stands for all, with the lowest level of them.
func kits(rows []collector.Supply) (out []collector.Supply) {
	for _, row := range rows {
		leader := slices.IndexFunc(out, func(s collector.Supply) bool { return oneCartridge(s, row) })
		if leader < 0 {
			out = append(out, row)
			continue
		}
		if low, p := out[leader].Level.Percent, row.Level.Percent; p != nil && (low == nil || *p < *low) {
			out[leader].Level = row.Level
		}
	}
	return out
}

// oneCartridge says that two rows are one cartridge: they have one serial number, or they are
// inks of different colours that have one part number and are named alike, after the
// cartridge. A number that separate cartridges share, since it is that under which all of
// them are sold, is no proof: their names tell the colour. Toners have one colour each.
func oneCartridge(a, b collector.Supply) bool {
	if a.PartNumber != "" && b.PartNumber != "" && a.PartNumber != b.PartNumber {
		return false
	}
	if Telling(a.SerialNumber) || Telling(b.SerialNumber) {
		return a.SerialNumber == b.SerialNumber
	}
	return strings.HasPrefix(a.Type, "ink") && a.Description == b.Description &&
		a.PartNumber != "" && a.PartNumber == b.PartNumber && a.Colorant != b.Colorant
}

// Telling says whether a serial number can be one cartridge's: some devices tell zeros or a
// word.
func Telling(serial string) bool {
	return len(serial) >= 5 && strings.ContainsAny(serial, "123456789")
}
