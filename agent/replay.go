package agent

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/collector"
)

// A Replayed order is one that would have been placed.
type Replayed struct {
	Order toner.Order
	Empty time.Time // when the history says 0 percent before the parcel would have come; zero if it does not
}

// Replay goes through the history from a time on and says what would have been ordered
// under a configuration. History has one reading a day, so two in a row are enough,
// and none is doubted.
func Replay(cfg config.Config, devices []page.Device, history []page.Entry, from time.Time) (all []Replayed) {
	policy := tonerPolicy(cfg)
	policy.Readings, policy.Over, policy.Sudden, policy.Site = 2, 0, 0, 0
	if policy.Mode == toner.Suggest {
		policy.Mode = ""
	}
	entries := slices.Clone(history)
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].At.Before(entries[j].At) })
	for _, d := range devices {
		if d.Reading == nil {
			continue
		}
		var ledger toner.Ledger
		var mine []Replayed
		for _, e := range entries {
			if e.Device != d.ID {
				continue
			}
			decided, next := toner.Decide(policy, ledger, past(*d.Reading, e))
			ledger = next
			for _, o := range decided.Orders {
				mine = append(mine, Replayed{Order: o})
			}
			for i, r := range mine {
				level, told := e.Supplies[r.Order.Supply.Key]
				waits := e.At.Before(r.Order.DecidedAt.Add(cfg.Toner.Delivery))
				if told && level == 0 && waits && r.Empty.IsZero() {
					mine[i].Empty = e.At
				}
			}
		}
		all = append(all, slices.DeleteFunc(mine, func(r Replayed) bool { return r.Order.DecidedAt.Before(from) })...)
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i].Order, all[j].Order
		return cmp.Or(a.DecidedAt.Compare(b.DecidedAt), strings.Compare(a.ID, b.ID)) < 0
	})
	return all
}

// past is the reading of a day, as far as the history has it: the device's last
// reading with the levels and the counters of that day.
func past(r collector.Reading, e page.Entry) collector.Reading {
	r.TakenAt, r.Alerts, r.Status, r.Meters = e.At, nil, collector.Status{}, nil
	for name, value := range e.Meters {
		r.Meters = append(r.Meters, collector.Meter{Name: name, Value: value, Primary: true})
	}
	supplies := slices.Clone(r.Supplies)
	for i := range supplies {
		s := &supplies[i]
		s.Level, s.SerialNumber = collector.Level{Kind: collector.Unknown}, ""
		if percent, told := e.Supplies[s.Key]; told {
			s.Level = collector.Level{Kind: collector.Measured, Percent: &percent}
		}
	}
	r.Supplies = supplies
	return r
}
