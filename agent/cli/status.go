package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/store"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: a.say.Say("help.status"), Long: a.long(text.Key("help.status.long")), Args: cobra.NoArgs,
	}
	var outgoing bool
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&outgoing, "outgoing", false, a.say.Say("help.flag.outgoing"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if outgoing {
			return a.showOutgoing(c.Context())
		}
		var s page.Status
		err := a.ask(c.Context(), "/status.json?lang="+string(a.say.Lang()), &s, func(m agent.Memory) (any, error) { return m.Status(string(a.say.Lang())) })
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(s)
		}
		a.printStatus(s)
		return nil
	}
	return c
}

// showOutgoing prints the last messages exactly as they left, the newest last, as on
// a roll of paper.
func (a *app) showOutgoing(ctx context.Context) error {
	var all []page.Message
	err := a.ask(ctx, "/outgoing.json", &all, func(m agent.Memory) (any, error) { return m.Outgoing() })
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(all)
	case len(all) == 0:
		a.printf("%s\n", text.Wrap(a.say.Say("outgoing.none"), width, ""))
	}
	for _, m := range slices.Backward(all) {
		a.printf("%s\n%s\n\n", joined([]string{a.say.Time(m.At), m.Portal, m.To, m.Type}, "  "), m.Body)
	}
	return nil
}

func (a *app) readingsCommand() *cobra.Command {
	var csv, recent bool
	c := &cobra.Command{
		Use: "readings [SERIAL]", Short: a.say.Say("help.readings"), Long: a.long(text.Key("help.readings.long")),
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&csv, "csv", false, a.say.Say("help.flag.csv"))
	c.Flags().BoolVar(&recent, "recent", false, a.say.Say("help.flag.recent"))
	c.RunE = func(c *cobra.Command, args []string) error {
		device, path, own := "", "/readings.json", agent.Memory.Readings
		if len(args) > 0 {
			device = args[0]
		}
		if recent {
			path, own = "/recent.json", agent.Memory.Recent
			if device == "" {
				return failure{code: wrongUse, err: errors.New(a.say.Say("error.recent"))}
			}
		}
		var entries []page.Entry
		err := a.ask(c.Context(), path+"?device="+url.QueryEscape(device), &entries,
			func(m agent.Memory) (any, error) { return own(m, device) })
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(entries)
		case csv:
			return a.readingsCSV(entries)
		case device != "" && len(entries) == 0:
			return failure{code: failed, err: errors.New(a.say.Say("error.unknownDevice", "device", device)), hint: text.Key("hint.request.device")}
		}
		a.printReadings(entries)
		return nil
	}
	return c
}

// ask puts a question to the running daemon, through its page, or, if none runs, to
// its database.
func (a *app) ask(ctx context.Context, path string, answer any, own func(agent.Memory) (any, error)) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	m, closeStore, err := a.openMemory(cfg)
	if err == nil {
		defer closeStore()
		v, err := own(m)
		if err != nil {
			return err
		}
		body, err := json.Marshal(v) // the same words as from the daemon, by the same way
		if err != nil {
			return err
		}
		return json.Unmarshal(body, answer)
	}
	if !errors.Is(err, store.ErrInUse) && cfg.Page.Listen != "" && askPage(ctx, cfg.Page.Listen, path, answer) == nil {
		return nil // of a daemon that waits until it can open it
	}
	if !errors.Is(err, store.ErrInUse) {
		return err
	}
	if cfg.Page.Listen == "" {
		return failure{code: badDatabase, err: err, hint: text.Key("hint.page.off")}
	}
	if asked := askPage(ctx, cfg.Page.Listen, path, answer); asked != nil {
		return failure{code: badDatabase, err: fmt.Errorf("%w; and %w", err, asked), hint: text.Key("hint.page.silent"), with: []any{"address", cfg.Page.Listen}}
	}
	return nil
}

