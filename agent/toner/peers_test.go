package toner_test

import (
	"encoding/json"
	"fmt"
	"time"

	"meteragent/agent/toner"
	"meteragent/collector"
)

// usual is the policy of a file that says nothing; agent/config holds it.
func usual() toner.Policy {
	return toner.Policy{
		Rules:    toner.Rules{{OrderBelow: 15, DaysLeft: 7, Source: "toner.order_below"}},
		Readings: 3, Over: time.Hour, Sudden: 12 * time.Hour, History: 14, Delivery: 3, Together: 3,
	}
}

// ours is this package. Its ledger goes through JSON now and then, as by a restart.
type ours struct {
	policy toner.Policy
	ledger toner.Ledger
	saved  []byte
	events []toner.Event
}

func (o *ours) see(r collector.Reading) (ids, keys []string) {
	d, next := toner.Decide(o.policy, o.ledger, r)
	o.ledger = next
	o.events = append(o.events, d.Events...)
	for _, order := range d.Orders {
		ids, keys = append(ids, order.ID), append(keys, order.Supply.Key)
	}
	return ids, keys
}

func (o *ours) say(id, state string) {
	o.ledger = o.ledger.Apply(toner.OrderState{ID: id, State: state})
}

func (o *ours) backup() { o.saved, _ = json.Marshal(o.ledger) }

func (o *ours) restore() {
	if o.saved != nil {
		o.ledger = toner.Ledger{}
		_ = json.Unmarshal(o.saved, &o.ledger)
	}
}

// A peer orders as the published rules of others say: below a percentage, or when a
// straight line through the last week ends within some days. One order is open until
// the level has risen by ten points.
type peer struct {
	below, days float64
	open        map[string]float64 // level at the order
	past        map[string][]point
	count       int
}

type point struct {
	at    time.Time
	level float64
}

func (p *peer) see(r collector.Reading) (ids, keys []string) {
	for _, s := range r.Supplies {
		if s.Level.Percent == nil {
			continue
		}
		level := *s.Level.Percent
		if at, open := p.open[s.Key]; open {
			if level > at+10 {
				delete(p.open, s.Key)
				p.past[s.Key] = nil
			} else {
				p.open[s.Key] = min(at, level)
			}
		}
		past := append(p.past[s.Key], point{r.TakenAt, level})
		for len(past) > 0 && r.TakenAt.Sub(past[0].at) > 7*24*time.Hour {
			past = past[1:]
		}
		p.past[s.Key] = past
		left := 1e9
		if took := r.TakenAt.Sub(past[0].at).Hours() / 24; took > 3 && past[0].level > level {
			left = level / ((past[0].level - level) / took)
		}
		if _, open := p.open[s.Key]; !open && (level < p.below || left < p.days) {
			p.open[s.Key] = level
			p.count++
			ids, keys = append(ids, fmt.Sprint(p.count)), append(keys, s.Key)
		}
	}
	return ids, keys
}

func (*peer) say(string, string) {}
func (*peer) backup()            {}
func (*peer) restore()           {}

func newPeer(below, days float64) func() brain {
	return func() brain {
		return &peer{below: below, days: days, open: map[string]float64{}, past: map[string][]point{}}
	}
}
