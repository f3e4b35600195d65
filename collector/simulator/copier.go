// Package simulator is copiers without copiers: SNMP agents that look like office
// devices, print, use up toner and paper, complain, replay recordings of real
// devices, and misbehave by name. They answer SNMP version 1, 2c and 3 on any
// packet connection. "meteragent demo" and tests use them.
//
// The package knows nothing of who asks: not of readings, profiles or the agent.
// It has an encoder of its own, so that a test does not check a library against
// itself. Models, serial numbers and counters are invented; none is a recording.
package simulator

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Copier is a simulated device. Every method may be called at any time from
// any goroutine.
type Copier struct {
	community  string
	delay      time.Duration
	maxMessage int
	engine     *engine

	mu    sync.Mutex
	state *state
	fixed tree // everything but the alerts
	tree  tree // everything
	fault misbehaviour
	asked Asked
	names map[string]bool // what was asked for, as contents of BER object identifiers
}

// Options are what copiers of one model differ in. The zero value will do.
type Options struct {
	Serial   string // "" means one in the manner of the model, made from Seed
	Name     string // sysName; "" means none
	Location string // sysLocation; "" means none

	// Seed 0 is a device fresh from the box: counters at zero, supplies full.
	// Any other gives it a past, the same for the same number.
	Seed uint64

	Community  string        // "" means "public"
	Users      []User        // of version 3
	Lag        int           // sides by which prtMarkerLifeCount is behind the panel's total
	Delay      time.Duration // by which Slow answers late; 0 means 3 s
	MaxMessage int           // bytes of the longest answer; 0 means 1472, what fits an Ethernet frame
}

// A Job is pages to be printed.
type Job struct {
	Pages    int // sides
	Colour   bool
	Large    bool // A3 rather than A4
	TwoSided bool
	Copy     bool    // a copy rather than a print
	Coverage float64 // percent of an A4 side that one colour covers; 0 means 5
}

// New makes a device of this model; the zero Model is ColourMFP.
func New(m Model, o Options) *Copier {
	if m.Name == "" {
		m = ColourMFP()
	}
	s := newState(m, o)
	c := newCopier(s, m.tree(), o)
	c.settle()
	return c
}

func newCopier(s *state, t tree, o Options) *Copier {
	c := &Copier{community: o.Community, delay: o.Delay, maxMessage: o.MaxMessage, state: s, fixed: t, tree: t, names: map[string]bool{}}
	c.engine = newEngine(s.serial, o.Users)
	if c.community == "" {
		c.community = "public"
	}
	if c.delay == 0 {
		c.delay = 3 * time.Second
	}
	if c.maxMessage == 0 {
		c.maxMessage = 1472
	}
	return c
}

// change does something to the device and lets its alerts follow.
func (c *Copier) change(do func(s *state)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c.state)
	c.settle()
}

// settle brings alerts in line with the state, and the tree with the alerts.
func (c *Copier) settle() {
	if !c.state.judge() {
		return
	}
	rows := alertRows(c.state.alerts)
	rows.sort()
	c.tree = c.fixed
	if len(rows) > 0 {
		i := c.fixed.after(rows[0].name)
		c.tree = slices.Concat(c.fixed[:i], rows, c.fixed[i:])
	}
}

// Print does the job and says how many sides were printed: all, or fewer if toner
// ran out on the way, or none while something critical is wrong. Paper never runs
// out, since people refill the trays; a device without colour prints black, one
// without A3 prints A4. All counters move at once. A recording does not print.
func (c *Copier) Print(j Job) (sides int) {
	c.change(func(s *state) { sides = s.print(j) })
	return sides
}

// Scan counts originals that are scanned to be sent, not printed.
func (c *Copier) Scan(j Job) {
	c.change(func(s *state) { s.scanned[j.kind()&(colour|large)] += max(j.Pages, 0) })
}

// A Supply is the simulator's truth about one supply, which the device may only
// tell vaguely.
type Supply struct {
	Key         string  // "black", "cyan", "magenta", "yellow", "drum" or "waste"
	Index       int     // its row of prtMarkerSuppliesTable
	Description string  // prtMarkerSuppliesDescription
	Percent     float64 // what is left, 0 to 100; of a waste box the space left
}

// Supplies lists what the device uses up, in the order of its table.
func (c *Copier) Supplies() []Supply {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Supply
	for i, s := range c.state.supplies {
		all = append(all, Supply{s.key, i + 1, s.description, s.left * 100})
	}
	return all
}

// SetLevel sets what is left of the supply with this key, 0 to 100 percent. The
// error names a key that the device does not have.
func (c *Copier) SetLevel(key string, percent float64) (err error) {
	c.change(func(s *state) {
		i := slices.IndexFunc(s.supplies, func(s supply) bool { return s.key == key })
		if i < 0 {
			err = fmt.Errorf("supply %q: the device has no such supply", key)
			return
		}
		s.supplies[i].left = min(max(percent/100, 0), 1)
	})
	return err
}

// ReplaceSupply puts a new supply in. The error is that of SetLevel.
func (c *Copier) ReplaceSupply(key string) error { return c.SetLevel(key, 100) }

// Raise gets the device into trouble. Index is the row, from 1, of the cover, tray
// or supply that has it; Jam and ServiceCall ignore it. The error says that the
// device has no such part.
func (c *Copier) Raise(t Trouble, index int) (err error) {
	c.change(func(s *state) { err = s.raise(t, index, true) })
	return err
}

// Clear ends what Raise began: it closes the cover, fills the tray, replaces the
// supply. The error is that of Raise.
func (c *Copier) Clear(t Trouble, index int) (err error) {
	c.change(func(s *state) { err = s.raise(t, index, false) })
	return err
}

// Sleep sends the device to sleep or wakes it. A sleeping device answers, too.
func (c *Copier) Sleep(asleep bool) {
	c.change(func(s *state) { s.asleep = asleep })
}

// Reboot switches the device off and on: sysUpTime, prtMarkerPowerOnCount and the
// alert table begin anew.
func (c *Copier) Reboot() {
	c.change(func(s *state) {
		s.boot, s.powerOn, s.asleep = time.Now(), 0, false
		s.reboots++
		s.alerts, s.lastAlert = nil, 0
	})
}

// SwapBoard puts in a new main board: every counter begins at zero again, the
// serial number stays.
func (c *Copier) SwapBoard() {
	c.change(func(s *state) { s.printed, s.scanned, s.powerOn, s.lag = tallies{}, tallies{}, 0, 0 })
}

// SetSerial makes it another device at the same address.
func (c *Copier) SetSerial(serial string) {
	c.change(func(s *state) {
		s.serial = serial
		s.changes++
	})
}

// SetLag sets by how many sides prtMarkerLifeCount is behind the panel's total.
func (c *Copier) SetLag(sides int) {
	c.change(func(s *state) { s.lag = sides })
}

// Serial is the serial number, "" for a recording.
func (c *Copier) Serial() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.serial
}

// Model is what kind of device it is.
func (c *Copier) Model() Model {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.model
}

// Total is the panel's total: sides of any kind, a large one counting one.
func (c *Copier) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.total()
}