// askPage reads JSON from the daemon's page.
func askPage(ctx context.Context, address, path string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return fmt.Errorf("page %s: %w", address, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("page %s: %w", address, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("page %s: %s", address, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<20)).Decode(answer); err != nil {
		return fmt.Errorf("page %s: %w", address, err)
	}
	return nil
}

func (a *app) printStatus(s page.Status) {
	running := text.Key("status.stopped")
	if s.Running {
		running = text.Key("status.running")
	}
	a.printf("%s\n", text.Wrap(joined([]string{
		"meteragent " + s.Version, s.Site, a.say.Say(running, "since", s.Started),
	}, " · "), width, "  "))
	for _, p := range s.Problems {
		a.printf("%s\n", text.Wrap(a.say.Say("status.problem", "problem", p), width, "  "))
	}
	for _, p := range s.Portals {
		a.printPortal(p, s.Running)
	}
	a.section(text.Key("status.devices"))
	if len(s.Devices) == 0 {
		a.printf("  %s\n", a.say.Say("status.none"))
	}
	t := table{give: 1, right: map[int]bool{3: true}}
	for _, d := range s.Devices {
		total := ""
		if d.Reading != nil {
			for _, m := range d.Reading.Meters {
				if m.Primary && m.Name == "systemTotals.impressions.total" {
					total = a.say.Number(m.Value)
				}
			}
		}
		t.add("  "+d.ID, d.Model, d.Address, total, a.say.Say(text.Key("state."+d.State)), a.say.Time(d.LastReading))
	}
	a.printf("%s", t.String())
	for _, d := range s.Devices {
		for _, complaint := range d.Complaints(a.say) {
			a.printf("%s\n", text.Wrap("  "+complaint, width, "    "))
		}
	}
	for _, d := range s.Silent {
		a.printf("%s\n", text.Wrap("  "+d.Address+"  "+d.Reason, width, "    "))
	}
	a.printTraffic(s)
	if len(s.Orders) > 0 {
		a.section(text.Key("status.orders"))
		a.printOrders(s.Orders)
	}
	a.printTrouble(s)
}

// printTraffic shows what the copiers are asked, and which of them less than others.
func (a *app) printTraffic(s page.Status) {
	if len(s.Devices) == 0 {
		return
	}
	a.section(text.Key("status.traffic"))
	t := table{give: 3, right: map[int]bool{1: true, 2: true}}
	var all collector.Traffic
	for _, d := range s.Devices {
		today, less := d.Today(s.Now), ""
		if d.Less != "" {
			less = a.say.Say(text.Key("less."+d.Less), "next", d.Next)
		}
		t.add("  "+d.ID, a.say.Say("status.requests", "requests", a.say.Number(today.Requests)), a.say.Bytes(today.Sent+today.Received), less)
		all = all.Plus(today)
	}
	if len(s.Devices) > 1 {
		t.add("  "+a.say.Say("status.all"), a.say.Say("status.requests", "requests", a.say.Number(all.Requests)), a.say.Bytes(all.Sent+all.Received), "")
	}
	a.printf("%s", t.String())
}

// printTrouble prints what is due and not ordered, and what the devices complain of.
func (a *app) printTrouble(s page.Status) {
	if len(s.Held) > 0 {
		a.section(text.Key("status.held"))
	}
	for _, h := range s.Held {
		a.printf("%s\n", text.Wrap("  "+joined([]string{h.Device, h.Name, a.say.Say(text.Key("order.held." + h.Why))}, "  "), width, "    "))
	}
	if len(s.Alerts) > 0 {
		a.section(text.Key("status.alerts"))
	}
	for _, e := range s.Alerts {
		line := joined([]string{a.say.Time(e.Since), e.Device, e.Say(), a.say.Say(text.Key("alert.class." + string(e.Class)))}, "  ")
		a.printf("%s\n", text.Wrap("  "+line, width, "    "))
	}
}

// printPortal says what of a portal is known: of one whose agent does not run, only what waits for it.
func (a *app) printPortal(p page.Portal, running bool) {
	state, waits := "", a.say.Say("status.kept", "urgent", p.Urgent, "bulk", p.Bulk)
	if running {
		state = a.say.Say(text.Key("portal." + p.State))
		waits = a.say.Say("status.waiting", "urgent", p.Urgent, "bulk", p.Bulk, "confirmed", p.Delivered)
	}
	url := cmp.Or(p.URL, p.Name)
	a.printf("%s\n  %s\n", text.Wrap(strings.TrimSuffix(a.say.Say("status.portal", "url", url, "state", state), ": "), width, "  "), waits)
	for _, d := range p.Doors {
		used := ""
		if d.Used {
			used = a.say.Say("page.door.used")
		}
		a.printf("%s\n", text.Wrap("  "+joined([]string{d.URL, used, d.LastError}, "  "), width, "    "))
	}
	if p.LastError != "" {
		a.printf("%s\n", text.Wrap("  "+p.LastError, width, "    "))
	}
	if p.Hint != "" {
		a.printf("%s\n", text.Wrap("  "+a.say.Say(text.Key(p.Hint)), width, "    "))
	}
}

func (a *app) printReadings(entries []page.Entry) {
	if len(entries) == 0 {
		a.printf("%s\n", a.say.Say("readings.none"))
		return
	}
	t := table{
		head:  []string{a.say.Say("readings.at"), a.say.Say("readings.device"), a.say.Say("readings.total"), a.say.Say("readings.supplies")},
		right: map[int]bool{2: true}, give: 3,
	}
	for _, e := range entries {
		total := ""
		if v, ok := e.Meters["systemTotals.impressions.total"]; ok {
			total = a.say.Number(v)
		}
		var levels []string
		for _, key := range sortedKeys(e.Supplies) {
			levels = append(levels, key+" "+a.say.Decimal(e.Supplies[key])+"%")
		}
		t.add(a.say.Time(e.At), e.Device, total, joined(levels, " "))
	}
	a.printf("%s", t.String())
}
