package agent

import (
	"time"

	"meteragent/collector"
	"meteragent/store"
)

// A Device is what the agent remembers of a copier between readings.
type Device struct {
	Device    collector.Device `json:"device"`
	Host      string           `json:"host"` // host:port it last answered at
	FirstSeen time.Time        `json:"firstSeen"`
	LastRead  time.Time        `json:"lastRead"`           // the last reading of any scope
	LastFull  time.Time        `json:"lastFull"`           // the last reading that asked for everything
	Conflict  string           `json:"conflict,omitempty"` // another host that says it is this device
	Twice     bool             `json:"twice,omitempty"`    // both have answered since, and that was told
	Rival     string           `json:"rival,omitempty"`    // id of another device that answers at this host by turns

	Silent time.Duration `json:"silent,omitempty"` // it was asked in vain for so long, while the agent ran
	Sought bool          `json:"sought,omitempty"` // it was searched for before it is called lost
	Lost   bool          `json:"lost,omitempty"`   // it was called lost
}

// partialFor is for how long a device is read in part before a technician is told. Every one is
// read in full once a day.
const partialFor = 48 * time.Hour

// neverWhole says that the device answers, and that no reading has come to its end for long: by
// those that have not, no toner is ordered.
func (d Device) neverWhole() bool {
	return d.LastRead.Sub(later(d.FirstSeen, d.LastFull)) > partialFor
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A DeviceEvent is the body of a device record.
type DeviceEvent struct {
	Event    string     `json:"event"` // "found", "identified", "moved", "replaced", "conflict", "lost", "returned"
	At       time.Time  `json:"at"`
	Device   SentDevice `json:"device"`
	Previous string     `json:"previous,omitempty"` // moved, conflict: the other host; replaced: the id that was there; identified: the id it had
	Rival    string     `json:"rival,omitempty"`    // conflict: id of the other device that answers at this host by turns
	LastRead time.Time  `json:"lastRead,omitzero"`  // lost, returned: the last reading before
}

// turns is within which two devices that answer at one host do so by turns: one has
// not taken the place of the other.
const turns = 24 * time.Hour

// device notes where the device answered and what that means.
func (k *keeping) device() error {
	r := &k.reading
	var err error
	d, known := recall[Device](k.tx, k.agent.log, devices, r.Device.ID)
	if !known {
		var before string
		if d, before, err = k.identified(); err == nil && before != "" {
			known = true
			err = k.event(DeviceEvent{Event: "identified", Previous: before}, DeviceIdentified)
		}
		if err != nil {
			return err
		}
	}
	if d.Lost {
		if err := k.event(DeviceEvent{Event: "returned", LastRead: d.LastRead}, DeviceReturned); err != nil {
			return err
		}
	}
	wasHere := known && d.Host == k.host && r.TakenAt.Sub(d.LastRead) < turns
	switch {
	case !known:
		d.FirstSeen, d.Host = r.TakenAt, k.host
		err = k.event(DeviceEvent{Event: "found"}, DeviceFound)
	case d.Host == k.host:
		if !k.agent.health.answersStill(d.Conflict, r.Device.ID) {
			d.Conflict, d.Twice = "", false // the other one has gone
		} else if !d.Twice {
			d.Twice = true
			err = k.event(DeviceEvent{Event: "conflict", Previous: k.sentHost(d.Conflict)}, DeviceConflict)
		}
	case k.agent.health.answersStill(d.Host, r.Device.ID):
		// It has moved, or two addresses answer with one serial: the next reading at the
		// old address will tell.
		d.Conflict = k.host
	default:
		err = k.event(DeviceEvent{Event: "moved", Previous: k.sentHost(d.Host)}, DeviceMoved)
		d.Host, d.Conflict, d.Twice, d.Rival = k.host, "", false, ""
	}
	if err != nil {
		return err
	}
	if err := k.neighbour(&d, wasHere); err != nil {
		return err
	}
	d.Device, d.LastRead = r.Device, r.TakenAt
	d.Silent, d.Sought, d.Lost = 0, false, false
	if k.scope == collector.Full && r.Missing == nil {
		d.LastFull = r.TakenAt
	}
	return k.tx.Put(devices, r.Device.ID, d)
}

// neighbour looks at the device that answered at this host before: the present one has
// taken its place, or both answer by turns, since they have one address.
func (k *keeping) neighbour(d *Device, wasHere bool) error {
	id := k.reading.Device.ID
	before, known := recall[string](k.tx, k.agent.log, hosts, k.host)
	if known && before == id {
		k.rivalGone(d)
		return nil
	}
	if known {
		var err error
		old, _ := recall[Device](k.tx, k.agent.log, devices, before)
		switch {
		case old.Host != k.host: // it has answered elsewhere since
		case !wasHere:
			err = k.event(DeviceEvent{Event: "replaced", Previous: before}, DeviceReplaced)
		case d.Rival != before:
			d.Rival = before
			if old.Rival != id { // else the other one has told
				err = k.event(DeviceEvent{Event: "conflict", Rival: before}, DeviceConflict)
			}
		}
		if err != nil {
			return err
		}
	}
	return k.tx.Put(hosts, k.host, id)
}

// rivalGone forgets another device at this host that has not answered for long.
func (k *keeping) rivalGone(d *Device) {
	if d.Rival == "" {
		return
	}
	rival, _ := recall[Device](k.tx, k.agent.log, devices, d.Rival)
	if rival.Host != k.host || k.reading.TakenAt.Sub(rival.LastRead) >= turns {
		d.Rival = ""
	}
}

// sentHost is a host if addresses may be sent.
func (k *keeping) sentHost(host string) string {
	if !k.agent.cfg.Privacy.Address {
		return ""
	}
	return host
}

// event makes a device record of the reading's device.
func (k *keeping) event(e DeviceEvent, what Happening) error {
	r := &k.reading
	k.happened = append(k.happened, Notice{What: what, Device: r.Device.ID, Model: r.Device.Model, Host: k.host})
	e.At, e.Device = r.TakenAt, sentDevice(k.agent.cfg.Privacy, r.Device)
	if what == DeviceReplaced || what == DeviceConflict || what == DeviceIdentified {
		return k.urge(kindDevice, e.Event+" "+e.Previous+" "+e.Rival, e)
	}
	return k.append(store.Bulk, kindDevice, e)
}
