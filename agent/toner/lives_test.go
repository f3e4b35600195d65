package toner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"meteragent/collector"
)

const (
	step     = 2 // hours between two readings
	delivery = 3 // days a parcel takes
)

// A world is one copier whose truth is known: how much is really in each cartridge,
// what its sensor makes of that, what people do with it, and what befalls the agent.
// The same seed gives the same copier under every rule.
type world struct {
	use, sense, fate *rand.Rand // separate, so that an order changes no other fate
	hour             int
	places           []*place
	pages            float64
	pattern          string
	pace             float64 // pages a working hour
	silentUntil      int     // hour: nobody polls
	skew             time.Duration
	skewUntil        int
	openUntil        int // hour: a cover is open
	told, flagged    bool
	brain            brain
	watch            func() // called once a day; may be nil
	lives            []*life
}

// A place holds one cartridge.
type place struct {
	key, colour string
	kind        string  // how the level is told
	rounding    string  // of coarse kinds
	real        float64 // percent really left
	each        float64 // percent a page
	whims, week float64 // how much the coverage of a page changes from week to week
	noise       float64
	shaken      float64 // percentage points too many, fading
	slip        int     // readings that are still wrong
	slipped     float64
	serials     bool
	warns       float64 // percent at which the device says "nearly empty"
	gentle      float64 // percent at which people change the cartridge, if they have one
	spare       []int   // hours at which ordered ones arrive
	life        *life
	number      int
}

// A life is what became of one cartridge.
type life struct {
	kind         string
	pattern      string
	orders       int // different ones
	early        int // placed although it was half full and would have lasted eight weeks more
	before       bool
	left         float64 // percent really left when the order arrived
	arrived      bool
	stood        bool // empty before the order arrived
	dry          bool // it ran empty before it was ordered
	unseen       bool // nobody had polled for a whole day of its last
	over         bool
	begun        int
	emptied      int // hour, if it ran empty
	orderedAt    int
	orderedLevel float64
}

// A brain decides, well or badly.
type brain interface {
	see(r collector.Reading) (ids, keys []string)
	say(id, state string)
	backup()
	restore()
}

func (l *life) orderable() bool {
	return l.kind != "some" && l.kind != "unknown" && l.kind != "absolute"
}
func (l *life) measured() bool { return l.orderable() && l.kind != "alerts" }

func newWorld(seed uint64, b func() brain) *world {
	w := &world{
		use: rand.New(rand.NewPCG(seed, 1)), sense: rand.New(rand.NewPCG(seed, 2)), fate: rand.New(rand.NewPCG(seed, 3)),
		brain: b(),
	}
	w.pattern = []string{"office", "office", "school", "shop", "moved"}[w.use.IntN(5)]
	w.pace = min(30, 15*math.Exp(w.use.NormFloat64()*0.6))
	kinds := []string{"measured", "measured", "measured", "tenths", "ten", "quarter", "vendor", "alerts", "some", "unknown", "absolute"}
	kind := kinds[w.use.IntN(len(kinds))]
	colours := []string{"black"}
	if w.use.IntN(2) == 0 {
		colours = []string{"black", "cyan", "magenta", "yellow"}
	}
	rounding := []string{"up", "down", "near"}[w.use.IntN(3)]
	serials, noise := w.use.IntN(3) == 0, []float64{0, 0.5, 1.5}[w.use.IntN(3)]
	for i, colour := range colours {
		p := &place{
			key: fmt.Sprintf("1.%d", i+1), colour: colour, kind: kind, rounding: rounding, noise: noise, serials: serials,
			each: 100 / (8000 + 12000*w.use.Float64()), warns: 3 + 9*w.use.Float64(), real: 20 + 80*w.use.Float64(),
		}
		p.whims, p.week = 0.1, 1
		if colour != "black" {
			p.whims = 0.4
		}
		if colour != "black" && w.use.IntN(4) == 0 {
			p.each /= 15 // hardly used
		}
		w.places = append(w.places, p)
		w.insert(p, p.real)
	}
	return w
}

