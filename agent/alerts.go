package agent

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"meteragent/agent/alert"
	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/collector"
	"meteragent/store"
)

// alertPolicy is how long a complaint must last, and how many are told. With the usual
// interval of readings, what a person mends within half an hour is not told.
func alertPolicy() alert.Policy {
	return alert.Policy{Readings: 2, Over: 10 * time.Minute, Daily: 20}
}

// complain tells of what the device complains of.
func (k *keeping) complain() error {
	r := &k.reading
	if r.Lacks("alerts", "device", "supplies") {
		return nil // what was not read is not known to be gone
	}
	ledger, found := recall[alert.Ledger](k.tx, k.agent.log, complaints, r.Device.ID)
	events, next := alert.Decide(alertPolicy(), ledger, *r)
	for _, e := range events {
		var err error
		if e.Urgent() {
			err = k.urge(kindAlert, e.About(), e)
		} else {
			err = k.append(store.Bulk, kindAlert, e)
		}
		if err != nil {
			return err
		}
	}
	if !found && len(next.Known) == 0 {
		return k.tx.Delete(complaints, r.Device.ID) // it may be one that cannot be read
	}
	return k.tx.Put(complaints, r.Device.ID, next)
}

// trouble adds what is wrong with a device: what it complains of, and what it would need.
func trouble(tx *store.Tx, s *page.Status, d page.Device) error {
	alerts, err := showAlerts(tx, d.ID)
	if err != nil {
		return err
	}
	held, err := showHeld(tx, d.ID, d.Reading)
	s.Alerts, s.Held = append(s.Alerts, alerts...), append(s.Held, held...)
	return err
}

// showAlerts are the conditions of a device that were raised and are not over.
func showAlerts(tx *store.Tx, device string) (all []page.Alert, err error) {
	var ledger alert.Ledger
	_, err = tx.Get(complaints, device, &ledger)
	for _, c := range ledger.Raised() {
		all = append(all, page.Alert{ID: c.ID, Device: device, Since: c.First, Condition: c.Condition})
	}
	return all, err
}

// showHeld are the supplies of a device that are due and not ordered.
func showHeld(tx *store.Tx, device string, r *collector.Reading) (all []page.Held, err error) {
	var ledger toner.Ledger
	if _, err := tx.Get(ledgers, device, &ledger); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(ledger.Supplies)) {
		if hold := ledger.Supplies[key].Hold(); hold != "" {
			all = append(all, page.Held{Device: device, Supply: key, Name: supplyName(r, key), Why: string(hold)})
		}
	}
	return all, nil
}

// supplyName is what the last reading calls a supply.
func supplyName(r *collector.Reading, key string) string {
	if r != nil {
		for _, s := range r.Supplies {
			if s.Key == key {
				return cmp.Or(s.Description, strings.TrimSpace(s.Colorant+" "+s.Type))
			}
		}
	}
	return key
}
