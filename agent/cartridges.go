package agent

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"meteragent/agent/toner"
	"meteragent/store"
)

// A Place is where a cartridge with a serial number was seen last.
type Place struct {
	Device string    `json:"device"`
	Supply string    `json:"supply"` // key
	At     time.Time `json:"at"`     // when it was first seen there
}

// cartridgeKept is how long it is remembered where a cartridge was.
const cartridgeKept = 400 * 24 * time.Hour

// cartridges tells of those that were in another device before, and notes where they are.
func (k *keeping) cartridges(before, next toner.Ledger) error {
	for _, key := range slices.Sorted(maps.Keys(next.Supplies)) {
		s := next.Supplies[key]
		if s.Serial == before.Supplies[key].Serial || !toner.Telling(s.Serial) {
			continue
		}
		if err := k.cartridge(key, s); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeping) cartridge(key string, s toner.Supply) error {
	r := &k.reading
	was, known := recall[Place](k.tx, k.agent.log, cartridges, s.Serial)
	was.Device = presentName(k.tx, was.Device)
	if known && was.Device != r.Device.ID {
		if k.stillThere(was, s) {
			return nil
		}
		e := toner.Event{
			Event: "supplyMoved", At: r.TakenAt, Device: r.Device.ID, Supply: key, Name: supplyName(r, key),
			Cartridge: s.Cartridge, Serial: s.Serial, From: was.Device,
		}
		if err := k.append(store.Bulk, kindAlert, e); err != nil {
			return err
		}
	}
	if err := forgetCartridges(k.tx, r.TakenAt.Add(-cartridgeKept)); err != nil {
		return err
	}
	return k.tx.Put(cartridges, s.Serial, Place{Device: r.Device.ID, Supply: key, At: r.TakenAt})
}

// stillThere says that the other device has told the same number since: then it is no
// cartridge's own.
func (k *keeping) stillThere(was Place, s toner.Supply) bool {
	other, _ := recall[toner.Ledger](k.tx, k.agent.log, ledgers, was.Device)
	return other.Supplies[was.Supply].Serial == s.Serial && !other.Last.Before(s.Since)
}

func forgetCartridges(tx *store.Tx, before time.Time) error {
	var old []string
	err := tx.Each(cartridges, "", func(serial string, value []byte) error {
		var p Place
		if err := json.Unmarshal(value, &p); err == nil && p.At.Before(before) {
			old = append(old, serial)
		}
		return nil
	})
	for _, serial := range old {
		if err := tx.Delete(cartridges, serial); err != nil {
			return err
		}
	}
	return err
}
