package agent

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/collector"
	"meteragent/store"
)

// recentAgent keeps entries as readings do.
func recentAgent(t *testing.T) (keep func(page.Entry), memory Memory) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{Destinations: []string{Portal}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	a := New(Options{Store: s, Config: config.Default()})
	return func(e page.Entry) {
		t.Helper()
		err := s.Update(func(tx *store.Tx) error { return (&keeping{agent: a, tx: tx}).recent(e) })
		if err != nil {
			t.Fatal(err)
		}
	}, Memory{Store: s}
}

// Every reading of two weeks comes back as it was, also a value that goes away and comes
// again; what is older is gone.
func TestRecent(t *testing.T) {
	keep, memory := recentAgent(t)
	now := time.Now().UTC().Truncate(time.Second)
	var want []page.Entry
	for i, at := 0, now.AddDate(0, 0, -20); at.Before(now); i, at = i+1, at.Add(47*time.Minute) {
		e := page.Entry{
			Device: "ABC12345", At: at,
			Meters:   map[string]int64{"total": int64(1000 + i/3), "copy": 5},
			Supplies: map[string]float64{"1.1": 80 - float64(i)/10},
		}
		if i%7 == 3 {
			delete(e.Meters, "copy")
			delete(e.Supplies, "1.1")
		}
		keep(e)
		keep(page.Entry{Device: "ABC12345|X", At: at, Model: "of another"}) // whose id begins alike
		if soon := at.Add(time.Minute); dayKey("", soon) == dayKey("", at) {
			keep(page.Entry{Device: "ABC12345", At: soon}) // too soon
		}
		if at.After(now.Add(-recentKept)) {
			want = append([]page.Entry{e}, want...)
		}
	}
	got, err := memory.Recent("ABC12345")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	days := 0
	err = memory.Store.View(func(tx *store.Tx) error {
		return tx.Each(recents, "ABC12345|2", func(string, []byte) error { days++; return nil })
	})
	if err != nil || days > 16 {
		t.Errorf("%d days are kept, %v", days, err)
	}
}

