package agent

import (
	"slices"
	"time"

	"meteragent/store"
)

// goneMost is how many values of devices that are gone are dropped a day: the rest goes on
// the next one, so that a small machine has time for its readings.
const goneMost = 20_000

// forgetGone drops what is kept by the day of devices that are lost, or not asked any more,
// once it is older than what is kept of any device. So a copier that was scrapped does not
// take its room for ever. What waits for a portal, its orders, its last reading, and that it
// was known, stay. A device that is only silent so far keeps all: the clock may be wrong.
func (a *Agent) forgetGone(now time.Time) error {
	type value struct{ bucket, key string }
	var old []value
	err := a.store.View(func(tx *store.Tx) error {
		return a.eachDevice(tx, func(d Device) error {
			unread := now.Sub(d.LastRead)
			if _, asked := a.networkOf(d.Device.Address, d.Device.Port); asked && !d.Lost || unread <= recentKept || len(old) >= goneMost {
				return nil
			}
			buckets := []string{recents}
			if unread > dailyKept {
				buckets = append(buckets, daily)
			}
			for _, bucket := range buckets {
				days, err := daysBefore(tx, bucket, d.Device.ID, now)
				if err != nil {
					return err
				}
				for _, day := range days {
					old = append(old, value{bucket, day})
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(old, roomStep) {
		err := a.store.Update(func(tx *store.Tx) error {
			for _, v := range some {
				if err := tx.Delete(v.bucket, v.key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(old) > 0 {
		a.log.Info("the days of devices that are gone were dropped", "count", len(old))
	}
	return nil
}
