package collector

import "strconv"

// The columns a reading is made of, from RFC 3418 (system), RFC 2863 (interfaces),
// RFC 2790 (host resources) and RFC 3805 (printer). A name without its instance.
const (
	sysDescr    = "1.3.6.1.2.1.1.1"
	sysObjectID = "1.3.6.1.2.1.1.2"
	sysUpTime   = "1.3.6.1.2.1.1.3"
	sysContact  = "1.3.6.1.2.1.1.4"
	sysName     = "1.3.6.1.2.1.1.5"
	sysLocation = "1.3.6.1.2.1.1.6"

	ifType        = "1.3.6.1.2.1.2.2.1.3"
	ifPhysAddress = "1.3.6.1.2.1.2.2.1.6"

	hrDeviceType                = "1.3.6.1.2.1.25.3.2.1.2"
	hrDeviceDescr               = "1.3.6.1.2.1.25.3.2.1.3"
	hrDeviceStatus              = "1.3.6.1.2.1.25.3.2.1.5"
	hrPrinterStatus             = "1.3.6.1.2.1.25.3.5.1.1"
	hrPrinterDetectedErrorState = "1.3.6.1.2.1.25.3.5.1.2"
	hrDevicePrinter             = "1.3.6.1.2.1.25.3.1.5" // a value of hrDeviceType

	// The device ID of IEEE 1284, by PWG 5107.1 and as HP has it, and HP's serial number.
	// Others answer HP's objects, too.
	ppmDeviceID     = enterprises + ".2699.1.2.1.2.1.1.3"
	pmlDeviceID     = enterprises + ".11.2.3.9.1.1.7"
	brotherDeviceID = enterprises + ".2435.2.3.9.1.1.7"
	pmlSerial       = enterprises + ".11.2.3.9.4.2.1.1.3.3"

	printerMIB                    = "1.3.6.1.2.1.43"
	prtGeneralConfigChanges       = printerMIB + ".5.1.1.1"
	prtGeneralCurrentLocalization = printerMIB + ".5.1.1.2"
	prtGeneralPrinterName         = printerMIB + ".5.1.1.16"
	prtGeneralSerialNumber        = printerMIB + ".5.1.1.17"
	prtLocalizationCharacterSet   = printerMIB + ".7.1.1.4"

	prtInputEntry        = printerMIB + ".8.2.1"
	prtInputMaxCapacity  = printerMIB + ".8.2.1.9"
	prtInputCurrentLevel = printerMIB + ".8.2.1.10"
	prtInputMediaName    = printerMIB + ".8.2.1.12"
	prtInputName         = printerMIB + ".8.2.1.13"
	prtInputDescription  = printerMIB + ".8.2.1.18"

	prtMarkerCounterUnit  = printerMIB + ".10.2.1.3"
	prtMarkerLifeCount    = printerMIB + ".10.2.1.4"
	prtMarkerPowerOnCount = printerMIB + ".10.2.1.5"

	prtMarkerSuppliesColorantIndex = printerMIB + ".11.1.1.3"
	prtMarkerSuppliesClass         = printerMIB + ".11.1.1.4"
	prtMarkerSuppliesType          = printerMIB + ".11.1.1.5"
	prtMarkerSuppliesDescription   = printerMIB + ".11.1.1.6"
	prtMarkerSuppliesSupplyUnit    = printerMIB + ".11.1.1.7"
	prtMarkerSuppliesMaxCapacity   = printerMIB + ".11.1.1.8"
	prtMarkerSuppliesLevel         = printerMIB + ".11.1.1.9"
	prtMarkerColorantValue         = printerMIB + ".12.1.1.4"

	prtConsoleDisplayBufferText = printerMIB + ".16.5.1.2"

	prtAlertEntry         = printerMIB + ".18.1.1"
	prtAlertSeverityLevel = printerMIB + ".18.1.1.2"
	prtAlertTrainingLevel = printerMIB + ".18.1.1.3"
	prtAlertGroup         = printerMIB + ".18.1.1.4"
	prtAlertGroupIndex    = printerMIB + ".18.1.1.5"
	prtAlertLocation      = printerMIB + ".18.1.1.6"
	prtAlertCode          = printerMIB + ".18.1.1.7"
	prtAlertDescription   = printerMIB + ".18.1.1.8"
	prtAlertTime          = printerMIB + ".18.1.1.9"
)

