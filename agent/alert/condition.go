package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"meteragent/collector"
)

// A Condition is something that a device complains of.
type Condition struct {
	Class       Class  `json:"class"`
	Severity    string `json:"severity"`             // prtAlertSeverityLevel: "critical" stops the device, "warning" does not
	Group       string `json:"group"`                // prtAlertGroup; "status" if hrPrinterDetectedErrorState alone says it
	GroupIndex  int64  `json:"groupIndex,omitempty"` // which of the group; 0 or less if the device does not tell
	Location    int64  `json:"location,omitempty"`   // prtAlertLocation: the vendor's number of a place inside
	Code        string `json:"code"`                 // prtAlertCode's word or number, or the word of hrPrinterDetectedErrorState
	VendorCode  string `json:"vendorCode,omitempty"` // the vendor's own, as it stands in the description: "E045-0001"
	Description string `json:"description,omitempty"`
	Training    string `json:"training,omitempty"` // prtAlertTrainingLevel: who can help
}

// Class says how soon somebody must come.
type Class string

// The classes. Jams and calls for service are urgent.
const (
	Jam     Class = "jam"
	Service Class = "service"
	Other   Class = "other"
)

const longest = 255 // bytes of a description: the most that prtAlertDescription has

// key is what a condition is known by. Descriptions change with counters and times
// that some devices put into them, so they are left out, except of codes that say nothing.
func (c Condition) key() string {
	key := fmt.Sprintf("%s|%d|%d|%s|%s", c.Group, c.GroupIndex, c.Location, c.Code, c.VendorCode)
	if c.VendorCode == "" && (c.Code == "" || c.Code == "other" || c.Code == "unknown" || numeric(c.Code)) {
		key += "|" + number.ReplaceAllString(c.Description, "#")
	}
	return key
}

var number = regexp.MustCompile(`\d+`)

func numeric(s string) bool { return strings.Trim(s, "-0123456789") == "" }

// states are codes (PrtAlertCodeTC) of what is no trouble, or over already. A fuser
// that is too cold is one that warms up or sleeps.
func states() []string {
	return strings.Fields("coverClosed interlockClosed configurationChange subunitClosed subunitTurnedOn subunitTurnedOff " +
		"subunitPowerSaver subunitWarmingUp subunitAdded subunitRemoved subunitResourceAdded subunitResourceRemoved doorClosed " +
		"powerUp powerDown printerNMSReset printerManualReset printerReadyToPrint markerFuserUnderTemperature " +
		"markerAdjustingPrintQuality interpreterMemoryIncrease interpreterMemoryDecrease interpreterCartridgeAdded " +
		"interpreterCartridgeDeleted interpreterResourceAdded interpreterResourceDeleted alertRemovalOfBinaryChangeEntry")
}

// supplied are codes and states that toner orders answer.
func supplied() []string {
	return strings.Fields("markerTonerEmpty markerInkEmpty markerPrintRibbonEmpty markerTonerAlmostEmpty markerInkAlmostEmpty " +
		"markerPrintRibbonAlmostEmpty lowToner noToner")
}

// conditions are those of a reading, each once: first what the alert table says, then
// what only the printer's state says.
func conditions(r collector.Reading) (all []Condition) {
	add := func(c Condition) {
		if !slices.ContainsFunc(all, func(o Condition) bool { return o.key() == c.key() }) {
			all = append(all, c)
		}
	}
	for _, a := range r.Alerts {
		if a.Severity == "critical" || strings.HasPrefix(a.Severity, "warning") {
			if !slices.Contains(states(), a.Code) && !orders(r, a) {
				add(condition(a))
			}
		}
	}
	for _, word := range r.Status.Errors {
		if slices.Contains(supplied(), word) || told(r.Alerts, word) {
			continue
		}
		c := Condition{Class: Other, Severity: "critical", Group: "status", Code: word}
		switch word {
		case "lowPaper", "outputNearFull", "overduePreventMaint", "inputTrayMissing", "outputTrayMissing":
			c.Severity = "warning"
		case "jammed":
			c.Class = Jam
		case "serviceRequested":
			c.Class = Service
		}
		add(c)
	}
	return all
}

// orders says whether an alert is about a supply that is ordered, or would be.
func orders(r collector.Reading, a collector.Alert) bool {
	if slices.Contains(supplied(), a.Code) {
		return true
	}
	if a.Group != "markerSupplies" || a.Code != "subunitEmpty" && a.Code != "subunitAlmostEmpty" {
		return false
	}
	return slices.ContainsFunc(r.Supplies, func(s collector.Supply) bool {
		toner := strings.Contains(strings.ToLower(s.Type), "toner") || strings.HasPrefix(s.Type, "ink")
		return s.Class == "supplyThatIsConsumed" && toner && strings.HasSuffix(s.Key, fmt.Sprintf(".%d", a.GroupIndex))
	})
}

func condition(a collector.Alert) Condition {
	c := Condition{
		Class: Other, Severity: a.Severity, Group: a.Group, GroupIndex: max(0, a.GroupIndex), Location: max(0, a.Location),
		Code: a.Code, Description: plain(a.Description), Training: a.Training,
	}
	c.VendorCode = vendorCode.FindString(c.Description)
	switch {
	case a.Code == "jam":
		c.Class = Jam
	case a.Severity == "critical" && (a.Training == "fieldService" || breaks(a.Code)):
		c.Class = Service
	}
	return c
}

// breaks says whether a code is of something that no operator can mend.
func breaks(code string) bool {
	switch code {
	case "subunitUnrecoverableFailure", "subunitUnrecoverableStorageError", "subunitMotorFailure", "subunitThermistorFailure",
		"subunitTimingFailure", "markerFuserOverTemperature", "markerFuserTimingFailure", "markerFuserThermistorFailure":
		return true
	}
	return false
}

// told says whether the alert table tells already what a word of
// hrPrinterDetectedErrorState says.
func told(alerts []collector.Alert, word string) bool {
	return slices.ContainsFunc(alerts, func(a collector.Alert) bool {
		if a.Severity == "other" {
			return false
		}
		switch word {
		case "jammed":
			return a.Code == "jam"
		case "doorOpen":
			return a.Group == "cover" || strings.HasSuffix(a.Code, "Open") || strings.HasSuffix(a.Code, "Opened")
		case "lowPaper", "noPaper", "inputTrayMissing", "inputTrayEmpty":
			return a.Group == "input"
		case "outputTrayMissing", "outputNearFull", "outputFull":
			return a.Group == "output"
		case "markerSupplyMissing":
			return a.Group == "markerSupplies" || a.Group == "marker"
		case "serviceRequested":
			return condition(a).Class == Service
		case "offline":
			return a.Severity == "critical"
		}
		return false
	})
}

// vendorCode finds the code that a technician looks up, in forms that are not those of
// a model: Canon's E045-0001, HP's 13.B9.D2, Ricoh's SC542-01. Others stay in the text.
var vendorCode = regexp.MustCompile(`\b(?:E\d{3}-\d{4}|SC ?\d{3}(?:-\d{2})?|\d{2}\.[0-9A-F]{2}\.[0-9A-F]{2})\b`)

// plain is a text without what does not print, in one line, of at most 255 bytes.
func plain(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))), " ")
	for i := range s {
		if i > longest-4 {
			return s[:i]
		}
	}
	return s
}
