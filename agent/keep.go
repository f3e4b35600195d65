package agent

import (
	"fmt"
	"time"

	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/collector"
	"meteragent/store"
)

// The buckets of keyed values, what their keys are and what they hold.
const (
	devices = "device"  // device id: Device
	hosts   = "host"    // host:port: id of the device that answered there last
	ledgers = "ledger"  // device id: toner.Ledger
	orders  = "order"   // order id: OrderEntry
	last    = "last"    // device id: collector.Reading, the last full one with the newest supplies
	toldOf  = "told"    // "salvaged": time of the last salvage of the database that was told; "dropped": dropped; "clock": clock.Book; "acting": acting; "ahead": since when days may be kept that have not come yet; "update": time of the last told
	daily   = "daily"   // device id + "|" + date in UTC: page.Entry, the last of that day
	recents = "recent"  // device id + "|" + date in UTC: recentDay, of the last two weeks
	traffic = "traffic" // device id: []page.Day, of the last days
	search  = "search"  // "mark": searchMark
	plans   = "plan"    // device id: collector.Plan
	names   = "name"    // id that a device had before it told its serial number: the one it has
)

// Those of what follows from a reading.
const (
	placed     = "placed"    // when it was decided, in UTC, with "|" and the order id: nothing; for counting
	complaints = "complaint" // device id: alert.Ledger
	cartridges = "cartridge" // serial number of a cartridge: Place
	requests   = "request"   // device id: those of the last day, []Request
)

// The kinds of record, which are the middle word of the event types on the wire.
const (
	kindReading = "reading"
	kindOrder   = "order"
	kindDevice  = "device"
	kindAgent   = "agent"
	kindGap     = "gap"
)

// dailyKept is how long daily values stay.
const dailyKept = 400 * 24 * time.Hour

// An OrderEntry is one order and what became of it.
type OrderEntry struct {
	Order   toner.Order `json:"order"`
	Model   string      `json:"model"`
	State   string      `json:"state"` // "ordered", then as the portal says; "replaced" when the new supply was seen
	Changed time.Time   `json:"changed"`
}

// keep takes a reading to be stored with what is decided from it and the state those
// decisions change, all in one transaction, soon (write.go). It returns the device's
// id, also with an error: that our disk is full is no silence of the device. Whoever watches is told after the commit.
func (a *Agent) keep(r collector.Reading, host string, scope collector.Scope) (string, error) {
	now, quality, era := a.time.now()
	r.Clock = quality
	wrong := time.Until(now).Round(time.Second) // is the clock; what is less is the time between the two
	r.TakenAt = r.TakenAt.Add(wrong).Truncate(time.Millisecond)
	if r.Device.Serial == "" {
		r.Device.ID = a.sameDevice(r.Device, host)
	}
	if err := a.writer.add(keeping{agent: a, reading: r, host: host, scope: scope, era: era}); err != nil {
		return r.Device.ID, fmt.Errorf("store the reading of %s: %w", r.Device.ID, err)
	}
	return r.Device.ID, nil
}

// keeping is one transaction of keep.
type keeping struct {
	tx       *store.Tx
	agent    *Agent
	reading  collector.Reading
	host     string
	scope    collector.Scope
	era      uint64 // of the reading's time
	happened []Notice
	urges    []string // what the urgent records that were made are about
}

func (k *keeping) all() error { return inOrder(k.conclude, k.record, k.history, k.plan) }

// conclude does what follows from the reading and may be urgent.
func (k *keeping) conclude() error { return inOrder(k.device, k.decide, k.complain) }

// inOrder takes steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// record puts the reading itself into the outbox.
func (k *keeping) record() error {
	r := &k.reading
	k.happened = append(k.happened, Notice{What: ReadingStored, Device: r.Device.ID, Model: r.Device.Model, Host: k.host})
	return k.append(store.Bulk, kindReading, sentReading(k.agent.cfg.Privacy, *r))
}

// urge makes an urgent record. What it is about, any reading that says the same says it, too.
func (k *keeping) urge(kind, about string, body any) error {
	k.urges = append(k.urges, kind+" "+about)
	return k.append(store.Urgent, kind, body)
}

func (k *keeping) append(lane, kind string, body any) error {
	return appendRecord(k.tx, store.Record{Lane: lane, Kind: kind, Subject: k.reading.Device.ID, At: k.reading.TakenAt, Era: k.era}, body)
}

// history keeps the last reading, the last of each day, and those of the last days.
func (k *keeping) history() error {
	shown := k.reading
	if k.scope != collector.Full || shown.Missing != nil {
		full, _ := recall[collector.Reading](k.tx, k.agent.log, last, shown.Device.ID)
		shown = completed(shown, full, k.scope)
	}
	if err := k.tx.Put(last, shown.Device.ID, shown); err != nil {
		return err
	}
	if err := k.recent(entryOf(k.reading)); err != nil {
		return err
	}
	return k.day(entryOf(shown))
}

// completed is a reading with what it did not ask for, or did not get to, as it was
// before.
func completed(r, before collector.Reading, scope collector.Scope) collector.Reading {
	if scope != collector.Full || r.Lacks("inputs") {
		r.Inputs = before.Inputs
	}
	if scope != collector.Full || r.Lacks("console") {
		r.Status.Console = before.Status.Console
	}
	if r.Lacks("supplies") {
		r.Supplies = before.Supplies
	}
	if r.Lacks("alerts") {
		r.Alerts = before.Alerts
	}
	if scope != collector.Full || r.Lacks("meters", "vendor") {
		r.Meters = newerMeters(before.Meters, r.Meters)
	}
	return r
}

// newerMeters is full with the values that newer has for the same source.
func newerMeters(full, newer []collector.Meter) []collector.Meter {
	by := map[string]collector.Meter{}
	for _, m := range newer {
		by[m.Name+m.OID] = m
	}
	out := make([]collector.Meter, 0, len(full)+len(newer))
	for _, m := range full {
		if n, ok := by[m.Name+m.OID]; ok {
			delete(by, m.Name+m.OID)
			m = n
		}
		out = append(out, m)
	}
	for _, m := range newer {
		if _, left := by[m.Name+m.OID]; left {
			out = append(out, m)
		}
	}
	return out
}

// day replaces the entry of the reading's day and, on a new day, drops those that
// are too old.
func (k *keeping) day(e page.Entry) error {
	key := dayKey(e.Device, e.At)
	known := k.tx.Has(daily, key)
	if known && k.reading.Clock == collector.ClockEstimated {
		return nil // what is known of a day is not replaced by what may be of another
	}
	if !known {
		if err := forgetDays(k.tx, daily, e.Device, e.At.Add(-dailyKept)); err != nil {
			return err
		}
	}
	return k.tx.Put(daily, key, e)
}

// entryOf is the short form of a reading.
func entryOf(r collector.Reading) page.Entry {
	e := page.Entry{
		At: r.TakenAt, Device: r.Device.ID, Model: r.Device.Model,
		Meters: map[string]int64{}, Supplies: map[string]float64{},
	}
	for _, m := range r.Meters {
		if m.Primary {
			e.Meters[m.Name] = m.Value
		}
	}
	for _, s := range r.Supplies {
		if s.Level.Percent != nil {
			e.Supplies[s.Key] = *s.Level.Percent
		}
	}
	return e
}
