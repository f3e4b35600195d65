package simulator

import (
	"fmt"
	"slices"
)

// A Model is a kind of device: what it is made of and what it tells.
type Model struct {
	Name         string // as the panel and hrDeviceDescr have it
	Manufacturer string // whose counters it has

	objectID    string // sysObjectID
	firmware    string
	serial      func(n int) string // serial numbers in the maker's manner
	ready       string             // what the panel says when all is well
	mono        bool               // it prints black only
	noCopies    bool               // it has no scanner
	shortErrors bool               // hrPrinterDetectedErrorState is one octet
	technology  int                // PrtMarkerMarkTechTC
	speed       int                // impressions an hour
	covers      []cover
	trays       []tray
	outputs     []output
	supplies    []supply
	vendor      func(t *tree) // the maker's own objects
}

// An output is one row of prtOutputTable (RFC 3805).
type output struct {
	name     string
	capacity int // sheets
}

// Values of the Printer-MIB that models are made of.
const (
	laser  = 4  // PrtMarkerMarkTechTC
	inkjet = 12 // inkjetAqueous

	cassette   = 3 // PrtInputTypeTC, sheetFeedAutoRemovableTray
	manualFeed = 5 // sheetFeedManual

	toner        = 3 // PrtMarkerSuppliesTypeTC
	wasteToner   = 4
	inkCartridge = 6
	wasteInk     = 8
	drum         = 9 // opc

	otherUnit    = 1 // PrtMarkerSuppliesSupplyUnitTC
	impressions  = 7
	tenthsOfGram = 13
	percent      = 19
)

// Models lists the models there are.
func Models() []Model { return []Model{ColourMFP(), MonoLaser(), Inkjet()} }

// a4 and a3 make trays by their capacity in sheets.
func a4(name string, kind, capacity int) tray {
	return tray{name: name, kind: kind, media: "iso_a4_210x297mm", length: 210_000, width: 297_000, capacity: capacity}
}

func a3(name string, kind, capacity int) tray {
	return tray{name: name, kind: kind, media: "iso_a3_297x420mm", length: 420_000, width: 297_000, large: true, capacity: capacity}
}

// ColourMFP is an A3 colour copier that counts as Canon's do: a table of counters by
// Canon's own codes, and another by label.
func ColourMFP() Model {
	bottle := func(colour, part string, wear wear, grams int, yield float64) supply {
		return supply{
			key: colour, description: fmt.Sprintf("Simulated Toner %s %s", part, colour), kind: toner, colorant: colour,
			unit: tenthsOfGram, capacity: grams * 10, wear: wear, yield: yield, low: TonerLow, empty: TonerEmpty,
		}
	}
	return Model{
		Name: "Simulated iR-ADV C3500", Manufacturer: "Canon",
		objectID: "1.3.6.1.4.1.1602.4.7", firmware: "1.00",
		serial: func(n int) string { return fmt.Sprintf("SIM%05d", n) },
		ready:  "Ready to copy.", technology: laser, speed: 35 * 60,
		covers: []cover{{name: "Front cover"}, {name: "Right cover"}, {name: "Toner cover"}},
		trays: []tray{
			a4("Multi-purpose tray", manualFeed, 100),
			a4("Drawer 1", cassette, 550), a4("Drawer 2", cassette, 550),
			a3("Drawer 3", cassette, 550), a3("Drawer 4", cassette, 550),
		},
		outputs: []output{{"Inner tray", 250}, {"Finisher tray", 1000}},
		supplies: []supply{
			bottle("black", "S-51", byBlack, 720, 36_000), bottle("cyan", "S-51", byColour, 460, 19_000),
			bottle("magenta", "S-51", byColour, 460, 19_000), bottle("yellow", "S-51", byColour, 460, 19_000),
			{
				key: "waste", description: "Simulated Waste Toner Container", kind: wasteToner, receptacle: true,
				unit: percent, capacity: 100, wear: byWaste, yield: 170_000, low: WasteTonerAlmostFull, empty: WasteTonerFull,
			},
		},
		vendor: canonObjects,
	}
}

