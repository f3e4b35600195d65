package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/text"
	"meteragent/collector"
)

// discoverFlags are which addresses are searched, and how fast.
type discoverFlags struct {
	ask         askFlags
	rate, tries int
	quick       bool
	exclude     []string
	from        string

	mdns, broadcast bool
}

func (a *app) discoverCommand() *cobra.Command {
	var f discoverFlags
	c := &cobra.Command{
		Use:     "discover [RANGE...]",
		Short:   a.say.Say("help.discover"),
		Long:    a.long(text.Key("help.discover.long")),
		Example: "  meteragent discover 192.168.10.0/24\n  meteragent discover 192.168.20.10-192.168.20.60 copier-3.example.com",
	}
	f.ask.add(a, c)
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().IntVar(&f.rate, "rate", 200, a.say.Say("help.flag.rate"))
	c.Flags().BoolVar(&f.quick, "quick", false, a.say.Say("help.flag.quick"))
	c.Flags().StringArrayVar(&f.exclude, "exclude", nil, a.say.Say("help.flag.exclude"))
	c.Flags().StringVar(&f.from, "from", "", a.say.Say("help.flag.from"))
	c.Flags().BoolVar(&f.mdns, "mdns", false, a.say.Say("help.flag.mdns"))
	c.Flags().BoolVar(&f.broadcast, "broadcast", false, a.say.Say("help.flag.broadcast"))
	c.Flags().IntVar(&f.tries, "tries", 2, a.say.Say("help.flag.tries"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if f.quick && !c.Flags().Changed("rate") {
			f.rate = quickRate
		}
		find := a.sweeps
		if f.mdns || f.broadcast {
			find = a.around
		}
		sweeps, err := find(c.Context(), f, args)
		if err != nil {
			return err
		}
		return a.search(c.Context(), sweeps)
	}
	return c
}

// quickRate is how many packets a second somebody sends who does not want to wait.
const quickRate = 2000

// sweeps are the searches of a command line, or of the configuration file if it
// names no ranges.
func (a *app) sweeps(ctx context.Context, f discoverFlags, args []string) ([]collector.Sweep, error) {
	credentials, err := f.ask.credentials()
	if err != nil {
		return nil, err
	}
	sweeps := []collector.Sweep{{Credentials: credentials, Timeout: f.ask.timeout}}
	if len(args) == 0 {
		if sweeps, err = a.configuredSweeps(); err != nil {
			return nil, err
		}
		if len(sweeps) == 0 {
			return nil, failure{code: wrongUse, err: errors.New(a.say.Say("error.discover")), hint: text.Key("hint.discover.range")}
		}
	}
	for _, arg := range args {
		r, err := collector.ParseRange(arg)
		if err == nil {
			r, err = r.Lookup(ctx)
		}
		if err != nil {
			return nil, usageError(err)
		}
		sweeps[0].Targets = slices.Grow(sweeps[0].Targets, r.Count())
		for address := range r.Addresses() {
			sweeps[0].Targets = append(sweeps[0].Targets, netip.AddrPortFrom(address, f.ask.port))
		}
	}
	return f.limit(sweeps)
}

// limit leaves out of searches what the flags say, and sets how they are made.
func (f discoverFlags) limit(sweeps []collector.Sweep) ([]collector.Sweep, error) {
	leave, err := parseRanges(f.exclude)
	if err != nil {
		return nil, usageError(err)
	}
	var from netip.Addr // invalid, which is less than any
	if f.from != "" {
		if from, err = netip.ParseAddr(f.from); err != nil {
			return nil, usageError(fmt.Errorf("--from %s: it is not an address", f.from))
		}
	}
	for i := range sweeps {
		sweeps[i].Rate, sweeps[i].Tries, sweeps[i].Quick = f.rate, f.tries, f.quick
		sweeps[i].Targets = slices.DeleteFunc(sweeps[i].Targets, func(to netip.AddrPort) bool {
			return to.Addr().Less(from) || slices.ContainsFunc(leave, func(r collector.Range) bool { return r.Contains(to.Addr()) })
		})
		slices.SortFunc(sweeps[i].Targets, netip.AddrPort.Compare)
		sweeps[i].Targets = slices.Compact(sweeps[i].Targets)
	}
	return sweeps, nil
}

// parseRanges reads the addresses to leave out.
func parseRanges(texts []string) ([]collector.Range, error) {
	var all []collector.Range
	for _, text := range texts {
		r, err := collector.ParseRange(text)
		if err == nil && r.Host() != "" {
			err = fmt.Errorf("--exclude %s: only addresses can be left out, not host names", text)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// configuredSweeps are the networks of the configuration file.
func (a *app) configuredSweeps() ([]collector.Sweep, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	return agent.Sweeps(cfg)
}

// search searches and prints each find as it comes.
func (a *app) search(ctx context.Context, sweeps []collector.Sweep) error {
	bar := a.progress(sweeps)
	list := findings{app: a, bar: bar}
	todo := make([][]netip.AddrPort, len(sweeps)) // what is not yet done, of each sweep
	for i, s := range sweeps {
		todo[i] = s.Targets
	}
	for i, s := range sweeps {
		s.Progress = func(p collector.Progress) {
			bar.at(p)
			n, found := slices.BinarySearchFunc(todo[i], p.Through, netip.AddrPort.Compare)
			if found {
				todo[i] = todo[i][n+1:]
			}
		}
		err := collector.New().Discover(ctx, s, list.add)
		bar.next()
		if errors.Is(err, context.Canceled) {
			return a.interrupted(todo)
		}
		if err != nil {
			return err
		}
	}
	return list.end(len(sweeps) > 0 && sweeps[0].Quick)
}

// interrupted says how to go on with a search that somebody ended.
func (a *app) interrupted(todo [][]netip.AddrPort) error {
	var from netip.Addr
	for _, targets := range todo {
		if len(targets) > 0 && (!from.IsValid() || targets[0].Addr().Less(from)) {
			from = targets[0].Addr()
		}
	}
	return failure{
		code: failed, err: errors.New(a.say.Say("discover.interrupted")),
		hint: text.Key("hint.discover.from"), with: []any{"address", from},
	}
}

// findings is the list of what was found, which people see grow.
type findings struct {
	app              *app
	bar              *progress
	printers, others int
}

// add prints a device.
func (l *findings) add(f collector.Find) {
	if !f.Printer {
		l.others++
	} else if l.printers++; l.printers == 1 && !l.app.json {
		l.line(l.app.say.Say("discover.address"), l.app.say.Say("discover.serial"), l.app.say.Say("discover.model"))
	}
	switch {
	case l.app.json:
		l.bar.clear()
		l.app.printJSON(f) // as with printf, nobody is told that nobody reads
	case f.Printer:
		l.line(host(f), cmp.Or(f.Serial, "-"), strings.TrimSpace(f.Manufacturer+" "+f.Model))
	}
}

// line prints one row. A row that does not fit gives way at its end, never in a serial number.
func (l *findings) line(address, serial, model string) {
	l.bar.clear()
	l.app.printf("%s\n", cut(fmt.Sprintf("%-21s  %-14s  %s", address, serial, model), width))
}

// host is the address of a find, with its port where that is not the usual one.
func host(f collector.Find) string {
	if f.Port == 161 {
		return f.Address
	}
	return net.JoinHostPort(f.Address, strconv.Itoa(int(f.Port)))
}

// end prints what it was in all.
func (l *findings) end(quick bool) error {
	if !l.app.json {
		if l.printers > 0 {
			l.app.printf("\n")
		}
		l.app.printf("%s\n", l.app.say.Say("discover.summary", "count", l.printers, "others", l.others))
		if quick && l.printers > 0 {
			l.app.printf("%s\n", text.Wrap(l.app.say.Say("discover.quick"), width, ""))
		}
	}
	if l.printers == 0 {
		return failure{code: noDevice}
	}
	return nil
}
