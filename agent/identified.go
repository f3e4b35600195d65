package agent

import (
	"encoding/json"
	"strings"

	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/collector"
	"meteragent/store"
)

// Nearly every device is known by its serial number. One that does not tell it is known by its
// hardware address, until it does: after an update of its firmware, or of this program, which
// then knows where to look. It is still the same device: what was ordered for it is on its way,
// and no other one has taken its place.

// sameDevice is the id of a device that does not tell a serial number: the one under which it is
// known already, if that has answered at the same host, from the same hardware address.
func (a *Agent) sameDevice(d collector.Device, host string) string {
	id := d.ID
	if id == "" {
		id = strings.Join([]string{d.Manufacturer, d.Model, host}, ":")
	}
	if d.MAC == "" {
		return id
	}
	err := a.store.View(func(tx *store.Tx) error {
		before, _ := recall[string](tx, a.log, hosts, host)
		if known, ok := recall[Device](tx, a.log, devices, before); ok && known.Device.MAC == d.MAC {
			id = before
		}
		return nil
	})
	if err != nil {
		a.log.Error("who a device was before cannot be read", "host", host, "err", err)
	}
	return id
}

// identified takes over what is kept of the device that answered here before, if that was this
// one, known by its hardware address. Otherwise before is "".
func (k *keeping) identified() (old Device, before string, err error) {
	r := &k.reading
	before, _ = recall[string](k.tx, k.agent.log, hosts, k.host)
	old, known := recall[Device](k.tx, k.agent.log, devices, before)
	if !known || r.Device.Serial == "" || r.Device.MAC == "" || !strings.HasSuffix(before, ":"+r.Device.MAC) {
		return Device{}, "", nil
	}
	ledger, found := recall[toner.Ledger](k.tx, k.agent.log, ledgers, before)
	if found {
		ledger.Device = r.Device.ID
		if err := k.tx.Put(ledgers, r.Device.ID, ledger); err != nil {
			return old, before, err
		}
	}
	for _, bucket := range []string{devices, ledgers, plans} {
		if err := k.tx.Delete(bucket, before); err != nil {
			return old, before, err
		}
	}
	for _, bucket := range []string{complaints, last, traffic, requests, daily, recents} {
		if err := k.rename(bucket, before); err != nil { // it is damaged
			k.agent.log.Error("what was kept of a device stays behind", "device", r.Device.ID, "before", before, "err", err)
		}
	}
	if err := k.tx.Put(names, before, r.Device.ID); err != nil {
		return old, before, err
	}
	return old, before, k.tx.Put(hosts, k.host, r.Device.ID)
}

// rename gives the values of a bucket whose key is the device's former id, or begins with it
// and a "|", to the device.
func (k *keeping) rename(bucket, before string) error {
	id := k.reading.Device.ID
	values := map[string]any{}
	err := k.tx.Each(bucket, before, func(key string, value []byte) error {
		rest := key[len(before):]
		if rest != "" && rest[0] != '|' {
			return nil
		}
		values[rest] = json.RawMessage(value)
		if bucket == daily { // whose values are looked up by the device that they name, too
			var e page.Entry
			if err := json.Unmarshal(value, &e); err != nil {
				return err
			}
			e.Device = id
			values[rest] = e
		}
		return nil
	})
	if err != nil {
		return err
	}
	for rest, value := range values {
		if err := k.tx.Delete(bucket, before+rest); err != nil {
			return err
		}
		if err := k.tx.Put(bucket, id+rest, value); err != nil {
			return err
		}
	}
	return nil
}

// presentName is the id under which a device is known now.
func presentName(tx *store.Tx, device string) string {
	var now string
	if known, err := tx.Get(names, device, &now); known && err == nil {
		return now
	}
	return device
}
