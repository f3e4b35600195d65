package agent

import (
	"runtime"
	"time"

	"meteragent/agent/clock"
	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/packaging/update"
	"meteragent/store"
)

// An AgentEvent is the body of an agent record: what the agent says of itself.
type AgentEvent struct {
	Event         string          `json:"event"` // "started", "stopped", "heartbeat", "salvaged", "clock", "update"
	At            time.Time       `json:"at"`
	Version       string          `json:"version"`
	OS            string          `json:"os"`
	Arch          string          `json:"arch"`
	UptimeSeconds int64           `json:"uptimeSeconds"` // of the daemon
	Devices       int             `json:"devices"`       // known ones
	Waiting       int             `json:"waiting"`       // records not yet confirmed
	Clock         collector.Clock `json:"clock"`
	Problems      []string        `json:"problems,omitempty"` // see Options.Problems

	Saved  *store.Saved    `json:"saved,omitempty"`  // salvaged: what became of a damaged database
	Update *update.Outcome `json:"update,omitempty"` // update: what became of it
	Set    *clock.Setting  `json:"set,omitempty"`    // clock: how it was set
}

// say stores an agent record.
func (a *Agent) say(event string) error {
	return a.sayMore(store.Bulk, AgentEvent{Event: event}, func(*store.Tx) error { return nil })
}

// saySaved tells once of a damaged database in whose place this one was made, and notes how
// long orders may be on their way that it has forgotten.
func (a *Agent) saySaved() error {
	saved, err := a.store.Saved()
	if saved == nil || err != nil {
		return err
	}
	if saved.BadPages > 0 || !saved.Complete {
		a.doubt = a.delivered(saved.At)
	}
	var told time.Time
	err = a.store.View(func(tx *store.Tx) error {
		_, err := tx.Get(toldOf, "salvaged", &told)
		return err
	})
	if err != nil || told.Equal(saved.At) {
		return err
	}
	a.log.Error("the database was damaged; what was readable is saved", "file", saved.SetAside, "err", saved.Damage,
		"count", saved.Records, "missing", saved.Missing)
	return a.sayMore(store.Urgent, AgentEvent{Event: "salvaged", Saved: saved}, func(tx *store.Tx) error {
		return tx.Put(toldOf, "salvaged", saved.At)
	})
}

// SayUpdate tells once what became of an update of the program: in the log, on the page and to the portal. The
// zero Outcome takes a refusal back from the page.
func (a *Agent) SayUpdate(o update.Outcome) error {
	a.health.updated(o)
	if o.At.IsZero() {
		return nil
	}
	var told time.Time
	err := a.store.View(func(tx *store.Tx) error {
		_, err := tx.Get(toldOf, "update", &told)
		return err
	})
	if err != nil || told.Equal(o.At) {
		return err
	}
	if o.Bad() {
		a.log.Error("the program was not updated; the present version goes on", "result", o.Result, "version", o.Version, "err", o.Reason)
	} else {
		a.log.Info("the program is updated", "version", o.Version)
	}
	return a.sayMore(store.Urgent, AgentEvent{Event: "update", Update: &o}, func(tx *store.Tx) error {
		return tx.Put(toldOf, "update", o.At)
	})
}

// Proved says whether this program has read a copier and delivered something since it started.
func (a *Agent) Proved() bool {
	if a.writer.count() == 0 {
		return false
	}
	for _, o := range a.outputs {
		if p := a.health.copyPortal(o.Name); p.delivered > 0 && p.err == nil {
			return true
		}
	}
	return false
}

// sayMore stores an agent record, and what also does, in one transaction.
func (a *Agent) sayMore(lane string, e AgentEvent, also func(*store.Tx) error) error {
	waiting, err := a.waiting()
	if err != nil {
		return err
	}
	now, quality, _ := a.time.now()
	e.At, e.Version, e.OS, e.Arch = now, a.version, runtime.GOOS, runtime.GOARCH
	e.UptimeSeconds = int64(time.Since(a.health.started).Seconds())
	e.Waiting, e.Clock, e.Problems = waiting, quality, said(a.problems, text.For(""))
	counted := a.tally.take()
	err = a.store.Update(func(tx *store.Tx) error {
		e.Devices = 0
		err := a.eachDevice(tx, func(Device) error { e.Devices++; return nil })
		if err != nil {
			return err
		}
		if err := also(tx); err != nil {
			return err
		}
		if err := putTraffic(tx, counted); err != nil {
			return err
		}
		return appendBody(tx, lane, kindAgent, "", e.At, e)
	})
	if err != nil {
		a.tally.back(counted)
	}
	a.kick()
	return err
}

// waiting is how many records an output has not answered for, of the one that has the
// most of them.
func (a *Agent) waiting() (most int, err error) {
	for _, o := range a.outputs {
		w, err := a.store.Waiting(o.Name)
		if err != nil {
			return 0, err
		}
		most = max(most, w.Urgent+w.Bulk)
	}
	return most, nil
}
