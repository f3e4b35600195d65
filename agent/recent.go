package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"meteragent/agent/page"
	"meteragent/collector"
	"meteragent/store"
)

// The readings of the last two weeks, each by itself: what the values of the days do not
// show. A copier's day is one value, so that a reading changes one and old days go whole.
// What it takes is bounded: at most 96 readings a day of at most 64 values, however often a
// copier is read and whatever it says.

const (
	recentKept  = 14 * 24 * time.Hour
	recentEvery = 15 * time.Minute // of what is read more often, some is left out
	recentNames = 64               // meters and supplies
)

// A recentDay is a day of a device, by columns, which pack well. A column may be shorter
// than the others: what it lacks was not there.
type recentDay struct {
	At       []int                      `json:"t"` // seconds since the reading before, of the first since midnight in UTC
	Meters   map[string]column[int64]   `json:"m"` // by PWG name: what was added to the value before; null: it was not there
	Supplies map[string]column[float64] `json:"s"` // by supply key: percents
}

// A column is one value of each reading; nil where there was none.
type column[V int64 | float64] []*V

// UnmarshalJSON does what encoding/json would, which makes each value by itself and takes five times
// as long. Every reading decodes its day.
func (c *column[V]) UnmarshalJSON(text []byte) error {
	list, ok := bytes.CutPrefix(text, []byte("["))
	list, closed := bytes.CutSuffix(list, []byte("]"))
	if string(text) == "null" {
		return nil
	}
	if !ok || !closed {
		return fmt.Errorf("%.20q is no column", text)
	}
	*c = nil
	if len(bytes.TrimSpace(list)) == 0 {
		return nil
	}
	values := make([]V, bytes.Count(list, []byte(","))+1)
	*c = make(column[V], len(values))
	i := 0
	for cell := range bytes.SplitSeq(list, []byte(",")) {
		if cell = bytes.TrimSpace(cell); string(cell) != "null" {
			var err error
			switch v := any(&values[i]).(type) {
			case *int64:
				*v, err = strconv.ParseInt(string(cell), 10, 64)
			case *float64:
				*v, err = strconv.ParseFloat(string(cell), 64)
			}
			if err != nil {
				return err
			}
			(*c)[i] = &values[i]
		}
		i++
	}
	return nil
}

// recent adds a reading to its day.
func (k *keeping) recent(e page.Entry) error {
	if k.reading.Clock == collector.ClockEstimated {
		return nil // it may be of another day
	}
	at := e.At.UTC()
	key := dayKey(e.Device, at)
	day, known := recall[recentDay](k.tx, k.agent.log, recents, key)
	since := int(at.Sub(at.Truncate(24*time.Hour)) / time.Second)
	for _, seconds := range day.At {
		since -= seconds
	}
	if known && since < int(recentEvery/time.Second) {
		return nil
	}
	if !known {
		day = recentDay{Meters: map[string]column[int64]{}, Supplies: map[string]column[float64]{}}
		if err := forgetDays(k.tx, recents, e.Device, at.Add(-recentKept)); err != nil {
			return err
		}
	}
	day.add(since, e)
	return k.tx.Put(recents, key, day)
}

// add adds an entry, so many seconds after the last one.
func (d *recentDay) add(since int, e page.Entry) {
	n := len(d.At)
	d.At = append(d.At, since)
	left := recentNames - len(d.Meters) - len(d.Supplies)
	for _, name := range slices.Sorted(maps.Keys(e.Meters)) {
		more := e.Meters[name]
		for _, before := range d.Meters[name] {
			if before != nil {
				more -= *before
			}
		}
		put(d.Meters, name, n, &left, more)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Supplies)) {
		put(d.Supplies, key, n, &left, e.Supplies[key])
	}
}

// put puts a value into row n of a column, which is a new one only if any are left.
func put[V int64 | float64](columns map[string]column[V], name string, n int, left *int, value V) {
	column, known := columns[name]
	if !known && *left == 0 {
		return
	}
	if !known {
		*left--
	}
	for len(column) < n {
		column = append(column, nil)
	}
	columns[name] = append(column, &value)
}

// entries are the readings of a day that began at midnight, the oldest first.
func (d *recentDay) entries(midnight time.Time) (all []page.Entry) {
	sums := map[string]int64{}
	at := midnight
	for n, seconds := range d.At {
		at = at.Add(time.Duration(seconds) * time.Second)
		e := page.Entry{At: at, Meters: map[string]int64{}, Supplies: map[string]float64{}}
		for name, column := range d.Meters {
			if n < len(column) && column[n] != nil {
				sums[name] += *column[n]
				e.Meters[name] = sums[name]
			}
		}
		for key, column := range d.Supplies {
			if n < len(column) && column[n] != nil {
				e.Supplies[key] = *column[n]
			}
		}
		all = append(all, e)
	}
	return all
}

// Recent are a device's readings of the last two weeks, newest first.
func (m Memory) Recent(device string) ([]page.Entry, error) {
	all := []page.Entry{}
	from := time.Now().Add(-recentKept)
	err := m.Store.View(func(tx *store.Tx) error {
		var d Device
		if _, err := tx.Get(devices, device, &d); err != nil {
			return err
		}
		return tx.Each(recents, device+"|", func(key string, value []byte) error {
			midnight, err := time.Parse(time.DateOnly, strings.TrimPrefix(key, device+"|"))
			if err != nil {
				return nil // of a device whose id begins with this one
			}
			var day recentDay
			if err := json.Unmarshal(value, &day); err != nil {
				return fmt.Errorf("%w: %s %q: %w", errUnreadable, recents, key, err)
			}
			for _, e := range day.entries(midnight) {
				if e.Device, e.Model = device, d.Device.Model; e.At.After(from) {
					all = append(all, e)
				}
			}
			return nil
		})
	})
	slices.Reverse(all)
	return all, err
}

// dayKey is the key of a device's day, where a bucket has one value for each.
func dayKey(device string, at time.Time) string { return device + "|" + at.UTC().Format(time.DateOnly) }

// forgetDays drops a device's days before the one of oldest.
func forgetDays(tx *store.Tx, bucket, device string, oldest time.Time) error {
	old, err := daysBefore(tx, bucket, device, oldest)
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := tx.Delete(bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// daysBefore are the keys of a device's days before the one of oldest.
func daysBefore(tx *store.Tx, bucket, device string, oldest time.Time) (keys []string, err error) {
	first := dayKey(device, oldest)
	err = tx.Each(bucket, device+"|", func(key string, _ []byte) error {
		if len(key) == len(first) && key < first {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}
