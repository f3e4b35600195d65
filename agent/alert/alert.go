// Package alert decides what of a device's complaints people hear of.
//
// Decide looks at one reading, with what the ledger remembers of earlier ones, and
// returns the events to send and the ledger to keep. Both are values, as in package
// toner; the same reading a second time changes nothing.
//
// A device complains by rows of prtAlertTable (RFC 3805, with the groups and codes of
// PWG 5107.3) and by hrPrinterDetectedErrorState (RFC 2790). A complaint that needs
// somebody is a condition (conditions):
//
//		(not there) ─▶ seen ─▶ raised ─▶ gone ─▶ (not there, remembered for a day)
//		                 │       ▲  ▲       │
//		                 │       │  └───────┘ it is back: nothing is said
//		                 └───────┘ it stays, or it comes again and again
//
//	  - seen: it is not raised before it has been there for as many readings, over as
//	    long a time, as the policy wants: people clear most jams themselves. What calls
//	    for service is raised at once. So is what came and went four times within a day.
//	  - raised: one event, with an id of its own.
//	  - gone: it must stay away, for twice as long with each time that it was raised
//	    within a day. Then one more event, with the same id, says since when.
//
// A condition is known by what it says and not by its row: devices give the row of an
// alert that is over to the next one. Of one device so many are raised in a day and no
// more; an event says once that there are more.
//
// What is not a condition: that a device sleeps, warms up or was switched on, and that
// a toner or ink is low or empty, which is the business of the orders.
package alert

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"meteragent/collector"
)

// A Policy says how long a complaint must last, and how many there may be.
type Policy struct {
	Readings int           // that must agree, in a row; less than 1 is 1
	Over     time.Duration // which those readings span at least
	Daily    int           // raised of one device within a day at most, of each class; 0 is no limit
}

// An Event is the beginning or the end of a condition. Its JSON is the body of an alert
// record.
type Event struct {
	Event string    `json:"event"` // "alertRaised", "alertCleared"; "alertsHeld": there are more, and no more is said today
	ID    string    `json:"id"`    // the same for both ends of a condition
	At    time.Time `json:"at"`    // when the reading was taken that decided
	Condition
	Device  string    `json:"device"` // identity
	Model   string    `json:"model"`
	Raised  time.Time `json:"raised"`           // when the condition was first seen
	Cleared time.Time `json:"cleared,omitzero"` // when it was first seen to be gone
	Times   int       `json:"times"`            // how often it came within a day, with this time
}

// Urgent says whether somebody must come soon.
func (e Event) Urgent() bool { return e.Class != Other }

// About is the same for events that say the same of one condition, whenever it came.
func (e Event) About() string { return e.Event + " " + e.key() }

// Decide takes one reading into account. The ledger given is not changed. A reading of
// no device, one that was the last already, and a ledger of a newer version change
// nothing.
func Decide(p Policy, ledger Ledger, r collector.Reading) (events []Event, next Ledger) {
	if ledger.Version > version || r.Device.ID == "" || r.TakenAt.IsZero() || r.TakenAt.Equal(ledger.Last) {
		return nil, ledger
	}
	next = ledger.clone()
	next.Version, next.Last = version, r.TakenAt.UTC().Round(0)
	v := visit{policy: p, reading: r, ledger: &next, now: next.Last}
	now := conditions(r)
	for _, c := range now {
		v.here(c)
	}
	for key, known := range next.Known {
		if !slices.ContainsFunc(now, func(c Condition) bool { return c.key() == key }) {
			v.away(key, known)
		}
	}
	sort.SliceStable(v.events, func(i, j int) bool { return v.events[i].ID < v.events[j].ID })
	return v.events, next
}

// A visit is one reading at work.
type visit struct {
	policy  Policy
	reading collector.Reading
	ledger  *Ledger
	now     time.Time
	events  []Event
}

const (
	oneDay      = 24 * time.Hour
	tooOften    = 4                // times within a day that a condition came, after which it need not last
	leastAway   = 30 * time.Minute // that a condition must stay away to be over
	mostDoubled = 5                // times that is doubled: to 16 hours
)

