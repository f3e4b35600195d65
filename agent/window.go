package agent

import (
	"maps"
	"slices"

	"meteragent/store"
	"meteragent/transport"
)

// A window is what was read from one lane and is not settled yet. Each device has a line, of
// which one batch at a time is on the way. So many batches can be on the way at once, and a
// portal still hears the readings of each device in the order in which they were taken.
type window struct {
	reader  *store.Reader
	takes   func(store.Packed) bool // what the output does not take is passed over
	units   []*unit                 // oldest first
	size    int                     // bytes of the bodies that are not answered, as they are sent
	held    int                     // bytes that all of it takes in memory, about
	lines   map[string]*line        // by subject; none is empty and free
	waiting int                     // units in them
	places  int                     // units that were ever in it
}

// unitBytes is what a record takes in memory besides its packed body, about.
const unitBytes = 512

// windowHeld is how much memory a window may take, in bytes. A device with a batch on the way
// gathers meanwhile what is to leave next, so it should be enough for twice as much as is on the
// way, and is for readings, which are packed to a quarter.
const windowHeld = 6 << 20

// A unit is one record of a window.
type unit struct {
	store.Packed      // without its body once it is answered
	place        int  // in the window: the first is 0
	passed       bool // over, since the output does not take it
	damaged      bool // and left out, so that the store puts it into quarantine
	answered     bool
	problem      *transport.Problem // why it was refused; nil if it was taken
}

// id is the record's identity, as receipts name it.
func (u *unit) id() string {
	return transport.Message{Stream: u.Stream, Lane: u.Lane, Seq: u.Seq}.ID()
}

type line struct {
	waiting []*unit // oldest first
	busy    bool    // some of it is on the way
}

func newWindow(r *store.Reader, takes func(store.Packed) bool) *window {
	return &window{reader: r, takes: takes, lines: map[string]*line{}}
}

// fill reads on until so many bytes are to be sent, the window is full, or nothing more waits.
func (w *window) fill(size int) error {
	for w.size < size && w.held < windowHeld {
		records, err := w.reader.Next(mostRecords, mostBytes)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			u := &unit{Packed: r, place: w.places}
			w.places++
			w.units = append(w.units, u)
			w.size += u.Size()
			w.held += u.Held() + unitBytes
			if u.passed = !w.takes(r); u.passed {
				w.answer(u)
			}
			w.queue(u)
		}
	}
	return nil
}

// queue puts a unit behind the others of its device, unless there is nothing to send.
func (w *window) queue(u *unit) {
	if u.answered {
		return
	}
	q := w.lines[u.Subject]
	if q == nil {
		q = &line{}
		w.lines[u.Subject] = q
	}
	q.waiting = append(q.waiting, u)
	w.waiting++
}

// next takes a batch off the devices that are free, those first that have waited longest; nil
// if there is none. A few records travel in one batch, a backlog in many at once.
func (w *window) next(bytes int) *flight {
	var free []*line
	for _, q := range w.lines {
		if !q.busy && len(q.waiting) > 0 {
			free = append(free, q)
		}
	}
	slices.SortFunc(free, func(a, b *line) int { return a.waiting[0].place - b.waiting[0].place })
	f := &flight{window: w, bytes: bytes}
	share := min(max(fewRecords, w.waiting/mostInFlight), mostRecords)
	size := 0
	for _, q := range free {
		n := 0
		for n < len(q.waiting) && len(f.units)+n < share && (size == 0 || size+q.waiting[n].Size() <= bytes) {
			size += q.waiting[n].Size()
			n++
		}
		if n == 0 {
			break
		}
		f.units = append(f.units, q.waiting[:n]...)
		q.waiting, q.busy = q.waiting[n:], true
		f.lines = append(f.lines, q)
	}
	if len(f.units) == 0 {
		return nil
	}
	slices.SortFunc(f.units, func(a, b *unit) int { return a.place - b.place })
	w.waiting -= len(f.units)
	return f
}

// free lets the next batches have devices whose batch has landed.
func (w *window) free(lines []*line) {
	for _, q := range lines {
		q.busy = false
	}
	maps.DeleteFunc(w.lines, func(_ string, q *line) bool { return !q.busy && len(q.waiting) == 0 })
}

// settled takes off the oldest units that are answered.
func (w *window) settled() []*unit {
	n := 0
	for n < len(w.units) && w.units[n].answered {
		n++
	}
	done := slices.Clone(w.units[:n])
	w.units = slices.Delete(w.units, 0, n)
	w.held -= n * unitBytes
	return done
}

// answer notes that a unit needs not be sent any more, and lets go of its body.
func (w *window) answer(u *unit) {
	w.size -= u.Size()
	w.held -= u.Held()
	u.answered, u.Packed = true, store.Packed{Record: u.Record}
}
