package agent

import (
	"bytes"

	"meteragent/collector"
	"meteragent/store"
)

// plan is how the collector wants to read a device, as it said after the last reading.
// It stays in the database, so that thousands of devices cost no memory. Without one
// the device is read in full, so that a plan that cannot be read needs no mending.
func (a *Agent) plan(device string) collector.Plan {
	var p collector.Plan
	err := a.store.View(func(tx *store.Tx) error {
		_, err := tx.Get(plans, device, &p)
		return err
	})
	if err != nil {
		return nil
	}
	return p
}

// plan keeps what the reading has taught for the next one. Most readings leave it as it
// was.
func (k *keeping) plan() error {
	learnt := k.reading.Plan
	if len(learnt) == 0 {
		return nil
	}
	var known collector.Plan
	if _, err := k.tx.Get(plans, k.reading.Device.ID, &known); err == nil && bytes.Equal(known, learnt) {
		return nil
	}
	return k.tx.Put(plans, k.reading.Device.ID, learnt)
}
