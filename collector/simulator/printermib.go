package simulator

// printerMIB is the root of RFC 3805. Comments at the columns are its object
// names without "prt" and the table's name.
const printerMIB = "1.3.6.1.2.1.43"

const (
	micrometres = 4 // PrtMediaUnitTC
	inSheets    = 8 // PrtCapacityUnitTC, and PrtMarkerCounterUnitTC
	inSides     = 7 // PrtMarkerCounterUnitTC, impressions

	off = 4 // PresentOnOff

	utf8 = 106 // IANA Charset MIBenum

	consoleLines = 4
	markerIndex  = 1
)

// printer adds the general, cover and localization groups.
func (t *tree) printer(m Model) {
	t.row(printerMIB+".5.1.1", at(1), columns{
		1:  func(s *state) value { return counter(s.changes) }, // ConfigChanges
		2:  num(1),                                             // CurrentLocalization
		3:  num(3),                                             // Reset: notResetting
		4:  str(""),                                            // CurrentOperator
		5:  str(""),                                            // ServicePerson
		6:  num(2),                                             // InputDefaultIndex
		7:  num(1),                                             // OutputDefaultIndex
		8:  num(markerIndex),                                   // MarkerDefaultIndex
		9:  num(1),                                             // MediaPathDefaultIndex
		10: num(1),                                             // ConsoleLocalization
		11: num(consoleLines),                                  // ConsoleNumberOfDisplayLines
		12: num(40),                                            // ConsoleNumberOfDisplayChars
		13: num(3),                                             // ConsoleDisable: operatorConsoleEnabled
		14: num(off),                                           // AuxiliarySheetStartupPage
		15: num(off),                                           // AuxiliarySheetBannerPage
		16: str(m.Name),                                        // PrinterName
		17: func(s *state) value { return text(s.serial) },     // SerialNumber
		18: func(s *state) value { return counter(s.criticalEver) },
		19: func(s *state) value { return counter(s.alertsEver) },
	})
	for i, c := range m.covers {
		t.row(printerMIB+".6.1.1", of(i), columns{
			2: str(c.name), // Description
			3: func(s *state) value { // Status: coverOpen or coverClosed
				if s.covers[i].open {
					return integer(3)
				}
				return integer(4)
			},
		})
	}
	for i, language := range []string{"en", "de"} {
		t.row(printerMIB+".7.1.1", of(i), columns{
			2: str(language), // Language
			3: str(""),       // Country
			4: num(utf8),     // CharacterSet
		})
	}
}

// language adds one channel and one interpreter: PCL 6 on TCP port 9100.
func (t *tree) language() {
	t.row(printerMIB+".14.1.1", of(0), columns{
		2: num(11), // Type: chPort9100
		3: str(""), // ProtocolVersion
		4: num(1),  // CurrentJobCntlLangIndex
		5: num(1),  // DefaultPageDescLangIndex
		6: num(3),  // State: printDataAccepted
		7: num(2),  // IfIndex
		8: num(0),  // Status: available and idle
		9: str(""), // Information
	})
	t.row(printerMIB+".15.1.1", of(0), columns{
		2: num(47),               // LangFamily: langPCLXL
		3: str(""),               // LangLevel
		4: str(""),               // LangVersion
		5: str("PCL 6"),          // Description
		6: str("1.0"),            // Version
		7: num(3),                // DefaultOrientation: portrait
		8: num(600), 9: num(600), // FeedAddressability, XFeedAddressability
		10: num(utf8), 11: num(utf8), // DefaultCharSetIn, DefaultCharSetOut
		12: num(3), // TwoWay: yes
	})
}

