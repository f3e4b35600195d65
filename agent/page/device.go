package page

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"meteragent/agent/text"
)

const totalMeter = "systemTotals.impressions.total"

// device shows each reading of a device in the last two weeks.
func (f Facts) device(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("device")
	entries, err := f.Recent(id)
	if err != nil {
		f.fail(w, err)
		return
	}
	status, err := f.Status(language(r))
	if err != nil {
		f.fail(w, err)
		return
	}
	v := view{Catalogue: text.For(language(r)), status: status}
	f.html(w, http.StatusOK, v.further(v.Say("device.title", "device", id),
		given(len(entries) == 0, el("p", words(v.Say("device.none")))),
		given(len(entries) > 0, el("section", v.history(id, entries)))))
}

// history is a table of entries, the newest first.
func (v view) history(device string, entries []Entry) part {
	keys := map[string]bool{}
	for _, e := range entries {
		for key := range e.Supplies {
			keys[key] = true
		}
	}
	names := []string{v.Say("device.when"), v.Say("device.total"), v.Say("device.since")}
	supplies := slices.Sorted(maps.Keys(keys))
	for _, key := range supplies {
		names = append(names, v.supplyName(device, key))
	}
	return table("history", names, v.rows(entries, supplies))
}

func (v view) rows(entries []Entry, supplies []string) (rows [][]string) {
	for i, e := range entries {
		row := []string{v.Time(e.At), "", ""}
		if now, ok := e.Meters[totalMeter]; ok {
			row[1] = v.Number(now)
			if i+1 < len(entries) {
				if before, ok := entries[i+1].Meters[totalMeter]; ok && now != before {
					row[2] = v.change(now - before)
				}
			}
		}
		for _, key := range supplies {
			level := ""
			if p, ok := e.Supplies[key]; ok {
				level = v.Decimal(p) + " %"
			}
			row = append(row, level)
		}
		rows = append(rows, row)
	}
	return rows
}

func (v view) change(n int64) string {
	if n > 0 {
		return "+" + v.Number(n)
	}
	return v.Number(n) // a counter does not run backwards: a technician should see it
}

// supplyName is what the last reading calls a supply.
func (v view) supplyName(device, key string) string {
	for _, d := range v.status.Devices {
		if d.ID != device || d.Reading == nil {
			continue
		}
		for _, s := range d.Reading.Supplies {
			if s.Key == key {
				return cmp.Or(s.Description, v.supplyWords(s), key)
			}
		}
	}
	return key
}