func (w *world) insert(p *place, level float64) {
	if p.life != nil {
		p.life.over = true
	}
	p.real, p.shaken, p.number = level, 0, p.number+1
	p.gentle = 0
	if w.use.IntN(5) == 0 {
		p.gentle = 12 * w.use.Float64()
	}
	p.life = &life{kind: p.kind, pattern: w.pattern, begun: w.hour, before: true}
	w.lives = append(w.lives, p.life)
}

// print uses toner as people do.
func (w *world) print() {
	day, hour := w.hour/24, w.hour%24
	if hour == 0 && day%7 == 0 {
		for _, p := range w.places {
			p.week = math.Exp(w.use.NormFloat64()*p.whims - p.whims*p.whims/2)
		}
	}
	noise := w.use.Float64()
	if day%7 >= 5 || hour < 8 || hour >= 18 {
		return
	}
	pace := w.pace * 2 * noise
	switch w.pattern {
	case "school":
		if week := day / 7 % 52; week >= 26 && week < 35 || week == 7 || week == 15 || week == 51 {
			pace *= 0.03
		}
	case "shop":
		if day/7%5 == 3 {
			pace *= 3
		}
	case "moved":
		if day > 200 {
			pace *= 2.5
		}
	}
	pages := pace * step
	if day/7%52 == 51 || day/7%52 == 30 {
		pages *= 0.05 // the whole house is away
	}
	w.pages += pages
	for _, p := range w.places {
		if p.real > 0 {
			p.real = max(0, p.real-pages*p.each*p.week)
		}
	}
}

// befall is what happens to copier and agent apart from printing.
func (w *world) befall() {
	f := w.fate
	chance := func(days float64) bool { return f.Float64() < step/(24*days) }
	if chance(90) {
		w.silentUntil = w.hour + int(14*24*math.Pow(f.Float64(), 2))
	}
	if chance(60) {
		w.skew = time.Duration(f.NormFloat64()*5*24) * time.Hour
		w.skewUntil = w.hour + f.IntN(48)
	}
	if w.hour > w.skewUntil {
		w.skew = 0
	}
	if chance(45) {
		w.openUntil, w.told, w.flagged = w.hour+f.IntN(2*step), f.IntN(2) == 0, f.IntN(5) > 0
	}
	if chance(3) {
		w.brain.backup()
	}
	if chance(120) {
		w.brain.restore()
	}
	for _, p := range w.places {
		p.shaken *= 0.9
		shake, slip, by, to := f.Float64() < 0.02, f.Float64() < 0.001, f.Float64(), f.Float64()
		if shake && p.real+p.shaken < p.warns { // the copier complains, so people shake
			p.shaken = 20 * by
		}
		if slip {
			p.slip, p.slipped = 1+int(2*by), 100*to
		}
		w.change(p)
	}
}

// change puts in what has arrived, when people do that.
func (w *world) change(p *place) {
	if p.real > p.gentle && p.real > 0 || len(p.spare) == 0 || p.spare[0] > w.hour {
		return
	}
	p.spare = p.spare[1:]
	if p.real <= 0 && p.life.emptied == 0 {
		p.life.emptied = w.hour
	}
	level := 100.0
	if w.use.IntN(15) == 0 {
		level = 60 + 40*w.use.Float64() // brought from another copier
	}
	w.insert(p, level)
}

