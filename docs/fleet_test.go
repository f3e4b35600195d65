package docs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"meteragent/transport"
)

// The simulation behind fleet.md: a fleet whose portal goes away for an hour. A second is
// the smallest time, an attempt to reach the portal the unit of load. Delivery's own code
// decides when: transport.Backoff and transport.Slot.

// The course of the simulation, in seconds.
const (
	fleetOut   = 30 * 60 // the portal goes, and every session with it
	fleetBack  = 90 * 60
	fleetEnd   = 180 * 60
	fleetRound = 30 * 60 // from one reading of an agent to the next: poll.supplies
)

// A policy says what agents do.
type policy struct {
	name, colour string

	// reconnects: an agent whose session breaks tries to connect again at once, and not when
	// it has something to send.
	reconnects bool
	// wait is how many seconds to wait after the nth failure in a row, from 0.
	wait func(b *transport.Backoff, n int) float64
}

func policies(seed uint64) []policy {
	random := rand.New(rand.NewPCG(seed, seed))
	doubling := func(n int) float64 { return min(math.Pow(2, float64(n)), 900) }
	ours := func(rand func() float64) func(*transport.Backoff, int) float64 {
		return func(b *transport.Backoff, _ int) float64 {
			b.Rand = rand
			return b.Next(transport.ErrConnectionRefused).Seconds()
		}
	}
	return []policy{
		{"meteragent", "#1b7f3b", false, ours(random.Float64)},
		{"the same without jitter, reconnecting at once", "#c2187a", true, ours(func() float64 { return 1 - 1e-9 })},
		{"exponential, 1 s doubling to 15 min", "#e08a00", true, func(_ *transport.Backoff, n int) float64 { return doubling(n) }},
		{"every 60 s", "#4472c4", true, func(*transport.Backoff, int) float64 { return 60 }},
	}
}

// A fleet is agents under one policy.
type fleet struct {
	policy
	capacity int // attempts a second that the portal takes; more are refused

	backoff []transport.Backoff
	fails   []uint8
	round   []int32   // by agent: second of its next reading
	due     [][]int32 // by second: agents that try
	load    []int     // by second: attempts
	waiting []int     // by second: agents that have failed and not been back
}

func newFleet(p policy, agents, capacity int) *fleet {
	f := &fleet{
		policy: p, capacity: capacity, backoff: make([]transport.Backoff, agents), fails: make([]uint8, agents),
		round: make([]int32, agents), due: make([][]int32, fleetEnd), load: make([]int, fleetEnd), waiting: make([]int, fleetEnd),
	}
	start := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i := range agents {
		id := "5d3c9ab4-6f0e-4c1b-9a57-" + strconv.Itoa(i)
		boot := transport.Spread("boot "+id, fleetRound*time.Second) // when a machine was switched on
		f.round[i] = int32((boot + transport.Slot(id, time.Minute, start.Add(boot))).Seconds())
		f.at(float64(f.round[i]), i)
		if p.reconnects {
			f.at(fleetOut, i)
		}
	}
	return f
}

// at lets an agent try.
func (f *fleet) at(second float64, agent int) {
	if int(second) < fleetEnd {
		f.due[int(second)] = append(f.due[int(second)], int32(agent))
	}
}

func (f *fleet) run() {
	waiting := 0
	for second := range fleetEnd {
		free := f.capacity
		if second >= fleetOut && second < fleetBack {
			free = 0
		}
		for i := 0; i < len(f.due[second]); i++ {
			agent := int(f.due[second][i])
			reading := f.round[agent] <= int32(second)
			if reading {
				f.round[agent] += fleetRound
				f.at(float64(f.round[agent]), agent)
				if f.fails[agent] > 0 {
					continue // it is on its list already, behind what waits
				}
			}
			f.load[second]++
			if free > 0 {
				free--
				if f.fails[agent] > 0 {
					waiting--
				}
				f.fails[agent] = 0
				f.backoff[agent].Reset()
				continue
			}
			if f.fails[agent] == 0 {
				waiting++
			}
			wait := f.wait(&f.backoff[agent], int(f.fails[agent]))
			f.fails[agent] = min(f.fails[agent]+1, 60)
			f.at(float64(second)+max(wait, 1), agent)
		}
		f.due[second], f.waiting[second] = nil, waiting
	}
}

// peak is the most attempts in one second of a time.
func (f *fleet) peak(from, to int) (most int) {
	for _, n := range f.load[from:to] {
		most = max(most, n)
	}
	return most
}