// MonoLaser is a black-and-white A4 printer that counts as Kyocera's do.
func MonoLaser() Model {
	return Model{
		Name: "Simulated ECOSYS P4000", Manufacturer: "KYOCERA",
		objectID: "1.3.6.1.4.1.1347.41", firmware: "SIM_1.00",
		serial: func(n int) string { return fmt.Sprintf("SIM%07d", n) },
		ready:  "Ready to print.", mono: true, noCopies: true, technology: laser, speed: 40 * 60,
		covers:  []cover{{name: "Top cover"}, {name: "Rear cover"}},
		trays:   []tray{a4("MP tray", manualFeed, 100), a4("Cassette 1", cassette, 500)},
		outputs: []output{{"Top tray", 250}},
		supplies: []supply{
			{
				key: "black", description: "Simulated Toner TK-S400", kind: toner, colorant: "black",
				unit: impressions, capacity: 12_000, wear: byBlack, yield: 12_000, low: TonerLow, empty: TonerEmpty,
			},
			{
				key: "drum", description: "Simulated Drum DK-S400", kind: drum,
				unit: impressions, capacity: 100_000, wear: bySides, yield: 100_000, low: DrumAlmostOver, empty: DrumOver,
			},
			{
				key: "waste", description: "Simulated Waste Toner Box", kind: wasteToner, receptacle: true,
				unit: percent, capacity: 100, wear: byWaste, yield: 60_000, low: WasteTonerAlmostFull, empty: WasteTonerFull,
			},
		},
		vendor: kyoceraObjects,
	}
}

// Inkjet is an A4 ink copier that counts as Epson's do and tells no levels: there
// is some ink left (-3), or an alert that there is little.
func Inkjet() Model {
	cartridge := func(colour string, wear wear, yield float64) supply {
		return supply{
			key: colour, description: fmt.Sprintf("Simulated Ink S80 %s", colour), kind: inkCartridge, colorant: colour,
			unit: otherUnit, capacity: -2, vague: true, wear: wear, yield: yield, low: InkLow, empty: InkEmpty,
		}
	}
	return Model{
		Name: "Simulated EM-C800", Manufacturer: "EPSON",
		objectID: "1.3.6.1.4.1.1248.1.1.2.1.3.3.83.73.77", firmware: "SIM10A",
		serial: func(n int) string { return fmt.Sprintf("SIMI%06d", n) },
		ready:  "Ready", shortErrors: true, technology: inkjet, speed: 24 * 60,
		covers:  []cover{{name: "Scanner unit"}},
		trays:   []tray{a4("Rear feed", manualFeed, 50), a4("Cassette 1", cassette, 250)},
		outputs: []output{{"Front tray", 100}},
		supplies: []supply{
			cartridge("black", byBlack, 10_000), cartridge("cyan", byColour, 5_000),
			cartridge("magenta", byColour, 5_000), cartridge("yellow", byColour, 5_000),
			{
				key: "waste", description: "Simulated Maintenance Box", kind: wasteInk, receptacle: true,
				unit: otherUnit, capacity: -2, vague: true, wear: byWaste, yield: 50_000, low: WasteInkAlmostFull, empty: WasteInkFull,
			},
		},
		vendor: epsonObjects,
	}
}

// able is what the model makes of a job: without colour, A3 or a scanner it prints
// in black, on A4, and what is not a copy.
func (m Model) able(j Job) Job {
	j.Colour = j.Colour && !m.mono
	j.Copy = j.Copy && !m.noCopies
	j.Large = j.Large && slices.ContainsFunc(m.trays, func(t tray) bool { return t.large })
	return j
}

// tree makes all the objects of the model but its alerts.
func (m Model) tree() tree {
	var t tree
	t.system(m)
	t.hostResources(m)
	t.printer(m)
	t.language()
	t.paper(m)
	t.marker(m)
	t.panel()
	m.vendor(&t)
	t.sort()
	return t
}
