package cli

import (
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

// An answer is what one address said.
type answer struct {
	address string
	port    uint16
	reading collector.Reading
	err     error
}

func (a *app) readCommand() *cobra.Command {
	var ask askFlags
	var profiles []string
	var capture string
	c := &cobra.Command{
		Use:     "read ADDRESS...",
		Short:   a.say.Say("help.read"),
		Long:    a.long(text.Key("help.read.long")),
		Example: "  meteragent read 192.168.10.20\n  meteragent read --json 192.168.10.20 192.168.10.21:1161",
		Args:    a.atLeastOne("ADDRESS"),
	}
	ask.add(a, c)
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().StringArrayVar(&profiles, "profile", nil, a.say.Say("help.flag.profile"))
	c.Flags().StringVar(&capture, "capture", "", a.say.Say("help.flag.capture"))
	c.RunE = func(c *cobra.Command, args []string) error {
		credentials, err := ask.credentials()
		if err != nil {
			return err
		}
		known, err := a.profiles(profiles)
		if err != nil {
			return err
		}
		answers := make([]answer, len(args))
		for i, arg := range args {
			if answers[i], err = address(arg, ask.port); err != nil {
				return usageError(err)
			}
		}
		reader := collector.NewWith(known)
		if capture != "" {
			return a.capture(c.Context(), reader, capture, answers, collector.Target{Credentials: credentials, Timeout: ask.timeout})
		}
		agent.Each(len(answers), 16, func(i int) {
			t := collector.Target{
				Address: answers[i].address, Port: answers[i].port,
				Credentials: credentials, Timeout: ask.timeout,
			}
			answers[i].reading, answers[i].err = reader.Read(c.Context(), t)
		})
		return a.showAnswers(answers)
	}
	return c
}

// atLeastOne demands an argument and names it.
func (a *app) atLeastOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failure{
				code: wrongUse, err: errors.New(a.say.Say("error.argument", "command", c.CommandPath(), "name", name)),
				hint: text.Key("hint.flags"), with: []any{"command", c.CommandPath()},
			}
		}
		return nil
	}
}

// address splits "host", "host:port" or "[host]:port".
func address(arg string, port uint16) (answer, error) {
	host, service, err := net.SplitHostPort(arg)
	if err != nil {
		return answer{address: strings.Trim(arg, "[]"), port: port}, nil
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil || n == 0 {
		return answer{}, fmt.Errorf("%s: the port must be a number from 1 to 65535", arg)
	}
	return answer{address: host, port: uint16(n)}, nil
}

// showAnswers prints every answer in the order of the command line.
func (a *app) showAnswers(answers []answer) error {
	silent, wrong := 0, 0
	for i, one := range answers {
		if one.err != nil {
			wrong++
			if errors.Is(one.err, collector.ErrNoAnswer) {
				silent++
			}
		}
		if a.json {
			if err := a.answerJSON(one); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			a.printf("\n")
		}
		if one.err != nil {
			a.report(one.err)
			continue
		}
		a.printReading(one.reading)
	}
	switch {
	case silent == len(answers):
		return failure{code: noDevice}
	case wrong > 0:
		return failure{code: failed}
	}
	return nil
}

func (a *app) answerJSON(one answer) error {
	if one.err == nil {
		return a.printJSON(one.reading)
	}
	problem := struct {
		Address string `json:"address"`
		Port    uint16 `json:"port"`
		Error   string `json:"error"`
		Hint    string `json:"hint,omitempty"`
	}{Address: one.address, Port: one.port, Error: one.err.Error()}
	if key := agent.Hint(one.err); key != "" {
		problem.Hint = a.say.Say(key)
	}
	return a.printJSON(problem)
}

func (a *app) discoverCommand() *cobra.Command {
	var ask askFlags
	var rate, tries int
	var quick bool
	var exclude []string
	c := &cobra.Command{
		Use:     "discover [RANGE...]",
		Short:   a.say.Say("help.discover"),
		Long:    a.long(text.Key("help.discover.long")),
		Example: "  meteragent discover 192.168.10.0/24\n  meteragent discover 192.168.20.10-192.168.20.60 copier-3.example.com",
	}
	ask.add(a, c)
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().IntVar(&rate, "rate", 200, a.say.Say("help.flag.rate"))
	c.Flags().BoolVar(&quick, "quick", false, a.say.Say("help.flag.quick"))
	c.Flags().StringArrayVar(&exclude, "exclude", nil, a.say.Say("help.flag.exclude"))
	c.Flags().IntVar(&tries, "tries", 2, a.say.Say("help.flag.tries"))
	c.RunE = func(c *cobra.Command, args []string) error {
		credentials, err := ask.credentials()
		if err != nil {
			return err
		}
		sweeps := []collector.Sweep{{Credentials: credentials, Timeout: ask.timeout}}
		if len(args) == 0 {
			if sweeps, err = a.configuredSweeps(); err != nil {
				return err
			}
		}
		for _, arg := range args {
			r, err := collector.ParseRange(arg)
			if err == nil {
				r, err = r.Lookup(c.Context())
			}
			if err != nil {
				return usageError(err)
			}
			for address := range r.Addresses() {
				sweeps[0].Targets = append(sweeps[0].Targets, netip.AddrPortFrom(address, ask.port))
			}
		}
		leave, err := parseRanges(exclude)
		if err != nil {
			return usageError(err)
		}
		if quick && !c.Flags().Changed("rate") {
			rate = quickRate
		}
		for i := range sweeps {
			sweeps[i].Rate, sweeps[i].Tries, sweeps[i].Quick = rate, tries, quick
			sweeps[i].Targets = slices.DeleteFunc(sweeps[i].Targets, func(to netip.AddrPort) bool {
				return slices.ContainsFunc(leave, func(r collector.Range) bool { return r.Contains(to.Addr()) })
			})
		}
		return a.sweep(c.Context(), sweeps)
	}
	return c
}

// quickRate is how many packets a second somebody sends who does not want to wait.
const quickRate = 2000

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

// sweep searches and prints what it found.
func (a *app) sweep(ctx context.Context, sweeps []collector.Sweep) error {
	var finds []collector.Find
	for _, s := range sweeps {
		bar := a.progress(s)
		s.Progress = bar.at
		err := collector.New().Discover(ctx, s, func(f collector.Find) { finds = append(finds, f) })
		bar.end()
		if err != nil {
			return err
		}
	}
	t := table{head: []string{
		a.say.Say("discover.address"), a.say.Say("discover.serial"), a.say.Say("discover.model"),
	}, give: 2}
	printers := 0
	for _, f := range finds {
		if a.json {
			if err := a.printJSON(f); err != nil {
				return err
			}
		}
		if f.Printer {
			printers++
			t.add(net.JoinHostPort(f.Address, strconv.Itoa(int(f.Port))), f.Serial, f.Model)
		}
	}
	if !a.json {
		if printers > 0 {
			a.printf("%s\n", t.String())
		}
		a.printf("%s\n", a.say.Say("discover.summary", "count", printers, "others", len(finds)-printers))
	}
	if printers == 0 {
		return failure{code: noDevice}
	}
	return nil
}