// How many rows are read of each table.
const (
	mostMarkers  = 16
	mostSupplies = 64
	mostInputs   = 64
	mostAlerts   = 128
)

// usualSpans list what a reading needs. The numbers of rows are those of a usual
// office copier: they only decide how the first questions are cut.
func usualSpans() []span {
	return []span{
		one(sysDescr), one(sysObjectID), one(sysUpTime), one(sysContact), one(sysName), one(sysLocation),
		one(hrDeviceType), one(hrDeviceDescr), one(hrDeviceStatus),
		one(hrPrinterStatus), one(hrPrinterDetectedErrorState),
		one(prtGeneralConfigChanges), one(prtGeneralCurrentLocalization), one(prtGeneralPrinterName), one(prtGeneralSerialNumber),
		{from: ifType, to: ifType, rows: 2, most: 8},
		{from: ifPhysAddress, to: ifPhysAddress, rows: 2, most: 8},
		{from: prtLocalizationCharacterSet, to: prtLocalizationCharacterSet, rows: 3, most: maxLocalizations},
		{from: prtInputMaxCapacity, to: prtInputName, rows: 5, most: mostInputs},
		{from: prtMarkerCounterUnit, to: prtMarkerPowerOnCount, rows: 1, most: mostMarkers},
		{from: prtMarkerColorantValue, to: prtMarkerColorantValue, rows: 4, most: 64},
		{from: prtMarkerSuppliesColorantIndex, to: prtMarkerSuppliesLevel, rows: 5, most: mostSupplies},
		{from: prtConsoleDisplayBufferText, to: prtConsoleDisplayBufferText, rows: 5, most: 32},
		{from: prtAlertSeverityLevel, to: prtAlertTime, rows: 3, most: mostAlerts},
	}
}

// onlyFull says whether a column is part of full readings only.
func onlyFull(column string) bool {
	return column == sysContact || column == sysName || column == sysLocation || column == prtConsoleDisplayBufferText || under(prtInputEntry, column)
}

// maxLocalizations is how many are read in a row. Some devices have one for each of
// thirty languages, of which only the current one matters.
const maxLocalizations = 8

// moreSpansOf lists what is needed besides on devices that are not as most are:
// those whose printer is not the first row of hrDeviceTable, whose current language
// is far down the list, whose inputs have no names, or that have not said their serial
// number so far.
func moreSpansOf(found harvest, p *Profile) []span {
	var spans []span
	if d := (telling{harvest: found, profile: p}).device(); found.isPrinter() && (d.Serial == "" || d.Model == "" || d.Manufacturer == "") {
		spans = append(spans, one(ppmDeviceID), one(pmlDeviceID), one(brotherDeviceID), one(pmlSerial))
	}
	device, err := strconv.Atoi(found.device())
	first := found.rows(hrDeviceType, hrDeviceDescr, hrDeviceStatus)
	if err == nil && device > 0 && len(first) > 0 && first[0] != strconv.Itoa(device) {
		for _, column := range []string{hrDeviceType, hrDeviceDescr, hrDeviceStatus} {
			spans = append(spans, span{from: column, to: column, after: strconv.Itoa(device - 1)})
		}
	}
	language, before := found.localization()
	if len(found[prtLocalizationCharacterSet]) == maxLocalizations && found.at(prtLocalizationCharacterSet, language).kind == nothing {
		spans = append(spans, span{from: prtLocalizationCharacterSet, to: prtLocalizationCharacterSet, after: before})
	}
	if found.isPrinter() && len(found[prtInputName]) == 0 {
		spans = append(spans, span{from: prtInputDescription, to: prtInputDescription, rows: 4, most: mostInputs})
	}
	return spans
}
