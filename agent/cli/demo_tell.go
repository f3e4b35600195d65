package cli

import (
	"context"
	"time"

	"meteragent/agent"
	"meteragent/agent/text"
)

// line prints one line of the demo: when, what, more.
func (d *demo) line(word text.Key, more string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.app.printf("%6.1f s  %-11s  %s\n", time.Since(d.start).Seconds(), d.app.say.Say(word), cut(more, width-23))
}

// notice tells what the agent did.
func (d *demo) notice(n agent.Notice) {
	say := d.app.say
	switch n.What {
	case agent.DeviceFound:
		d.line(text.Key("demo.word.found"), say.Say("demo.found", "device", n.Device, "model", n.Model, "host", n.Host))
	case agent.DeviceSilent:
		d.line(text.Key("demo.word.silent"), say.Say("demo.silent", "host", n.Host))
	case agent.OrderRaised:
		d.mu.Lock()
		d.orders = append(d.orders, n.Order.Order.ID)
		d.mu.Unlock()
		o := n.Order.Order
		d.line(text.Key("demo.word.order"), say.Say("demo.order", "device", n.Device, "supply", o.Supply.Description))
		d.line(text.Key("demo.word.why"), o.Reason.Say(say))
	case agent.Delivered:
		d.mu.Lock()
		d.fresh, d.all = d.fresh+n.Count, d.all+n.Count
		fresh, all, quiet := d.fresh, d.all, time.Since(d.told) < demoPause
		if !quiet {
			d.fresh, d.told = 0, time.Now()
		}
		d.mu.Unlock()
		if !quiet {
			d.line(text.Key("demo.word.confirmed"), say.Say("demo.confirmed", "count", fresh, "all", all))
		}
	case agent.DeliveryFailing:
		d.line(text.Key("demo.word.kept"), say.Say("demo.kept"))
	case agent.DeliveryBack:
		d.line(text.Key("demo.word.back"), say.Say("demo.back", "time", n.Took.Round(time.Second)))
	}
}

// ship plays the dealer and the customer: the order leaves, the cartridge arrives
// and is put in.
func (d *demo) ship(ctx context.Context, id string) {
	say := d.app.say
	if !d.portal.SetOrder(id, "shipped") {
		return // not there yet: the portal was down
	}
	d.line(text.Key("demo.word.portal"), say.Say("demo.shipped"))
	wait(ctx, demoShip)
	if ctx.Err() != nil {
		return
	}
	for _, c := range d.copiers {
		for _, s := range c.Supplies() {
			if s.Percent < 15 && c.ReplaceSupply(s.Key) == nil {
				d.line(text.Key("demo.word.copier"), say.Say("demo.replaced", "device", c.Serial(), "supply", s.Description))
			}
		}
	}
}