// home is how many seconds after the portal came back all but one in a thousand agents
// had delivered; -1 if they had not at the end.
func (f *fleet) home() int {
	for second := fleetBack; second < fleetEnd; second++ {
		if f.waiting[second]*1000 <= len(f.fails) {
			return second - fleetBack
		}
	}
	return -1
}

// A small fleet behaves as fleet.md says of a large one.
func TestFleet(t *testing.T) {
	const agents, capacity = 20_000, 100
	all := policies(7)
	ours := newFleet(all[0], agents, capacity)
	ours.run()
	if most := ours.peak(fleetOut, fleetBack); most > agents/100 {
		t.Errorf("%d attempts in one second of the outage, of %d agents", most, agents)
	}
	if most := ours.peak(fleetBack, fleetEnd); most > agents/200 {
		t.Errorf("%d attempts in one second after it, of %d agents", most, agents)
	}
	if home := ours.home(); home < 0 || home > 16*60 {
		t.Errorf("home after %d s", home)
	}
	for _, p := range all[1:] {
		naive := newFleet(p, agents, capacity)
		naive.run()
		if most := naive.peak(fleetOut, fleetBack); most < agents {
			t.Errorf("%s: only %d attempts in one second: the figure shows nothing", p.name, most)
		}
	}
}

// TestFleetFigure draws fleet.svg, with METERAGENT_FLEET agents (make simulate).
func TestFleetFigure(t *testing.T) {
	agents, err := strconv.Atoi(os.Getenv("METERAGENT_FLEET"))
	if err != nil {
		t.Skip("METERAGENT_FLEET is not set: make simulate draws the figure")
	}
	capacity := agents / 200
	var curves []*fleet
	fmt.Printf("%d agents, portal away for an hour, then takes %d attempts a second\n", agents, capacity)
	fmt.Printf("%-48s %14s %14s %10s\n", "policy", "most out/s", "most after/s", "home")
	for _, p := range policies(7) {
		f := newFleet(p, agents, capacity)
		f.run()
		home := "not"
		if s := f.home(); s >= 0 {
			home = (time.Duration(s) * time.Second).String()
		}
		fmt.Printf("%-48s %14d %14d %10s\n", p.name, f.peak(fleetOut, fleetBack), f.peak(fleetBack, fleetEnd), home)
		f.due, f.backoff = nil, nil
		curves = append(curves, f)
	}
	if err := os.WriteFile("fleet.svg", []byte(draw(curves, agents, capacity)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// draw shows the busiest second of each minute, on a logarithmic scale.
func draw(curves []*fleet, agents, capacity int) string {
	const left, top, width, height, step = 80, 40, 850, 380, 60
	decades := math.Ceil(math.Log10(float64(agents)))
	x := func(second int) float64 { return left + width*float64(second)/fleetEnd }
	y := func(n float64) float64 { return top + height*(1-math.Log10(max(n, 1))/decades) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 %d" font-family="system-ui, sans-serif" font-size="14">`+"\n", 480+22*len(curves))
	fmt.Fprintf(&b, `<rect width="960" height="%d" fill="#fff"/>`+"\n", 480+22*len(curves))
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="16">Attempts a second, %d agents: the busiest second of each minute</text>`+"\n", left, agents)
	fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#b3261e" opacity="0.08"/>`+"\n", x(fleetOut), top, x(fleetBack)-x(fleetOut), height)
	fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#b3261e" text-anchor="middle">portal away</text>`+"\n", x((fleetOut+fleetBack)/2), top+18)
	for d := 0.0; d <= decades; d++ {
		at := y(math.Pow(10, d))
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ccc"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n", left, at, left+width, left-8, at+5, math.Pow(10, d))
	}
	for m := 0; m <= fleetEnd/60; m += 30 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d min</text>`+"\n", x(m*60), top+height+20, m)
	}
	fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#000" stroke-dasharray="6 4"/><text x="%d" y="%.1f">the portal takes %d</text>`+"\n",
		left, y(float64(capacity)), left+width, left+6, y(float64(capacity))-6, capacity)
	for i := len(curves) - 1; i >= 0; i-- {
		f := curves[i]
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width="%d" d="`, f.colour, 1+(len(curves)-i)/len(curves))
		for second := 0; second < fleetEnd; second += step {
			command := "L"
			if second == 0 {
				command = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", command, x(second), y(float64(f.peak(second, second+step))))
		}
		b.WriteString("\"/>\n")
	}
	for i, f := range curves {
		line := top + height + 50 + 22*i
		fmt.Fprintf(&b, `<path d="M%d %dh30" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", left, line-5, f.colour, left+40, line, f.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
