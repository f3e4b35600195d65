package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/toner"
	"meteragent/store"
	"meteragent/transport"
)

// open says whether an order still stands for its supply.
func (e OrderEntry) open() bool {
	switch toner.State(e.State) {
	case suggested, toner.Ordered, toner.Accepted, toner.Shipped:
		return true
	}
	return false
}

// kindAlert is the kind of record that says what happened to a cartridge.
const kindAlert = "alert"

// suggested is the state of an order that waits for a person's word.
const suggested = "suggested"

// tonerPolicy is what the configuration says of orders, as toner wants it.
func tonerPolicy(cfg config.Config) toner.Policy {
	t := cfg.Toner
	tells := func(p config.Portal) bool {
		return p.Orders && p.Kind == config.KindMeteragent && p.Receipts == "portal"
	}
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	return toner.Policy{
		Mode: toner.Mode(t.Mode), Rules: tonerRules(cfg),
		Readings: t.Confirm, Over: t.ConfirmOver, Sudden: t.Sudden,
		History: days(t.History), Delivery: days(t.Delivery), Together: days(t.Together),
		Untold: !slices.ContainsFunc(cfg.Portals, tells),
		Device: t.PerDevice, Site: t.PerSite, Quiet: t.Quiet, Excluded: t.NotInContract,
	}
}

// tonerRules are the rules of the configuration as toner wants them.
func tonerRules(cfg config.Config) toner.Rules {
	rules := toner.Rules{{
		OrderBelow: cfg.Toner.OrderBelow, DaysLeft: cfg.Toner.DaysLeft, PagesLeft: int64(cfg.Toner.PagesLeft),
		Source: "toner.order_below",
	}}
	for i, r := range cfg.Toner.Rules {
		rules = append(rules, toner.Rule{
			Model: r.Model, Colour: r.Colour, OrderBelow: r.OrderBelow, DaysLeft: r.DaysLeft, PagesLeft: int64(r.PagesLeft),
			Source: fmt.Sprintf("toner.rule[%d].order_below", i+1),
		})
	}
	for i, d := range cfg.Devices {
		for _, colour := range slices.Sorted(maps.Keys(d.OrderBelow)) {
			source := fmt.Sprintf("device[%d].order_below", i+1)
			if colour != "" {
				source += "." + colour
			}
			rules = append(rules, toner.Rule{Serial: d.Serial, Colour: colour, OrderBelow: d.OrderBelow[colour], Source: source})
		}
	}
	return rules
}

// decide lets the toner rules look at the reading.
func (k *keeping) decide() error {
	r := &k.reading
	if r.Lacks("supplies", "alerts", "meters", "device", "vendor") {
		return nil // what was not read is no sign of anything; the next reading decides
	}
	ledger := k.agent.ledger(k.tx, r.Device.ID, r.TakenAt)
	policy := k.agent.policy
	var err error
	if policy.Placed, err = placedWithin(k.tx, r.TakenAt); err != nil {
		return err
	}
	decided, next := toner.Decide(policy, ledger, *r)
	for _, o := range decided.Orders {
		if err := k.raise(o, policy.Mode == toner.Suggest); err != nil {
			return err
		}
	}
	for _, e := range decided.Events {
		if err := k.urge(kindAlert, e.Event+" "+e.Supply, e); err != nil {
			return err
		}
	}
	before := ledger.Orders()
	changed := slices.DeleteFunc(next.Orders(), func(s toner.OrderState) bool { return slices.Contains(before, s) })
	if err := k.agent.noteStates(k.tx, changed, r.TakenAt); err != nil {
		return err
	}
	if err := k.cartridges(ledger, next); err != nil {
		return err
	}
	return k.tx.Put(ledgers, r.Device.ID, next)
}

// raise writes an order down, and sends it unless a person must confirm it first.
func (k *keeping) raise(o toner.Order, waits bool) error {
	r := &k.reading
	entry := OrderEntry{Order: o, Model: r.Device.Model, State: string(toner.Ordered), Changed: r.TakenAt}
	if waits {
		entry.State = suggested
	}
	if err := k.tx.Put(orders, o.ID, entry); err != nil {
		return err
	}
	if err := k.tx.Put(placed, placedKey(o.DecidedAt, o.ID), true); err != nil {
		return err
	}
	k.happened = append(k.happened, Notice{
		What: OrderRaised, Device: r.Device.ID, Model: r.Device.Model, Host: k.host, Order: &entry,
	})
	if waits {
		return nil
	}
	return k.urge(kindOrder, o.ID, o)
}

// placedKey sorts orders by when they were decided.
func placedKey(at time.Time, id string) string { return at.UTC().Format(time.RFC3339) + "|" + id }

// placedWithin counts the orders of all devices of the day up to now, and forgets in its list
// those before. Later ones are of a clock that was ahead.
func placedWithin(tx *store.Tx, now time.Time) (n int, err error) {
	var old []string
	first, end := placedKey(now.Add(-24*time.Hour), ""), placedKey(now.Add(time.Second), "")
	err = tx.Each(placed, "", func(key string, _ []byte) error {
		switch {
		case key < first:
			old = append(old, key)
		case key < end:
			n++
		}
		return nil
	})
	for _, key := range old {
		if err := tx.Delete(placed, key); err != nil {
			return n, err
		}
	}
	return n, err
}

// noteStates brings the entries of orders up to date.
func (a *Agent) noteStates(tx *store.Tx, states []toner.OrderState, at time.Time) error {
	for _, s := range states {
		e, known := recall[OrderEntry](tx, a.log, orders, s.ID)
		if !known || e.State == s.State {
			continue
		}
		e.State, e.Changed = s.State, at
		if err := tx.Put(orders, s.ID, e); err != nil {
			return err
		}
	}
	return nil
}

// applyOrderStates writes down what the portal said of orders. An order that is not
// ours is passed over.
func (a *Agent) applyOrderStates(tx *store.Tx, said []transport.OrderState, at time.Time) error {
	for _, s := range said {
		e, known := recall[OrderEntry](tx, a.log, orders, s.ID)
		if !known {
			continue
		}
		device := presentName(tx, e.Order.Device.ID)
		ledger := a.ledger(tx, device, at).Apply(toner.OrderState(s))
		if err := tx.Put(ledgers, device, ledger); err != nil {
			return err
		}
		if err := a.noteStates(tx, ledger.Orders(), at); err != nil {
			return err
		}
	}
	return nil
}

// ShowOrder is an order as the page and the commands show it.
func ShowOrder(e OrderEntry) page.Order {
	o := e.Order
	name := cmp.Or(o.Supply.Description, strings.TrimSpace(o.Supply.Colorant+" "+o.Supply.Type))
	return page.Order{
		ID: o.ID, Device: o.Device.ID, Model: o.Device.Model, Supply: o.Supply.Key, Name: name,
		State: e.State, At: o.DecidedAt, Why: o.Reason, Part: o.Supply.PartNumber,
		Changed: e.Changed, Evidence: o.Evidence,
	}
}

// appendBody puts a body into the outbox as JSON.
func appendBody(tx *store.Tx, lane, kind, subject string, at time.Time, body any) error {
	return appendRecord(tx, store.Record{Lane: lane, Kind: kind, Subject: subject, At: at}, body)
}

func appendRecord(tx *store.Tx, r store.Record, body any) error {
	_, err := tx.Append(r, body)
	return err
}
