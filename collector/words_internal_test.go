package collector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		list string
		n    int64
		want string
	}{
		{severities, 3, "critical"}, {severities, 5, "warningBinaryChangeEvent"}, {severities, 2, "2"}, {severities, 0, "0"}, {severities, -7, "-7"},
		{supplyTypes, 3, "toner"}, {supplyTypes, 21, "tonerCartridge"}, {supplyTypes, 34, "covers"}, {supplyTypes, 35, "35"},
		{supplyClasses, 4, "receptacleThatIsFilled"}, {units, 7, "impressions"}, {units, 13, "tenthsOfGrams"}, {units, 19, "percent"},
		{alertGroups, 11, "markerSupplies"}, {alertGroups, 18, "alert"}, {alertGroups, 19, "19"}, {alertGroups, 30, "finDevice"},
		{trainings, 7, "noInterventionRequired"}, {printerStates, 4, "printing"}, {deviceStates, 5, "down"},
	} {
		if got := word(c.list, c.n); got != c.want {
			t.Errorf("word(%.20s..., %d) = %q, want %q", c.list, c.n, got, c.want)
		}
	}
}

func TestAlertCodes(t *testing.T) {
	for n, want := range map[int64]string{
		1: "other", 8: "jam", 38: "subunitThermistorFailure", 39: "39", 501: "doorOpen", 503: "powerUp", 507: "printerReadyToPrint",
		801: "inputMediaTrayMissing", 807: "inputMediaSupplyLow", 813: "inputCannotFeedSizeSelected", 904: "outputMailboxSelectFailure",
		1001: "markerFuserUnderTemperature", 1005: "markerAdjustingPrintQuality", 1101: "markerTonerEmpty", 1104: "markerTonerAlmostEmpty",
		1107: "markerWasteTonerReceptacleAlmostFull", 1110: "markerWasteInkReceptacleFull", 1115: "markerTonerCartridgeMissing",
		1304: "mediaPathCannotDuplexMediaSelected", 1507: "interpreterResourceUnavailable", 1508: "1508", 1509: "interpreterComplexPageEncountered",
		1801: "alertRemovalOfBinaryChangeEntry", 1116: "1116", 500: "500", 600: "600", 35078: "35078", 0: "0", -3: "-3", -501: "-501",
	} {
		if got := alertCode(n); got != want {
			t.Errorf("alertCode(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestErrorStates(t *testing.T) {
	for octets, want := range map[string][]string{
		"":             nil,
		"\x00":         nil,
		"\x80":         {"lowPaper"},
		"\x28":         {"lowToner", "doorOpen"},
		"\x00\x02":     {"overduePreventMaint"},
		"\xff\xff":     {"lowPaper", "noPaper", "lowToner", "noToner", "doorOpen", "jammed", "offline", "serviceRequested", "inputTrayMissing", "outputTrayMissing", "markerSupplyMissing", "outputNearFull", "outputFull", "inputTrayEmpty", "overduePreventMaint"},
		"\x04\x00\xff": {"jammed"},
	} {
		if diff := cmp.Diff(want, errorStates(octets)); diff != "" {
			t.Errorf("errorStates(%x): %s", octets, diff)
		}
	}
}
