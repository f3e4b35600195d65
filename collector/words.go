package collector

import (
	"strconv"
	"strings"
)

// The words of the enumerations, from the number 1 on, "_" where a number is not
// assigned. From RFC 2790 and IANA-PRINTER-MIB (RFC 3805 and later additions).
const (
	deviceStates  = "unknown running warning testing down" // hrDeviceStatus
	printerStates = "other unknown idle printing warmup"   // hrPrinterStatus
	severities    = "other _ critical warning warningBinaryChangeEvent"
	trainings     = "other unknown untrained trained fieldService management noInterventionRequired"

	// PrtMarkerSuppliesClassTC, PrtMarkerSuppliesTypeTC
	supplyClasses = "other _ supplyThatIsConsumed receptacleThatIsFilled"
	supplyTypes   = "other unknown toner wasteToner ink inkCartridge inkRibbon wasteInk opc developer " +
		"fuserOil solidWax ribbonWax wasteWax fuser coronaWire fuserOilWick cleanerUnit fuserCleaningPad " +
		"transferUnit tonerCartridge fuserOiler water wasteWater glueWaterAdditive wastePaper bindingSupply " +
		"bandingSupply stitchingWire shrinkWrap paperWrap staples inserts covers"

	// PrtMarkerSuppliesSupplyUnitTC, PrtMarkerCounterUnitTC; the spelling is theirs.
	units = "other unknown tenThousandthsOfInches micrometers characters lines impressions sheets dotRow _ hours " +
		"thousandthsOfOunces tenthsOfGrams hundrethsOfFluidOunces tenthsOfMilliliters feet meters items percent"

	// PrtAlertGroupTC. 30 to 33 are the finisher's (RFC 3806), the rest PWG 5107.3.
	alertGroups = "other _ hostResourcesMIBStorageTable hostResourcesMIBDeviceTable generalPrinter cover " +
		"localization input output marker markerSupplies markerColorant mediaPath channel interpreter " +
		"consoleDisplayBuffer consoleLights alert _ _ _ _ _ _ _ _ _ _ _ " +
		"finDevice finSupply finSupplyMediaInput finAttribute"

	// PrtAlertCodeTC, in its blocks.
	alertCodes = "other unknown coverOpen coverClosed interlockOpen interlockClosed configurationChange jam " +
		"subunitMissing subunitLifeAlmostOver subunitLifeOver subunitAlmostEmpty subunitEmpty subunitAlmostFull " +
		"subunitFull subunitNearLimit subunitAtLimit subunitOpened subunitClosed subunitTurnedOn subunitTurnedOff " +
		"subunitOffline subunitPowerSaver subunitWarmingUp subunitAdded subunitRemoved subunitResourceAdded " +
		"subunitResourceRemoved subunitRecoverableFailure subunitUnrecoverableFailure " +
		"subunitRecoverableStorageError subunitUnrecoverableStorageError subunitMotorFailure " +
		"subunitMemoryExhausted subunitUnderTemperature subunitOverTemperature subunitTimingFailure " +
		"subunitThermistorFailure"
	generalCodes = "doorOpen doorClosed powerUp powerDown printerNMSReset printerManualReset printerReadyToPrint"
	inputCodes   = "inputMediaTrayMissing inputMediaSizeChange inputMediaWeightChange inputMediaTypeChange " +
		"inputMediaColorChange inputMediaFormPartsChange inputMediaSupplyLow inputMediaSupplyEmpty " +
		"inputMediaChangeRequest inputManualInputRequest inputTrayPositionFailure inputTrayElevationFailure " +
		"inputCannotFeedSizeSelected"
	outputCodes = "outputMediaTrayMissing outputMediaTrayAlmostFull outputMediaTrayFull outputMailboxSelectFailure"
	fuserCodes  = "markerFuserUnderTemperature markerFuserOverTemperature markerFuserTimingFailure " +
		"markerFuserThermistorFailure markerAdjustingPrintQuality"
	supplyCodes = "markerTonerEmpty markerInkEmpty markerPrintRibbonEmpty markerTonerAlmostEmpty " +
		"markerInkAlmostEmpty markerPrintRibbonAlmostEmpty markerWasteTonerReceptacleAlmostFull " +
		"markerWasteInkReceptacleAlmostFull markerWasteTonerReceptacleFull markerWasteInkReceptacleFull " +
		"markerOpcLifeAlmostOver markerOpcLifeOver markerDeveloperAlmostEmpty markerDeveloperEmpty " +
		"markerTonerCartridgeMissing"
	mediaPathCodes = "mediaPathMediaTrayMissing mediaPathMediaTrayAlmostFull mediaPathMediaTrayFull " +
		"mediaPathCannotDuplexMediaSelected"
	interpreterCodes = "interpreterMemoryIncrease interpreterMemoryDecrease interpreterCartridgeAdded " +
		"interpreterCartridgeDeleted interpreterResourceAdded interpreterResourceDeleted " +
		"interpreterResourceUnavailable _ interpreterComplexPageEncountered"
	alertTableCodes = "alertRemovalOfBinaryChangeEntry"

	// hrPrinterDetectedErrorState: bit 0, the highest of the first octet, and so on.
	errorBits = "lowPaper noPaper lowToner noToner doorOpen jammed offline serviceRequested inputTrayMissing " +
		"outputTrayMissing markerSupplyMissing outputNearFull outputFull inputTrayEmpty overduePreventMaint"
)

// word returns the n-th word of a list, or n itself in decimal if it has none.
func word(list string, n int64) string {
	rest := list
	for i := int64(1); rest != ""; i++ {
		var w string
		if w, rest, _ = strings.Cut(rest, " "); i == n && w != "_" {
			return w
		}
	}
	return strconv.FormatInt(n, 10)
}

// alertCode returns the word of PrtAlertCodeTC.
func alertCode(n int64) string {
	list := ""
	switch n / 100 {
	case 0:
		return word(alertCodes, n)
	case 5:
		list = generalCodes
	case 8:
		list = inputCodes
	case 9:
		list = outputCodes
	case 10:
		list = fuserCodes
	case 11:
		list = supplyCodes
	case 13:
		list = mediaPathCodes
	case 15:
		list = interpreterCodes
	case 18:
		list = alertTableCodes
	}
	if w := word(list, n%100); w[0] > '9' {
		return w
	}
	return strconv.FormatInt(n, 10)
}

// errorStates returns the words of the bits that are set. Devices send one octet
// or two, and sometimes none.
func errorStates(octets string) []string {
	var states []string
	bit := -1
	for name := range strings.SplitSeq(errorBits, " ") {
		if bit++; bit/8 < len(octets) && octets[bit/8]&(0x80>>(bit%8)) != 0 {
			states = append(states, name)
		}
	}
	return states
}
