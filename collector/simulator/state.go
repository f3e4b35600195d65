package simulator

import (
	"math/rand/v2"
	"slices"
	"time"
)

// A state is all that changes while a device lives. The cells of the tree read it.
type state struct {
	model    Model
	serial   string
	name     string // sysName
	location string // sysLocation
	mac      [6]byte
	boot     time.Time
	reboots  int
	asleep   bool
	jam      bool
	service  bool

	printed  tallies
	scanned  tallies // of these only the traits colour and large are used
	powerOn  int     // sides since the device was switched on
	lag      int     // sides that prtMarkerLifeCount is behind
	changes  int     // prtGeneralConfigChanges
	covers   []cover
	trays    []tray
	supplies []supply

	alerts       []alert
	lastAlert    int // the last prtAlertIndex given out
	alertsEver   int // prtGeneralAlertAllEvents
	criticalEver int // prtGeneralAlertCriticalEvents
}

// A cover is one row of prtCoverTable (RFC 3805).
type cover struct {
	name string
	open bool
}

// newState makes a device of this model, fresh from the box.
func newState(m Model, o Options) *state {
	s := &state{
		model:    m,
		serial:   o.Serial,
		name:     o.Name,
		location: o.Location,
		mac:      [6]byte{0x02, 0x53, 0x49, byte(o.Seed >> 16), byte(o.Seed >> 8), byte(o.Seed)}, // locally administered
		boot:     time.Now(),
		lag:      o.Lag,
		changes:  1,
		covers:   slices.Clone(m.covers),
		trays:    slices.Clone(m.trays),
		supplies: slices.Clone(m.supplies),
	}
	if s.serial == "" {
		s.serial = m.serial(int(o.Seed % 100_000))
	}
	for i := range s.trays {
		s.trays[i].sheets = s.trays[i].capacity
	}
	for i := range s.supplies {
		s.supplies[i].left = 1
	}
	if o.Seed != 0 {
		s.age(rand.New(rand.NewPCG(o.Seed, 0)))
	}
	return s
}

// age gives the device a past: pages, supplies in use, days since it was started.
func (s *state) age(r *rand.Rand) {
	for kind := range kinds {
		j := Job{Colour: kind.has(colour), Large: kind.has(large), Copy: kind.has(copied)}
		if s.model.able(j) != j {
			continue
		}
		n := 1000 + r.IntN(30_000)
		if kind.has(large) {
			n /= 10
		}
		s.printed[kind] = n &^ 1 // two-sided sides come in pairs
		if !s.model.noCopies {
			s.scanned[kind&(colour|large)] += n / 5
		}
	}
	for i := range s.supplies {
		s.supplies[i].left = 0.25 + 0.7*r.Float64()
	}
	for i := range s.trays {
		t := &s.trays[i]
		t.sheets = t.capacity - r.IntN(t.capacity*3/4)
	}
	s.boot = s.boot.Add(-time.Duration(r.IntN(30*24*60)) * time.Minute)
	s.powerOn = r.IntN(500)
}

// uptime is sysUpTime in hundredths of a second, before it wraps.
func (s *state) uptime() int64 { return int64(time.Since(s.boot) / (10 * time.Millisecond)) }

// total is every side there ever was.
func (s *state) total() int { return s.printed.sides() }

// lifeCount is prtMarkerLifeCount.
func (s *state) lifeCount() int { return max(s.total()-s.lag, 0) }

// print does the job as far as it goes and says how many sides that was.
func (s *state) print(j Job) int {
	if j.Pages <= 0 || len(s.trays) == 0 || s.stopped() {
		return 0
	}
	s.asleep = false
	j = s.model.able(j)
	n := j.Pages
	for i := range s.supplies {
		n = min(n, s.supplies[i].lasts(j))
	}
	for i := range s.supplies {
		s.supplies[i].use(j, n)
	}
	sheets := n
	if j.TwoSided {
		sheets = (n + 1) / 2
	}
	s.feed(j.Large, sheets)
	s.printed.count(j, n)
	s.powerOn += n
	return n
}

// errors is hrPrinterDetectedErrorState: two octets, or one on models that keep
// to the first eight bits of RFC 1514.
func (s *state) errors() []byte {
	octets := make([]byte, 2)
	set := func(bit int) {
		if bit != noBit {
			octets[bit/8] |= 0x80 >> (bit % 8)
		}
	}
	for _, a := range s.alerts {
		set(a.symptom().bit)
	}
	empty := func(t tray) bool { return t.sheets == 0 }
	if len(s.trays) > 0 && !slices.ContainsFunc(s.trays, func(t tray) bool { return !empty(t) }) {
		set(noPaper)
	}
	if s.model.shortErrors {
		return octets[:1]
	}
	return octets
}

// status is hrDeviceStatus and hrPrinterStatus, which only mean something
// together (RFC 3805 section 2.2.13.2).
func (s *state) status() (device, printer int) {
	const (
		running, warned, down = 2, 3, 5 // hrDeviceStatus
		other, idle           = 1, 3    // hrPrinterStatus
	)
	switch {
	case s.stopped():
		return down, other
	case s.asleep:
		return running, other
	case len(s.alerts) > 0:
		return warned, idle
	}
	return running, idle
}

// console is line i, from 0, of what the panel shows: the state, then complaints.
func (s *state) console(i int) string {
	lines := []string{s.model.ready}
	if s.asleep {
		lines[0] = "Sleeping..."
	}
	if s.stopped() {
		lines = nil
	}
	for _, severity := range []int{critical, warning} {
		for _, a := range s.alerts {
			if a.symptom().severity == severity {
				lines = append(lines, a.text())
			}
		}
	}
	if i >= len(lines) {
		return ""
	}
	return lines[i]
}
