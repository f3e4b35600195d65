package agent

import (
	"runtime"
	"time"

	"meteragent/store"
)

// An AgentEvent is the body of an agent record: what the agent says of itself.
type AgentEvent struct {
	Event         string    `json:"event"` // "started", "stopped", "heartbeat", "configuration"
	At            time.Time `json:"at"`
	Version       string    `json:"version"`
	OS            string    `json:"os"`
	Arch          string    `json:"arch"`
	UptimeSeconds int64     `json:"uptimeSeconds"` // of the daemon
	Devices       int       `json:"devices"`       // known ones
	Waiting       int       `json:"waiting"`       // records not yet confirmed
	Clock         string    `json:"clock"`
	Problems      []string  `json:"problems,omitempty"` // configuration: why the last good one runs instead
}

// say stores an agent record.
func (a *Agent) say(event string) error {
	waiting, err := a.store.Waiting(Portal)
	if err != nil {
		return err
	}
	now := time.Now()
	e := AgentEvent{
		Event: event, At: now.UTC(), Version: a.version, OS: runtime.GOOS, Arch: runtime.GOARCH,
		UptimeSeconds: int64(now.Sub(a.health.started).Seconds()),
		Waiting:       waiting.Urgent + waiting.Bulk, Clock: a.clock(), Problems: a.problems,
	}
	err = a.store.Update(func(tx *store.Tx) error {
		e.Devices = 0
		err := eachDevice(tx, func(Device) error { e.Devices++; return nil })
		if err != nil {
			return err
		}
		return appendBody(tx, store.Bulk, kindAgent, "", e.At, e)
	})
	a.kick()
	return err
}
