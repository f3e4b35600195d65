package collector

import (
	"slices"
	"strings"
)

// meters are the life counts and power-on counts of the markers. The count of the
// only marker is that of the device. Several markers are told one by one, with
// their sum beside them, since RFC 3805 does not say whether they print the same
// sheets.
func (t telling) meters() []Meter {
	var meters, lives []Meter
	rows := t.rows(prtMarkerLifeCount, prtMarkerPowerOnCount)
	for _, index := range rows {
		service := "systemTotals"
		if len(rows) > 1 {
			service = "marker" + strings.ReplaceAll(index, ".", "-")
		}
		m := Meter{Unit: t.counterUnit(index), Format: FormatUnknown, Quality: Good}
		m.Name = meterName(service, m.Unit)
		if n, ok := t.at(prtMarkerLifeCount, index).count(); ok {
			life := m
			life.Value, life.Persistence, life.Primary = n, Lifetime, true
			life.OID = prtMarkerLifeCount + "." + index
			meters, lives = append(meters, life), append(lives, life)
		}
		if n, ok := t.at(prtMarkerPowerOnCount, index).count(); ok {
			m.Value, m.Persistence = n, PowerOn
			m.OID = prtMarkerPowerOnCount + "." + index
			meters = append(meters, m)
		}
	}
	if len(rows) > 1 {
		meters = append(meters, sums(t.ownOf(lives))...)
	}
	return meters
}

// ownOf are the counts of the printer itself. A print server with several printers
// behind it tells the markers of all of them, by their hrDeviceIndex.
func (t telling) ownOf(lives []Meter) []Meter {
	index := prtMarkerLifeCount + "." + t.harvest.device()
	others := func(m Meter) bool { return !under(index, m.OID) }
	if own := slices.DeleteFunc(slices.Clone(lives), others); len(own) > 0 {
		return own
	}
	return lives
}

// counterUnit is prtMarkerCounterUnit, "unknown" if the device does not tell it.
func (t telling) counterUnit(index string) string {
	if unit := t.word(prtMarkerCounterUnit, index, units); unit != "" {
		return unit
	}
	return "unknown"
}

// meterName names a marker's counter. Where the device does not tell the unit it
// counts impressions, as nearly all do; the meter's unit still says "unknown".
func meterName(service, unit string) string {
	if unit == "unknown" || unit == "other" {
		unit = "impressions"
	}
	return service + "." + unit + ".total"
}

// sums adds up the life counts of several markers, as far as they count the same.
// The OID of a sum names its parts.
func sums(lives []Meter) []Meter {
	var totals []Meter
	for _, life := range lives {
		life.Name = meterName("systemTotals", life.Unit)
		same := slices.IndexFunc(totals, func(m Meter) bool { return m.Name == life.Name })
		if same < 0 {
			totals = append(totals, life)
			continue
		}
		totals[same].Value += life.Value
		totals[same].OID += "+" + life.OID
	}
	return totals
}