// paper adds the input, output and media path groups.
func (t *tree) paper(m Model) {
	for i, tray := range m.trays {
		t.row(printerMIB+".8.2.1", of(i), columns{
			2: num(tray.kind),                       // Type
			3: num(micrometres),                     // DimUnit
			4: num(tray.length), 5: num(tray.width), // MediaDimFeedDirDeclared, MediaDimXFeedDirDeclared
			6: num(tray.length), 7: num(tray.width), // MediaDimFeedDirChosen, MediaDimXFeedDirChosen
			8:  num(inSheets),                                              // CapacityUnit
			9:  num(tray.capacity),                                         // MaxCapacity
			10: func(s *state) value { return integer(s.trays[i].sheets) }, // CurrentLevel
			11: func(s *state) value { // Status: on request and noncritical alert, or idle
				if s.trays[i].sheets == 0 {
					return integer(1 + 8)
				}
				return integer(0)
			},
			12: str(tray.media),      // MediaName
			13: str(tray.name),       // Name
			14: str(""), 15: str(""), // VendorName, Model
			16: str(""), 17: str(""), // Version, SerialNumber
			18: str(tray.name),       // Description
			19: num(off),             // Security
			20: num(80),              // MediaWeight, g/m²
			21: str("stationery"),    // MediaType
			22: str("white"),         // MediaColor
			23: num(1),               // MediaFormParts
			24: num(-1), 25: num(-1), // MediaLoadTimeout, NextIndex
		})
	}
	for i, o := range m.outputs {
		t.row(printerMIB+".9.2.1", of(i), columns{
			2:  num(3),          // Type: removableBin
			3:  num(inSheets),   // CapacityUnit
			4:  num(o.capacity), // MaxCapacity
			5:  num(-3),         // RemainingCapacity: there is some
			6:  num(0),          // Status
			7:  str(o.name),     // Name
			12: str(o.name),     // Description
			13: num(off),        // Security
			19: num(3),          // StackingOrder: firstToLast
			20: num(4),          // PageDeliveryOrientation: faceDown
		})
	}
	t.row(printerMIB+".13.4.1", of(0), columns{
		2: num(inSides),                  // MaxSpeedPrintUnit: impressionsPerHour
		3: num(micrometres),              // MediaSizeUnit
		4: num(m.speed),                  // MaxSpeed
		5: num(420_000), 6: num(297_000), // MaxMediaFeedDir, MaxMediaXFeedDir
		7: num(148_000), 8: num(105_000), // MinMediaFeedDir, MinMediaXFeedDir
		9:  num(3),            // Type: longEdgeBindingDuplex
		10: str("Paper path"), // Description
		11: num(0),            // Status
	})
}

// marker adds the marker, supplies and colorant groups.
func (t *tree) marker(m Model) {
	var colorants []string
	for i, supply := range m.supplies {
		class, colorant := 3, 0 // supplyThatIsConsumed
		if supply.receptacle {
			class = 4 // receptacleThatIsFilled
		}
		if supply.colorant != "" {
			colorants = append(colorants, supply.colorant)
			colorant = len(colorants)
		}
		t.row(printerMIB+".11.1.1", of(i), columns{
			2: num(markerIndex),
			3: num(colorant),           // ColorantIndex
			4: num(class),              // Class
			5: num(supply.kind),        // Type
			6: str(supply.description), // Description
			7: num(supply.unit),        // SupplyUnit
			8: num(supply.capacity),    // MaxCapacity
			9: func(s *state) value { return integer(s.supplies[i].level()) },
		})
	}
	for i, name := range colorants {
		t.row(printerMIB+".12.1.1", of(i), columns{
			2: num(markerIndex),
			3: num(3),    // Role: process
			4: str(name), // Value
			5: num(256),  // Tonality
		})
	}
	t.row(printerMIB+".10.2.1", of(0), columns{
		2: num(m.technology), // MarkTech
		3: num(inSides),      // CounterUnit
		4: func(s *state) value { return counter(s.lifeCount()) },
		5: func(s *state) value { return counter(s.powerOn) },
		6: num(len(colorants)),    // ProcessColorants
		7: num(0),                 // SpotColorants
		8: num(3),                 // AddressabilityUnit: tenThousandthsOfInches
		9: num(600), 10: num(600), // AddressabilityFeedDir, AddressabilityXFeedDir
		11: num(4000), 12: num(4000), // NorthMargin, SouthMargin
		13: num(4000), 14: num(4000), // WestMargin, EastMargin
		15: num(0), // Status
	})
}

// panel adds the console: lines of text, and lights.
func (t *tree) panel() {
	for i := range consoleLines {
		t.row(printerMIB+".16.5.1", of(i), columns{
			2: func(s *state) value { return text(s.console(i)) },
		})
	}
	for i, light := range []struct {
		name   string
		colour int // PrtConsoleColorTC
		lit    func(s *state) bool
	}{
		{"Power", 4, func(s *state) bool { return true }},              // green
		{"Error", 3, func(s *state) bool { return len(s.alerts) > 0 }}, // red
		{"Energy saver", 4, func(s *state) bool { return s.asleep }},
	} {
		milliseconds := func(lit bool) cell {
			return func(s *state) value {
				if light.lit(s) == lit {
					return integer(1000)
				}
				return integer(0)
			}
		}
		t.row(printerMIB+".17.6.1", of(i), columns{
			2: milliseconds(true),  // OnTime
			3: milliseconds(false), // OffTime
			4: str(light.name),     // Description
			5: num(light.colour),   // Color
		})
	}
}

// alertRows are the rows of prtAlertTable.
func alertRows(alerts []alert) tree {
	var t tree
	for _, a := range alerts {
		is := a.symptom()
		t.row(printerMIB+".18.1.1", at(1, uint32(a.id)), columns{
			2: num(is.severity),   // SeverityLevel
			3: num(is.training),   // TrainingLevel
			4: num(is.group),      // Group
			5: num(a.index),       // GroupIndex
			6: num(-2),            // Location: unknown
			7: num(is.code),       // Code
			8: str(a.text()),      // Description
			9: fixed(ticks(a.at)), // Time
		})
	}
	return t
}