// The days of a device are its own, also where the id of another one begins alike.
func TestReadingsOfOneDevice(t *testing.T) {
	_, memory := recentAgent(t)
	at := time.Now().UTC().Truncate(time.Second)
	err := memory.Store.Update(func(tx *store.Tx) error {
		for _, device := range []string{"ABC12345", "ABC12345|X", "ABC123456"} {
			if err := tx.Put(daily, dayKey(device, at), page.Entry{Device: device, At: at}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]int{"ABC12345": 1, "ABC12345|X": 1, "ABC123456": 1, "ABC": 0, "": 3} {
		if got, err := memory.Readings(device); err != nil || len(got) != want || want == 1 && got[0].Device != device {
			t.Errorf("%q: %+v, %v; want %d", device, got, err, want)
		}
	}
}

// What is kept of a device is bounded, however often it is read and whatever it says, and
// little for one that prints all day.
func TestRecentSize(t *testing.T) {
	for name, c := range map[string]struct {
		days  int
		every time.Duration
		most  int // bytes of JSON a day, before they are packed
		entry func(i int) page.Entry
	}{
		"idle": {15, 30 * time.Minute, 700, func(int) page.Entry {
			return page.Entry{Meters: map[string]int64{"systemTotals.impressions.total": 5}, Supplies: map[string]float64{"1.1": 50}}
		}},
		"busy": {15, 30 * time.Minute, 2000, func(i int) page.Entry {
			return page.Entry{
				Meters: map[string]int64{
					"systemTotals.impressions.total": int64(100_000 + 31*i), "print.impressions.monochrome": int64(50_000 + 17*i),
					"copy.impressions.monochrome": int64(40_000 + 9*i), "print.impressions.fullColor": int64(10_000 + 5*i),
				},
				Supplies: map[string]float64{"1.1": 90 - float64(i)/20, "1.2": 80, "1.3": 70, "1.4": 60},
			}
		}},
		"hostile": {2, 5 * time.Minute, 50_000, func(i int) page.Entry {
			e := page.Entry{Meters: map[string]int64{}, Supplies: map[string]float64{}}
			for n := range 200 {
				e.Meters[fmt.Sprint("meter", i%2, ".", n)] = int64(i)
				e.Supplies[fmt.Sprint(n)] = float64(i)
			}
			return e
		}},
	} {
		t.Run(name, func(t *testing.T) {
			keep, memory := recentAgent(t)
			before, err := memory.Store.Usage()
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now().UTC().Truncate(24 * time.Hour)
			readings := 0
			for i, at := 0, now.AddDate(0, 0, -c.days); at.Before(now); i, at = i+1, at.Add(c.every) {
				e := c.entry(i)
				e.Device, e.At = "ABC12345", at
				keep(e)
				readings++
			}
			size, kept := 0, 0
			err = memory.Store.View(func(tx *store.Tx) error {
				return tx.Each(recents, "", func(_ string, value []byte) error {
					kept++
					size += len(value)
					return nil
				})
			})
			after, usageErr := memory.Store.Usage()
			if err != nil || usageErr != nil || size > c.most*kept {
				t.Errorf("%d bytes of %d days, %v, %v", size, kept, err, usageErr)
			}
			t.Logf("%d readings of %d days: %d bytes of JSON, %d bytes on disk", readings, kept, size, after.Used-before.Used)
		})
	}
}

// While the clock is wrong, nothing is filed under a day.
func TestRecentWithoutClock(t *testing.T) {
	keep, memory := recentAgent(t)
	keep(page.Entry{Device: "ABC12345", At: time.Now()})
	k := keeping{agent: New(Options{Store: memory.Store}), reading: collector.Reading{Clock: collector.ClockEstimated}}
	if err := k.recent(page.Entry{Device: "ABC12345", At: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if all, err := memory.Recent("ABC12345"); err != nil || len(all) != 1 {
		t.Errorf("%d readings, %v", len(all), err)
	}
}

// How a day is stored, for ever: databases hold it.
func TestRecentStored(t *testing.T) {
	text := `{"t":[60,1800,1805],"m":{"total":[1000,5,0],"copy":[7]},"s":{"1.1":[80,null,79.5]}}`
	var day recentDay
	if err := json.Unmarshal([]byte(text), &day); err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	want := []page.Entry{
		{At: midnight.Add(time.Minute), Meters: map[string]int64{"total": 1000, "copy": 7}, Supplies: map[string]float64{"1.1": 80}},
		{At: midnight.Add(31 * time.Minute), Meters: map[string]int64{"total": 1005}, Supplies: map[string]float64{}},
		{At: midnight.Add(61*time.Minute + 5*time.Second), Meters: map[string]int64{"total": 1005}, Supplies: map[string]float64{"1.1": 79.5}},
	}
	got := day.entries(midnight)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again := recentDay{Meters: map[string]column[int64]{}, Supplies: map[string]column[float64]{}}
	for i, e := range got {
		again.add(day.At[i], e)
	}
	if back, err := json.Marshal(again); err != nil || string(back) != `{"t":[60,1800,1805],"m":{"copy":[7],"total":[1000,5,0]},"s":{"1.1":[80,null,79.5]}}` {
		t.Errorf("stored again it is %s, %v", back, err)
	}
}

// FuzzColumn reads columns as encoding/json does.
func FuzzColumn(f *testing.F) {
	for _, text := range []string{"[1000,5,0]", "[80,null,79.5]", "[]", "[ 1 , null ]", "null", "[1e3]", "{}", `["1"]`, "[[1],2]", "[-9223372036854775808,true]"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var counts column[int64]
		var plain []*int64
		if err, plainErr := json.Unmarshal(text, &counts), json.Unmarshal(text, &plain); (err == nil) != (plainErr == nil) {
			t.Errorf("%q: %v, and plainly %v", text, err, plainErr)
		} else if err == nil && len(plain) > 0 {
			if diff := cmp.Diff(plain, []*int64(counts)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
		var percents column[float64]
		var plainly []*float64
		if err, plainErr := json.Unmarshal(text, &percents), json.Unmarshal(text, &plainly); (err == nil) != (plainErr == nil) {
			t.Errorf("%q: %v, and plainly %v", text, err, plainErr)
		} else if err == nil && len(plainly) > 0 {
			if diff := cmp.Diff(plainly, []*float64(percents)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
	})
}
