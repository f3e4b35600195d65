package simulator

import "math"

// A wear says what uses a supply up.
type wear int

const (
	byBlack  wear = iota // black on any side, as much as the job's coverage
	byColour             // colour on colour sides
	byWaste              // a little of everything that is put on paper
	bySides              // every A4 side alike, as a drum turns
)

// A supply is one row of prtMarkerSuppliesTable (RFC 3805).
type supply struct {
	key, description string
	kind             int    // PrtMarkerSuppliesTypeTC
	receptacle       bool   // it is filled, and its level is the space left
	colorant         string // its prtMarkerColorantValue, "" if it has none
	unit             int    // PrtMarkerSuppliesSupplyUnitTC
	capacity         int    // in unit; -2 if the device does not know
	vague            bool   // the device tells no level but -3, "some is left"
	wear             wear
	yield            float64 // A4 sides of 5 % coverage from full to empty
	low, empty       Trouble
	left             float64 // 1 is full; of a receptacle the space left
}

// lowBelow is the share of a supply below which the device calls it low.
const lowBelow = 0.10

// level is prtMarkerSuppliesLevel: -3 for "some" (RFC 3805 section 6).
func (s *supply) level() int {
	switch {
	case s.left <= 0:
		return 0
	case s.vague:
		return -3
	}
	return int(math.Round(s.left * float64(s.capacity)))
}

// perSide is the share of the supply that one side of the job uses up.
func (s *supply) perSide(j Job) float64 {
	coverage := 1.0
	if j.Coverage > 0 {
		coverage = j.Coverage / 5
	}
	switch {
	case s.wear == byColour && !j.Colour:
		coverage = 0
	case s.wear == byWaste && j.Colour:
		coverage *= 4
	case s.wear == bySides:
		coverage = 1
	}
	if j.Large {
		coverage *= 2
	}
	return coverage / s.yield
}

// lasts is how many sides of the job the supply is good for. Without toner, or
// with a full waste box, a device stops; about a worn drum it only complains.
func (s *supply) lasts(j Job) int {
	use := s.perSide(j)
	if s.wear == bySides || use <= 0 {
		return math.MaxInt
	}
	return int(min(s.left/use+1e-9, math.MaxInt32))
}

// use takes n sides of the job from the supply. What is left for less than one
// side more is nothing.
func (s *supply) use(j Job, n int) {
	one := s.perSide(j)
	s.left = max(s.left-one*float64(n), 0)
	if one > 0 && s.left < one {
		s.left = 0
	}
}

// trouble is what the supply makes the device complain about, 0 for nothing.
func (s *supply) trouble() Trouble {
	switch {
	case s.left <= 0:
		return s.empty
	case s.left < lowBelow:
		return s.low
	}
	return 0
}

// A tray is one row of prtInputTable (RFC 3805).
type tray struct {
	name     string
	kind     int    // PrtInputTypeTC
	media    string // PWG 5101.1 self-describing name
	length   int    // in the direction of feeding, micrometres
	width    int    // across it, micrometres
	large    bool   // A3
	capacity int    // sheets
	sheets   int
}

func (t *tray) trouble() Trouble {
	switch {
	case t.sheets == 0:
		return TrayEmpty
	case t.sheets*10 < t.capacity:
		return TrayLow
	}
	return 0
}

// feed takes n sheets of one size from the trays in their order. Where all trays
// of the size are empty, people fill them; nothing waits for paper. There must be
// such a tray.
func (s *state) feed(large bool, n int) {
	for n > 0 {
		before := n
		for i := range s.trays {
			if t := &s.trays[i]; t.large == large {
				taken := min(n, t.sheets)
				t.sheets -= taken
				n -= taken
			}
		}
		if n == before {
			s.refill(large)
		}
	}
}

// refill fills the trays of one size.
func (s *state) refill(large bool) {
	for i := range s.trays {
		if t := &s.trays[i]; t.large == large {
			t.sheets = t.capacity
		}
	}
}
