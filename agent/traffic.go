package agent

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"meteragent/agent/page"
	"meteragent/collector"
	"meteragent/store"
)

// trafficDays is how many days of a device's traffic are kept.
const trafficDays = 8

// A tally counts what devices are asked, until the next transaction takes it along:
// counting costs no write of its own. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	devices map[string]map[string]collector.Traffic // by id and local date
}

func newTally() *tally { return &tally{devices: map[string]map[string]collector.Traffic{}} }

// add counts traffic with a device.
func (t *tally) add(device string, at time.Time, c collector.Traffic) {
	if device == "" || c == (collector.Traffic{}) {
		return
	}
	t.back(map[string]map[string]collector.Traffic{device: {at.Format(time.DateOnly): c}})
}

// take empties the tally.
func (t *tally) take() map[string]map[string]collector.Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.devices
	t.devices = map[string]map[string]collector.Traffic{}
	return taken
}

// back adds what was taken and could not be stored.
func (t *tally) back(taken map[string]map[string]collector.Traffic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for device, days := range taken {
		if t.devices[device] == nil {
			t.devices[device] = map[string]collector.Traffic{}
		}
		for day, c := range days {
			t.devices[device][day] = t.devices[device][day].Plus(c)
		}
	}
}

// of is what is counted for a device beyond what is stored.
func (t *tally) of(device string) map[string]collector.Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.devices[device])
}

// putTraffic adds what was taken to what is stored. What cannot be read is begun anew:
// counts must not stand in the way of a reading.
func putTraffic(tx *store.Tx, taken map[string]map[string]collector.Traffic) error {
	for device, days := range taken {
		var stored []page.Day
		if _, err := tx.Get(traffic, device, &stored); err != nil {
			stored = nil
		}
		if err := tx.Put(traffic, device, withTraffic(stored, days)); err != nil {
			return err
		}
	}
	return nil
}

// withTraffic is days with more counted, the oldest first.
func withTraffic(days []page.Day, more map[string]collector.Traffic) []page.Day {
	for _, date := range slices.Sorted(maps.Keys(more)) {
		i, found := slices.BinarySearchFunc(days, date, func(d page.Day, date string) int { return strings.Compare(d.Date, date) })
		if !found {
			days = slices.Insert(days, i, page.Day{Date: date})
		}
		days[i].Traffic = days[i].Plus(more[date])
	}
	return days[max(len(days)-trafficDays, 0):]
}
