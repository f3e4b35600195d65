package agent

import (
	"time"

	"meteragent/store"
)

// countSilence adds to how long devices have been asked in vain. One that has been
// silent for discovery.lost_after is searched for once more, at every address of the
// networks, where its serial number would tell it; so sought is true. If it is silent
// an hour after that, it is lost. Time in which the agent did not run does not count.
func (a *Agent) countSilence(by time.Duration) (sought bool, err error) {
	silent, err := a.silentDevices()
	if err != nil || len(silent) == 0 {
		return false, err
	}
	var lost []Device
	err = a.store.Update(func(tx *store.Tx) error {
		sought, lost = false, nil
		for _, id := range silent {
			d, _ := recall[Device](tx, a.log, devices, id)
			d.Silent += by
			switch {
			case d.Silent < a.cfg.Discovery.LostAfter:
			case !d.Sought:
				d.Sought, sought = true, true
			default:
				d.Lost = true
				lost = append(lost, d)
				if err := a.recordLost(tx, d); err != nil {
					return err
				}
			}
			if err := tx.Put(devices, id, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, d := range lost {
		a.log.Warn("device is lost", "device", d.Device.ID, "host", d.Host)
		a.notice(Notice{What: DeviceLost, Device: d.Device.ID, Model: d.Device.Model, Host: d.Host})
	}
	if len(lost) > 0 {
		a.kick()
	}
	return sought, nil
}

// silentDevices are those of the configured networks that have been asked since the
// start, and have not answered where they did last.
func (a *Agent) silentDevices() (silent []string, err error) {
	hosts := a.health.copyHosts()
	err = a.store.View(func(tx *store.Tx) error {
		return a.eachDevice(tx, func(d Device) error {
			host, asked := hosts[d.Host]
			_, configured := a.networkOf(d.Device.Address, d.Device.Port)
			if asked && configured && !d.Lost && (!host.answers || host.device != d.Device.ID) {
				silent = append(silent, d.Device.ID)
			}
			return nil
		})
	})
	return silent, err
}

// recordLost makes the record of a device that is lost.
func (a *Agent) recordLost(tx *store.Tx, d Device) error {
	now, _, era := a.time.now()
	e := DeviceEvent{Event: "lost", At: now, Device: sentDevice(a.cfg.Privacy, d.Device), LastRead: d.LastRead.UTC()}
	return appendRecord(tx, store.Record{Lane: store.Bulk, Kind: kindDevice, Subject: d.Device.ID, At: now, Era: era}, e)
}
