// Package cli holds the commands a person types: it parses, calls, and prints. What
// is printed for people comes from agent/text. It decides nothing about readings.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/packaging"
)

// The exit codes.
const (
	done         = 0
	failed       = 1
	wrongUse     = 2 // command line or configuration
	notInstalled = 3
	noDevice     = 4
	badDatabase  = 5 // in use or damaged
)

// width is what every line for people fits into.
const width = 80

// An app is one command line at work.
type app struct {
	in       io.Reader
	out, err io.Writer
	say      *text.Catalogue

	config string // --config
	json   bool   // --json
}

// Main runs one command line and returns the exit code. It never calls os.Exit.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{in: stdin, out: stdout, err: stderr, say: text.For(language(args))}
	cobra.MousetrapHelpText = "" // it would refuse shortcuts with a command, too
	if len(args) == 0 && packaging.DoubleClicked() {
		return a.doubleClicked()
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return a.report(root.ExecuteContext(ctx))
}

// doubleClicked says what to do instead, and keeps the window open until it is read.
func (a *app) doubleClicked() int {
	fmt.Fprintln(a.out, text.Wrap(a.say.Say("help.doubleClicked", "program", os.Args[0]), width, ""))
	a.in.Read(make([]byte, 1)) // any end of the wait is fine
	return done
}

// language is what --lang says, or else the system.
func language(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			return value
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return packaging.Language()
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "meteragent",
		Short:         a.say.Say("help.root"),
		Long:          a.long(text.Key("help.root.long")),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.unknownCommand(c, args[0])
			}
			return c.Help()
		},
	}
	root.PersistentFlags().StringVar(&a.config, "config", packaging.ConfigPath(), a.say.Say("help.flag.config"))
	root.PersistentFlags().String("lang", "", a.say.Say("help.flag.lang"))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return a.wrongFlag(c, err) })
	root.SetHelpFunc(a.showHelp)
	root.SetUsageFunc(func(c *cobra.Command) error { a.showUsage(c.OutOrStderr(), c); return nil })
	root.AddGroup(
		&cobra.Group{ID: "try", Title: a.say.Say("help.group.try")},
		&cobra.Group{ID: "work", Title: a.say.Say("help.group.work")},
		&cobra.Group{ID: "install", Title: a.say.Say("help.group.install")},
	)
	group := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	group("try", a.demoCommand(), a.portalCommand(), a.simulateCommand())
	group("work", a.readCommand(), a.discoverCommand(), a.statusCommand(), a.readingsCommand(), a.ordersCommand(), a.rejectedCommand(), a.requestCommand())
	group("install", a.checkCommand(), a.runCommand(), a.enrollCommand(), a.serviceCommand(), a.forgetCommand(), a.updateCommand(), a.versionCommand())
	root.AddCommand(a.manCommand())
	root.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Short: a.say.Say("help.help"), RunE: a.help})
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Usage = a.say.Say("help.flag.help")
	}
	root.InitDefaultHelpFlag()
	root.Flags().Lookup("help").Usage = a.say.Say("help.flag.help")
	return root
}

// A failure is an error with its exit code and the sentence that helps.
type failure struct {
	code int
	err  error    // nil: everything has been said already
	hint text.Key // "" for none
	with []any    // pairs of the hint
}

func (f failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f failure) Unwrap() error { return f.err }

// report prints an error with its hint, and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return done
	}
	f := failure{code: failed, err: err}
	if given := (failure{}); errors.As(err, &given) {
		f = given
	}
	if f.hint == "" {
		f.hint = agent.Hint(err)
	}
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			fmt.Fprintln(a.err, text.Wrap(a.say.Say("error.problem", "problem", p.Say(a.say)), width, "  "))
		}
	case f.err != nil:
		fmt.Fprintln(a.err, text.Wrap(a.say.Say("error.line", "error", f.err), width, "  "))
	}
	if f.hint != "" {
		fmt.Fprintln(a.err, text.Wrap(a.say.Say("error.hint", "hint", a.say.Say(f.hint, f.with...)), width, "  "))
	}
	return f.code
}

// unknownCommand names the commands that were perhaps meant.
func (a *app) unknownCommand(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 2
	f := failure{code: wrongUse, err: errors.New(a.say.Say("error.command", "name", name)), hint: text.Key("hint.help")}
	if near := root.SuggestionsFor(name); len(near) > 0 {
		f.hint, f.with = text.Key("hint.meant"), []any{"meant", "meteragent " + near[0]}
	}
	return f
}

// wrongFlag names the flag that was perhaps meant.
func (a *app) wrongFlag(c *cobra.Command, err error) error {
	f := failure{code: wrongUse, err: err, hint: text.Key("hint.flags"), with: []any{"command", c.CommandPath()}}
	_, name, unknown := strings.Cut(err.Error(), "unknown flag: --")
	if !unknown {
		return f
	}
	best, distance := "", 3
	near := func(flag *pflag.Flag) {
		if d := config.Distance(name, flag.Name); d < distance {
			best, distance = flag.Name, d
		}
	}
	c.Flags().VisitAll(near)
	c.InheritedFlags().VisitAll(near)
	if best != "" {
		f.hint, f.with = text.Key("hint.meant"), []any{"meant", "--" + best}
	}
	return f
}

// usageError is a command line that cannot be run.
func usageError(err error) error { return failure{code: wrongUse, err: err} }
