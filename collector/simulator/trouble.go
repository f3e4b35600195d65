package simulator

import (
	"fmt"
	"slices"
)

// Trouble is something a copier complains about: on the panel, in
// hrPrinterDetectedErrorState and by a row of prtAlertTable.
type Trouble int

// The troubles. Those of trays and supplies come and go with their levels, too.
const (
	Jam Trouble = iota + 1
	ServiceCall
	CoverOpen
	TrayLow
	TrayEmpty
	TonerLow
	TonerEmpty
	InkLow
	InkEmpty
	WasteTonerAlmostFull
	WasteTonerFull
	WasteInkAlmostFull
	WasteInkFull
	DrumAlmostOver
	DrumOver
)

// Values of RFC 3805 and the IANA-PRINTER-MIB that troubles are made of.
const (
	critical = 3 // PrtAlertSeverityLevelTC
	warning  = 4

	untrained    = 3 // PrtAlertTrainingLevelTC
	trained      = 4
	fieldService = 5

	groupGeneral   = 5 // PrtAlertGroupTC
	groupCover     = 6
	groupInput     = 8
	groupSupplies  = 11
	groupMediaPath = 13
)

// Bits of hrPrinterDetectedErrorState (RFC 2790); bit 0 is the highest of the
// first octet.
const (
	lowPaper         = 0
	noPaper          = 1
	lowToner         = 2
	noToner          = 3
	doorOpen         = 4
	jammed           = 5
	serviceRequested = 7
	inputTrayEmpty   = 13
	overdueService   = 14
	noBit            = -1
)

// A symptom is how a trouble shows.
type symptom struct {
	name     string
	severity int
	training int
	group    int
	code     int    // PrtAlertCodeTC
	bit      int    // of hrPrinterDetectedErrorState, or noBit
	text     string // for the panel; %s is the part's name
}

// symptom is the table of troubles. Ink shares the bits of toner.
func (t Trouble) symptom() symptom {
	table := [...]symptom{
		{},
		{"jam", critical, untrained, groupMediaPath, 8, jammed, "Paper jam"},
		{"serviceCall", critical, fieldService, groupGeneral, 30, serviceRequested, "Call for service"},
		{"coverOpen", critical, untrained, groupCover, 3, doorOpen, "%s is open"},
		{"trayLow", warning, untrained, groupInput, 807, lowPaper, "%s is low on paper"},
		{"trayEmpty", warning, untrained, groupInput, 808, inputTrayEmpty, "%s is empty"},
		{"tonerLow", warning, untrained, groupSupplies, 1104, lowToner, "%s is low"},
		{"tonerEmpty", critical, untrained, groupSupplies, 1101, noToner, "%s is empty"},
		{"inkLow", warning, untrained, groupSupplies, 1105, lowToner, "%s is low"},
		{"inkEmpty", critical, untrained, groupSupplies, 1102, noToner, "%s is empty"},
		{"wasteTonerAlmostFull", warning, trained, groupSupplies, 1107, noBit, "%s is almost full"},
		{"wasteTonerFull", critical, trained, groupSupplies, 1109, serviceRequested, "%s is full"},
		{"wasteInkAlmostFull", warning, trained, groupSupplies, 1108, noBit, "%s is almost full"},
		{"wasteInkFull", critical, trained, groupSupplies, 1110, serviceRequested, "%s is full"},
		{"drumAlmostOver", warning, fieldService, groupSupplies, 1111, noBit, "%s is near its end"},
		{"drumOver", warning, fieldService, groupSupplies, 1112, overdueService, "%s is at its end"},
	}
	if t < 0 || int(t) >= len(table) {
		return symptom{}
	}
	return table[t]
}

func (t Trouble) String() string { return t.symptom().name }

// A complaint is a trouble of one part: a cover, a tray, a supply.
type complaint struct {
	Trouble
	index int    // of the part's row, from 1
	part  string // its name
}

func (c complaint) text() string {
	if c.part == "" {
		return c.symptom().text
	}
	return fmt.Sprintf(c.symptom().text, c.part)
}

// complaints derives from the device's state all it has to complain about.
func (s *state) complaints() []complaint {
	var all []complaint
	add := func(t Trouble, i int, part string) {
		if t != 0 {
			all = append(all, complaint{t, i + 1, part})
		}
	}
	if s.jam {
		add(Jam, 0, "")
	}
	if s.service {
		add(ServiceCall, 0, "")
	}
	for i, c := range s.covers {
		if c.open {
			add(CoverOpen, i, c.name)
		}
	}
	for i := range s.supplies {
		add(s.supplies[i].trouble(), i, s.supplies[i].description)
	}
	for i := range s.trays {
		add(s.trays[i].trouble(), i, s.trays[i].name)
	}
	return all
}

// An alert is one row of prtAlertTable: a complaint since a moment.
type alert struct {
	complaint
	id int   // prtAlertIndex; never used twice between two restarts
	at int64 // sysUpTime when it came
}

// judge brings the alerts in line with what there is to complain about, and says
// whether that changed anything. What goes on keeps its row.
func (s *state) judge() bool {
	now := s.complaints()
	keep := slices.DeleteFunc(slices.Clone(s.alerts), func(a alert) bool { return !slices.Contains(now, a.complaint) })
	changed := len(keep) != len(s.alerts)
	for _, c := range now {
		if slices.ContainsFunc(keep, func(a alert) bool { return a.complaint == c }) {
			continue
		}
		s.alertsEver++
		if c.symptom().severity == critical {
			s.criticalEver++
		}
		s.lastAlert++
		keep = append(keep, alert{c, s.lastAlert, s.uptime()})
		changed = true
	}
	s.alerts = keep
	return changed
}

// stopped says whether something keeps the device from printing.
func (s *state) stopped() bool {
	return slices.ContainsFunc(s.alerts, func(a alert) bool { return a.symptom().severity == critical })
}

// raise puts the part with this index (from 1) into trouble t, or out of it.
func (s *state) raise(t Trouble, index int, on bool) error {
	i := index - 1
	switch {
	case t == Jam:
		s.jam = on
		return nil
	case t == ServiceCall:
		s.service = on
		return nil
	case t == CoverOpen && i >= 0 && i < len(s.covers):
		s.covers[i].open = on
		return nil
	case (t == TrayLow || t == TrayEmpty) && i >= 0 && i < len(s.trays):
		s.trays[i].raise(t, on)
		return nil
	case t != 0 && i >= 0 && i < len(s.supplies) && (t == s.supplies[i].low || t == s.supplies[i].empty):
		s.supplies[i].raise(t, on)
		return nil
	}
	return fmt.Errorf("raise %q: this device has no part %d that it could happen to", t, index)
}

func (t *tray) raise(trouble Trouble, on bool) {
	t.sheets = t.capacity
	switch {
	case on && trouble == TrayEmpty:
		t.sheets = 0
	case on:
		t.sheets = t.capacity / 20
	}
}

func (s *supply) raise(trouble Trouble, on bool) {
	s.left = 1
	switch {
	case on && trouble == s.empty:
		s.left = 0
	case on:
		s.left = lowBelow / 2
	}
}