// here is a condition that the reading has.
func (v *visit) here(c Condition) {
	key := c.key()
	k, found := v.ledger.Known[key]
	if !found && len(v.ledger.Known) >= mostKnown && !v.ledger.forgetOne() {
		return
	}
	k.forget(v.now)
	if k.ID != "" && k.Class == Other && c.Class != Other { // what could wait has become urgent: it is told anew
		v.clear(&k, v.now)
	}
	if k.ID == "" && (k.Count == 0 || k.First.After(v.now)) { // it comes, or the clock was set back
		k.First, k.Count = v.now, 0
		k.Came = append(slices.Clone(k.Came), v.now)
		k.Came = k.Came[max(0, len(k.Came)-mostTimes):]
	}
	k.Condition, k.Away, k.AwayCount = c, time.Time{}, 0
	k.Count++
	if k.ID == "" && (k.lasted(v.policy, v.now) || c.Class == Service || len(k.Came) >= tooOften) {
		v.raise(&k)
	}
	v.ledger.Known[key] = k
}

func (k Known) lasted(p Policy, now time.Time) bool {
	return k.Count >= p.Readings && now.Sub(k.First) >= p.Over
}

// raise tells of a condition, unless the device has had its share.
func (v *visit) raise(k *Known) {
	l := v.ledger
	class := string(k.Class)
	said := slices.DeleteFunc(slices.Clone(l.Said[class]), func(t time.Time) bool {
		return v.now.Sub(t) >= oneDay || t.After(v.now)
	})
	if v.policy.Daily > 0 && len(said) >= v.policy.Daily {
		if v.now.Sub(l.Held) >= oneDay || l.Held.After(v.now) {
			l.Held = v.now
			e := v.event("alertsHeld", *k)
			e.ID = v.id(*k, "held")
			v.events = append(v.events, e)
		}
		return
	}
	l.Said[class] = append(said, v.now)
	k.ID, k.Raises = v.id(*k, ""), append(slices.Clone(k.Raises), v.now)
	v.events = append(v.events, v.event("alertRaised", *k))
}

// clear tells that a condition is over, or is another by now.
func (v *visit) clear(k *Known, since time.Time) {
	e := v.event("alertCleared", *k)
	e.Cleared = since
	v.events = append(v.events, e)
	k.ID = ""
}

// away is a condition that is known and that the reading does not have.
func (v *visit) away(key string, k Known) {
	if k.forget(v.now); k.Away.IsZero() || k.Away.After(v.now) {
		k.Away, k.AwayCount = v.now, 0
	}
	k.AwayCount++
	wait := leastAway << min(max(0, len(k.Raises)-1), mostDoubled)
	switch {
	case k.ID == "":
		k.Count = 0 // it was short
	case k.AwayCount >= max(2, v.policy.Readings) && v.now.Sub(k.Away) >= wait:
		v.clear(&k, k.Away)
		k.Count = 0
	}
	v.ledger.Known[key] = k
	if k.ID == "" && len(k.Came) == 0 {
		delete(v.ledger.Known, key)
	}
}

func (v *visit) event(name string, k Known) Event {
	return Event{
		Event: name, ID: k.ID, At: v.now, Device: v.reading.Device.ID, Model: v.reading.Device.Model,
		Condition: k.Condition, Raised: k.First, Times: max(1, len(k.Came)),
	}
}

// id names one coming of a condition, so that the same decision made twice is the same.
func (v *visit) id(k Known, more string) string {
	space := uuid.MustParse("b6a3a0f4-2f0b-4d53-9a0e-6f7c8e1d2b35") // drawn once, for ever
	name := []string{v.reading.Device.ID, k.key(), k.First.Format(time.RFC3339Nano), strconv.Itoa(len(k.Raises)), more}
	return uuid.NewSHA1(space, []byte(strings.Join(name, "\n"))).String()
}
