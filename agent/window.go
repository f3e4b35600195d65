package agent

import (
	"slices"

	"meteragent/store"
	"meteragent/transport"
)

// A window is what was read from one lane and is not settled yet. Its records wait in
// tracks, of which each is sent in order, one batch at a time; all of a device are on one
// track. So many batches can be on the way at once, and a portal still hears the readings of
// each device in the order in which they were taken.
type window struct {
	reader *store.Reader
	takes  func(store.Record) bool // what the output does not take is passed over
	units  []*unit                 // oldest first
	bytes  int                     // of their bodies
	tracks []*track
	homes  map[string]*track // by subject
}

// A unit is one record of a window.
type unit struct {
	store.Record
	answered bool
	problem  *transport.Problem // why it was refused; nil if it was taken
}

// id is the record's identity, as receipts name it.
func (u *unit) id() string {
	return transport.Message{Stream: u.Stream, Lane: u.Lane, Seq: u.Seq}.ID()
}

type track struct {
	waiting []*unit // oldest first
	busy    bool    // a batch of it is on the way
}

func newWindow(r *store.Reader, takes func(store.Record) bool) *window {
	return &window{reader: r, takes: takes, tracks: []*track{{}}, homes: map[string]*track{}}
}

// fill reads on until the window holds so many bytes or nothing more waits.
func (w *window) fill(bytes int) error {
	for w.bytes < bytes {
		records, err := w.reader.Next(mostRecords, mostBytes)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			u := &unit{Record: r, answered: !w.takes(r)}
			w.units = append(w.units, u)
			w.bytes += len(r.Body)
			w.queue(u)
		}
	}
	return nil
}

// lay makes as many tracks as the records need, unless a batch is on the way: a few travel
// in one batch, a backlog in many at once.
func (w *window) lay() {
	if slices.ContainsFunc(w.tracks, func(t *track) bool { return t.busy }) {
		return
	}
	clear(w.homes)
	w.tracks = nil
	for range max(1, min(mostInFlight, len(w.units)/fewRecords)) {
		w.tracks = append(w.tracks, &track{})
	}
	for _, u := range w.units {
		w.queue(u)
	}
}

// queue puts a unit on its track, unless there is nothing to send.
func (w *window) queue(u *unit) {
	if !u.answered {
		t := w.home(u.Subject)
		t.waiting = append(t.waiting, u)
	}
}

// home is the track of a subject; that of a new one is the shortest.
func (w *window) home(subject string) *track {
	if t := w.homes[subject]; t != nil {
		return t
	}
	shortest := w.tracks[0]
	for _, t := range w.tracks[1:] {
		if len(t.waiting) < len(shortest.waiting) {
			shortest = t
		}
	}
	w.homes[subject] = shortest
	return shortest
}

// next takes a batch off the fullest track that is free; nil if there is none.
func (w *window) next(bytes int) *flight {
	var fullest *track
	for _, t := range w.tracks {
		if !t.busy && len(t.waiting) > 0 && (fullest == nil || len(t.waiting) > len(fullest.waiting)) {
			fullest = t
		}
	}
	if fullest == nil {
		return nil
	}
	n, size := 0, 0
	for _, u := range fullest.waiting {
		size += len(u.Body)
		if n > 0 && (n >= mostRecords || size > bytes) {
			break
		}
		n++
	}
	f := &flight{track: fullest, units: slices.Clone(fullest.waiting[:n])}
	fullest.waiting, fullest.busy = slices.Delete(fullest.waiting, 0, n), true
	return f
}

// settled takes off the oldest units that are answered.
func (w *window) settled() []*unit {
	n := 0
	for n < len(w.units) && w.units[n].answered {
		w.bytes -= len(w.units[n].Body)
		n++
	}
	done := slices.Clone(w.units[:n])
	w.units = slices.Delete(w.units, 0, n) // lets go of their bodies
	return done
}
