package cli

import (
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"time"

	"meteragent/agent/page"
)

// readingsCSV writes one line for each meter and each measured supply. The columns
// stay the same for ever: new ones are added at the end.
func (a *app) readingsCSV(entries []page.Entry) error {
	w := csv.NewWriter(a.out)
	w.Write([]string{"at", "device", "model", "kind", "name", "value"})
	for _, e := range entries {
		at := e.At.UTC().Format(time.RFC3339)
		for _, name := range sortedKeys(e.Meters) {
			w.Write([]string{at, e.Device, e.Model, "meter", name, strconv.FormatInt(e.Meters[name], 10)})
		}
		for _, key := range sortedKeys(e.Supplies) {
			w.Write([]string{at, e.Device, e.Model, "supply", key, strconv.FormatFloat(e.Supplies[key], 'f', -1, 64)})
		}
	}
	w.Flush()
	return w.Error() // also of every Write
}

func (a *app) ordersCSV(all []page.Order) error {
	w := csv.NewWriter(a.out)
	w.Write([]string{"at", "id", "device", "model", "supply", "name", "state", "percent", "orderBelow", "reason", "rule", "partNumber"})
	for _, o := range all {
		percent := ""
		if o.Why.Percent != nil {
			percent = strconv.FormatFloat(*o.Why.Percent, 'f', -1, 64)
		}
		w.Write([]string{
			o.At.UTC().Format(time.RFC3339), o.ID, o.Device, o.Model, o.Supply, o.Name, o.State,
			percent, strconv.Itoa(o.Why.OrderBelow), string(o.Why.Code), o.Why.Rule, o.Part,
		})
	}
	w.Flush()
	return w.Error()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (a *app) rejectedCSV(all []page.Rejected) error {
	w := csv.NewWriter(a.out)
	w.Write([]string{"at", "id", "portal", "kind", "device", "made", "reason"})
	for _, r := range all {
		w.Write([]string{r.At.UTC().Format(time.RFC3339), r.ID, r.Portal, r.Kind, r.Device, r.Made.UTC().Format(time.RFC3339), r.Reason})
	}
	w.Flush()
	return w.Error()
}
