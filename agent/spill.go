package agent

import (
	"slices"
	"strings"
	"time"

	"meteragent/collector"
	"meteragent/store"
)

// When the disk cannot be written and memory is full, too, what gives way is what gives way on
// disk: a reading after which the same device was read again on the same day. So the last of each
// day stays, for as many days as fit, and the first that leads to each urgent thing: those after it
// lead to the same again, since nothing of it is written. A call for service that came and went
// between two others is not lost so. The gap record of it, and the count for
// people, come with the next transaction that succeeds.

// mostUrged is how many urgent things of a device and day keep a reading each. No more are told of
// a class in a day (alertPolicy).
const mostUrged = 20

// makeRoom drops a reading from the queue that another one there stands for, and says whether it
// found any. The caller holds mu.
func (w *writer) makeRoom() bool {
	urged := map[stead]map[string]bool{}
	first := map[*unwritten]bool{} // that leads to something urgent
	for _, u := range w.queue {
		for _, about := range u.urges {
			of := urged[u.stead()]
			if of == nil {
				of = map[string]bool{}
				urged[u.stead()] = of
			}
			if !of[about] && len(of) < mostUrged {
				of[about], first[u] = true, true
			}
		}
	}
	found := -1
	later := map[stead]bool{}
	for i, u := range slices.Backward(w.queue) {
		key := u.stead()
		if later[key] && !u.underway && !first[u] {
			found = i
		}
		later[key] = true
	}
	if found < 0 {
		return false
	}
	w.spill(one(w.queue[found].reading.TakenAt))
	w.queue = slices.Delete(w.queue, found, found+1)
	return true
}

// A stead is what readings have in common of which the last stands for the others; on disk, see group.
type stead struct {
	device string
	day    time.Time
	scope  collector.Scope
	meters int
	lacks  string
}

func (u *unwritten) stead() stead {
	r := &u.reading
	return stead{r.Device.ID, r.TakenAt.UTC().Truncate(24 * time.Hour), u.scope, len(r.Meters), strings.Join(r.Missing, " ")}
}

// spill counts what is dropped, or gives back what was counted and could not be written down. The
// caller holds mu.
func (w *writer) spill(d store.Thinned) {
	if d.Records == 0 {
		return
	}
	if w.spilled.Records == 0 || d.First.Before(w.spilled.First) {
		w.spilled.First = d.First
	}
	if d.Last.After(w.spilled.Last) {
		w.spilled.Last = d.Last
	}
	w.spilled.Records += d.Records
	if !w.crowded {
		w.crowded = true
		w.agent.log.Error("memory is full, too: of readings that cannot be written the last of each day are kept, as far as they fit")
	}
}

func one(taken time.Time) store.Thinned { return store.Thinned{Records: 1, First: taken, Last: taken} }

// takeSpilled is what was dropped and is not written down yet; backSpilled takes it again if it cannot be.
func (w *writer) takeSpilled() (d store.Thinned) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, w.spilled = w.spilled, store.Thinned{}
	return d
}

func (w *writer) backSpilled(d store.Thinned) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spill(d)
}