// told is what the sensor says.
func (w *world) supply(p *place) collector.Supply {
	s := collector.Supply{Key: p.key, Class: "supplyThatIsConsumed", Type: "toner", Colorant: p.colour, Description: p.colour}
	if p.serials {
		s.SerialNumber = fmt.Sprintf("%s-%d", p.key, p.number)
	}
	seen := min(100, max(0, p.real+p.shaken))
	if p.real > 0 && p.real < 100 {
		seen = min(100, max(0, seen+w.sense.NormFloat64()*p.noise))
	}
	if p.slip > 0 {
		p.slip--
		seen = p.slipped
	}
	if w.hour < w.openUntil {
		seen = 0
		if w.told {
			seen = 100
		}
	}
	coarse := func(by float64) float64 {
		switch p.rounding {
		case "up":
			return math.Ceil(seen/by) * by
		case "down":
			return math.Floor(seen/by) * by
		}
		return math.Round(seen/by) * by
	}
	kind := collector.Measured
	switch p.kind {
	case "measured":
		seen = math.Round(seen)
	case "tenths":
		seen = math.Round(seen*10) / 10
	case "ten":
		seen = coarse(10)
	case "quarter":
		seen = coarse(25)
	case "vendor":
		kind, seen = collector.VendorLevel, coarse(20)
	case "absolute":
		kind = collector.Absolute
	case "unknown":
		kind = collector.Unknown
	default:
		kind = collector.Some
	}
	s.Level.Kind = kind
	if kind == collector.Measured || kind == collector.VendorLevel {
		s.Level.Percent = &seen
	}
	return s
}

func (w *world) reading() collector.Reading {
	at := monday.Add(time.Duration(w.hour) * time.Hour).Add(w.skew)
	r := collector.Reading{
		Device:  collector.Device{ID: "ABC12345", Serial: "ABC12345"},
		TakenAt: at,
		Meters:  []collector.Meter{{Name: "systemTotals.impressions.total", Value: int64(w.pages), Primary: true}},
	}
	if w.hour < w.openUntil && w.flagged {
		r.Status.Errors = []string{"doorOpen"}
	}
	for i, p := range w.places {
		r.Supplies = append(r.Supplies, w.supply(p))
		if p.kind != "alerts" {
			continue
		}
		alert := collector.Alert{Group: "markerSupplies", GroupIndex: int64(i + 1)}
		switch {
		case p.real <= 0:
			alert.Code = "markerTonerEmpty"
		case p.real+p.shaken < p.warns:
			alert.Code = "markerTonerAlmostEmpty"
		}
		if alert.Code != "" {
			r.Alerts = append(r.Alerts, alert)
		}
	}
	return r
}

// run lives through so many days.
func (w *world) run(days int) []*life {
	known := map[string]bool{}
	type parcel struct {
		hour  int
		id    string
		place *place
		life  *life
		state string
	}
	var parcels []parcel
	for w.hour = 0; w.hour < days*24; w.hour += step {
		w.print()
		w.befall()
		for _, p := range w.places {
			if l := p.life; p.real <= 0 && l.before {
				l.emptied = w.hour
				if l.before = false; l.orders == 0 {
					l.dry, l.stood = true, true
					l.unseen = w.hour < w.silentUntil+24 || w.hour-l.begun < 24
				}
			}
		}
		for i := range parcels {
			q := &parcels[i]
			switch {
			case q.state == "" && w.hour > q.hour+step:
				q.state = "accepted"
				w.brain.say(q.id, q.state)
			case q.state == "accepted" && w.hour > q.hour+24:
				q.state = "shipped"
				w.brain.say(q.id, q.state)
			case q.state == "shipped" && w.hour >= q.hour+delivery*24:
				q.state = "arrived"
				if q.place.life == q.life && !q.life.arrived {
					q.life.arrived, q.life.left = true, q.place.real
					q.life.stood = q.life.stood || q.place.real <= 0
				}
			}
		}
		if w.hour < w.silentUntil {
			continue
		}
		ids, keys := w.brain.see(w.reading())
		if w.watch != nil && w.hour%24 == 18 {
			w.watch()
		}
		for i, id := range ids {
			p := w.places[slices.IndexFunc(w.places, func(p *place) bool { return p.key == keys[i] })]
			if known[id] {
				continue // the portal knows it already
			}
			known[id] = true
			l := p.life
			l.orders++
			if l.orders == 1 {
				l.orderedAt, l.orderedLevel = w.hour, p.real
			}
			if p.real > 50 && p.real/p.each/w.pace/10 > 40 {
				l.early++
			}
			p.spare = append(p.spare, w.hour+delivery*24)
			parcels = append(parcels, parcel{hour: w.hour, id: id, place: p, life: l})
		}
	}
	return w.lives
}
