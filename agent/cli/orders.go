package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/agent/toner"
)

func (a *app) ordersCommand() *cobra.Command {
	var csv bool
	var why string
	c := &cobra.Command{
		Use: "orders", Short: a.say.Say("help.orders"), Long: a.long(text.Key("help.orders.long")), Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&csv, "csv", false, a.say.Say("help.flag.csv"))
	c.Flags().StringVar(&why, "why", "", a.say.Say("help.flag.why"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []page.Order
		err := a.ask(c.Context(), "/orders.json", &all, func(m agent.Memory) (any, error) { return m.Orders() })
		switch {
		case err != nil:
			return err
		case why != "":
			return a.explain(all, why)
		case a.json:
			return a.printJSON(all)
		case csv:
			return a.ordersCSV(all)
		}
		a.printOrders(all)
		return nil
	}
	c.AddCommand(
		a.changeCommand("confirm", text.Key("help.orders.confirm"), text.Key("orders.confirmed"), agent.Memory.Confirm),
		a.changeCommand("reopen", text.Key("help.orders.reopen"), text.Key("orders.reopened"), agent.Memory.Reopen),
		a.replayCommand(),
	)
	return c
}

// changeCommand changes one order in the database. A running agent has the database to
// itself, and its page is read-only, so the agent must be stopped first.
func (a *app) changeCommand(name string, help, said text.Key, how func(agent.Memory, string, time.Time) (agent.OrderEntry, error)) *cobra.Command {
	c := &cobra.Command{Use: name + " ID", Short: a.say.Say(help), Long: a.long(text.Key("help.orders.change")), Args: cobra.ExactArgs(1)}
	c.RunE = func(_ *cobra.Command, args []string) error {
		return a.withMemory(func(m agent.Memory) error {
			e, err := how(m, args[0], time.Now())
			if err != nil {
				hint := text.Key("hint.orders")
				if errors.Is(err, agent.ErrState) {
					hint = text.Key("hint.orders.state")
				}
				return failure{code: failed, err: err, hint: hint}
			}
			o := agent.ShowOrder(e)
			a.printf("%s\n", text.Wrap(a.say.Say(said, "id", short(o.ID), "name", o.Name, "device", o.Device), width, "  "))
			return nil
		})
	}
	return c
}

func (a *app) replayCommand() *cobra.Command {
	var days, below, left int
	c := &cobra.Command{
		Use: "simulate", Short: a.say.Say("help.orders.simulate"), Long: a.long(text.Key("help.orders.simulate.long")), Args: cobra.NoArgs,
	}
	c.Flags().IntVar(&days, "days", 90, a.say.Say("help.flag.days"))
	c.Flags().IntVar(&below, "order-below", 0, a.say.Say("help.flag.below"))
	c.Flags().IntVar(&left, "days-left", 0, a.say.Say("help.flag.left"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if days < 1 || below < 0 || left < 0 {
			return usageError(errors.New(a.say.Say("error.simulate")))
		}
		cfg, err := a.load()
		if err != nil {
			return err
		}
		if c.Flags().Changed("order-below") {
			cfg.Toner.OrderBelow = below
		}
		if c.Flags().Changed("days-left") {
			cfg.Toner.DaysLeft = left
		}
		var status page.Status
		var history []page.Entry
		err = errors.Join(
			a.ask(c.Context(), "/status.json?lang="+string(a.say.Lang()), &status, func(m agent.Memory) (any, error) { return m.Status(string(a.say.Lang())) }),
			a.ask(c.Context(), "/readings.json", &history, func(m agent.Memory) (any, error) { return m.Readings("") }),
		)
		if err != nil {
			return err
		}
		a.printReplay(agent.Replay(cfg, status.Devices, history, status.Now.AddDate(0, 0, -days)), days)
		return nil
	}
	return c
}

func (a *app) printReplay(all []agent.Replayed, days int) {
	a.printf("%s\n", text.Wrap(a.say.Say("orders.replay", "days", days, "count", len(all)), width, ""))
	empty := 0
	for _, r := range all {
		o := agent.ShowOrder(agent.OrderEntry{Order: r.Order})
		a.printf("%s\n", text.Wrap("  "+joined([]string{a.say.Time(o.At), o.Device, o.Name}, "  "), width, "    "))
		a.printf("%s\n", text.Wrap("    "+o.Why.Say(a.say), width, "    "))
		if !r.Empty.IsZero() {
			empty++
			a.printf("%s\n", text.Wrap("    "+a.say.Say("orders.replay.empty", "at", r.Empty), width, "    "))
		}
	}
	a.printf("%s\n", text.Wrap(a.say.Say("orders.replay.sum", "empty", empty), width, ""))
}

func (a *app) printOrders(all []page.Order) {
	if len(all) == 0 {
		a.printf("%s\n", a.say.Say("orders.none"))
		return
	}
	for _, o := range all {
		head := joined([]string{
			a.say.Time(o.At), short(o.ID), o.Device, o.Name, a.say.Say(text.Key("order.state." + o.State)), o.Part,
		}, "  ")
		a.printf("%s\n%s\n", text.Wrap("  "+head, width, "    "), text.Wrap("    "+o.Why.Say(a.say), width, "    "))
	}
}

// short is as much of an order's id as a person needs.
func short(id string) string { return id[:min(8, len(id))] }

// explain tells everything that an order rests on.
func (a *app) explain(all []page.Order, id string) error {
	var found []page.Order
	for _, o := range all {
		if strings.HasPrefix(o.ID, id) {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 0:
		return failure{code: failed, err: fmt.Errorf("order %s: %w", id, agent.ErrNoOrder), hint: text.Key("hint.orders")}
	case len(found) > 1:
		return failure{code: failed, err: fmt.Errorf("order %s: %w", id, agent.ErrAmbiguous), hint: text.Key("hint.orders")}
	case a.json:
		return a.printJSON(found[0])
	}
	a.printWhy(found[0])
	return nil
}

func (a *app) printWhy(o page.Order) {
	e := o.Evidence
	a.printf("%s\n", text.Wrap(joined([]string{o.Name, o.Part, o.Model, o.Device}, " · "), width, "  "))
	a.line(text.Key("why.order"), o.ID)
	a.line(text.Key("why.state"), a.say.Say("why.since", "state", a.say.Say(text.Key("order.state."+o.State)), "at", o.Changed))
	a.line(text.Key("why.decided"), a.say.Time(o.At))
	a.line(text.Key("why.reason"), o.Why.Say(a.say))
	a.line(text.Key("why.forecast"), a.forecast(e.Forecast))
	if f := e.Forecast; f.Arrival != nil {
		a.line(text.Key("why.arrival"), a.say.Say("why.arrives", "percent", a.say.Decimal(*f.Arrival)))
	}
	a.line(text.Key("why.cartridge"), a.say.Say("why.number", "number", e.Cartridge, "since", e.CartridgeSince))
	a.line(text.Key("why.readings"), "")
	t := table{right: map[int]bool{1: true, 2: true}, give: 3}
	for _, r := range e.Readings {
		percent, pages := "", ""
		if r.Percent != nil {
			percent = a.say.Decimal(*r.Percent) + " %"
		}
		if r.Pages != nil {
			pages = a.say.Say("why.pages", "pages", a.say.Number(*r.Pages))
		}
		t.add("  "+a.say.Time(r.At), percent, pages, r.Signal)
	}
	a.printf("%s", t.String())
}

// forecast puts a forecast in words.
func (a *app) forecast(f toner.Forecast) string {
	if f.Days == 0 {
		return a.say.Say(text.Key("why.forecast."+string(f.Confidence)), "days", f.History)
	}
	return a.say.Say("why.lasts", "days", a.say.Decimal(f.Days), "soonest", a.say.Decimal(f.Soonest), "latest", a.say.Decimal(f.Latest),
		"empty", a.say.Date(f.Empty), "history", f.History, "confidence", a.say.Say(text.Key("why.forecast."+string(f.Confidence))))
}

// line prints a label and what belongs to it.
func (a *app) line(label text.Key, value string) {
	const column = 14
	name := a.say.Say(label)
	pad := strings.Repeat(" ", max(1, column-2-len([]rune(name))))
	a.printf("%s\n", strings.TrimRight(text.Wrap("  "+name+pad+value, width, strings.Repeat(" ", column)), " "))
}
