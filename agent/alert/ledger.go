package alert

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

const (
	version   = 1  // of the ledger's JSON
	mostKnown = 64 // conditions of one device
	mostTimes = 16 // comings kept of one condition
)

// A Ledger remembers what one device complains of. The zero value is that of a device
// never seen. It is kept as JSON.
type Ledger struct {
	Version int                    `json:"version"`
	Last    time.Time              `json:"last"`            // when the last reading was taken
	Known   map[string]Known       `json:"known,omitempty"` // by what they say; at most 64
	Said    map[string][]time.Time `json:"said,omitempty"`  // by class: when conditions were raised within a day
	Held    time.Time              `json:"held,omitzero"`   // when it was last said that there are more
}

// Known is what is remembered of a condition.
type Known struct {
	Condition
	ID        string      `json:"id,omitempty"`        // of what was raised; "" if nothing is
	First     time.Time   `json:"first,omitzero"`      // when it was first seen, this time
	Count     int         `json:"count,omitempty"`     // readings in a row that had it
	Away      time.Time   `json:"away,omitzero"`       // when it was first seen to be gone
	AwayCount int         `json:"awayCount,omitempty"` // readings in a row that had it not
	Came      []time.Time `json:"came,omitempty"`      // when it came, within a day; the last 16
	Raises    []time.Time `json:"raises,omitempty"`    // when it was raised, within a day
}

// forget drops what was more than a day ago, or later than now.
func (k *Known) forget(now time.Time) {
	old := func(t time.Time) bool { return now.Sub(t) >= oneDay || t.After(now) }
	k.Came = slices.DeleteFunc(slices.Clone(k.Came), old)
	k.Raises = slices.DeleteFunc(slices.Clone(k.Raises), old)
}

// forgetOne makes room: it drops the condition that went longest ago of those that were never
// raised or are over. It reports whether there was one.
func (l Ledger) forgetOne() bool {
	oldest, found := "", false
	for key, k := range l.Known {
		if k.ID != "" || k.Count > 0 {
			continue
		}
		o := l.Known[oldest]
		if !found || cmp.Or(k.First.Compare(o.First), strings.Compare(key, oldest)) < 0 {
			oldest, found = key, true
		}
	}
	delete(l.Known, oldest)
	return found
}

// Raised are the conditions that were raised and are not over, the oldest first.
func (l Ledger) Raised() (all []Known) {
	for _, k := range l.Known {
		if k.ID != "" {
			all = append(all, k)
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		return cmp.Or(all[i].First.Compare(all[j].First), strings.Compare(all[i].ID, all[j].ID)) < 0
	})
	return all
}

func (l Ledger) clone() Ledger {
	if l.Known = maps.Clone(l.Known); l.Known == nil {
		l.Known = map[string]Known{}
	}
	if l.Said = maps.Clone(l.Said); l.Said == nil {
		l.Said = map[string][]time.Time{}
	}
	return l
}
