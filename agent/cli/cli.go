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
	}
	root.PersistentFlags().StringVar(&a.config, "config", packaging.ConfigPath(), a.say.Say("help.flag.config"))
	root.PersistentFlags().Func("lang", a.say.Say("help.flag.lang"), isLanguage)
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
	a.addCompletion(root)
	a.finish(root)
	return root
}

// isLanguage is for --lang, whose value has been read by then. (language)
func isLanguage(name string) error {
	if text.For(name).Lang() == text.English && !strings.HasPrefix(strings.ToLower(name), string(text.English)) {
		return errors.New("must be en or de")
	}
	return nil
}

// addCompletion adds cobra's command, with what it is for in our words.
func (a *app) addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short, c.Long = a.say.Say("help.completion"), a.long(text.Key("help.completion.long"))
		for _, shell := range c.Commands() {
			shell.Short, shell.Long = a.say.Say("help.completion.shell", "shell", shell.Name()), ""
			shell.Example = "  meteragent completion " + shell.Name() + map[string]string{
				"bash":       " > /etc/bash_completion.d/meteragent",
				"fish":       " > ~/.config/fish/completions/meteragent.fish",
				"powershell": " | Out-String | Invoke-Expression",
				"zsh":        " > /usr/local/share/zsh/site-functions/_meteragent",
			}[shell.Name()]
		}
	}
}

// finish makes c, and the commands below it, refuse what they do not take, in our words
// and with our exit code.
func (a *app) finish(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().Lookup("help").Usage = a.say.Say("help.flag.help")
	if !c.Runnable() {
		c.Annotations = map[string]string{onlyHolds: ""}
		c.Args = cobra.NoArgs
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	takes := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		switch {
		case takes == nil || takes(c, args) == nil:
			return nil
		case c.HasSubCommands():
			return a.unknownCommand(c, args[0])
		}
		return failure{
			code: wrongUse, err: errors.New(a.say.Say("error.arguments", "usage", a.useLine(c))),
			hint: text.Key("hint.flags"), with: []any{"command", c.CommandPath()},
		}
	}
	for _, sub := range c.Commands() {
		a.finish(sub)
	}
}

// onlyHolds marks a command that does nothing by itself and only holds others.
const onlyHolds = "only holds"

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

// unknownCommand names the commands below c that were perhaps meant.
func (a *app) unknownCommand(c *cobra.Command, name string) error {
	c.SuggestionsMinimumDistance = 2
	f := failure{
		code: wrongUse, err: errors.New(a.say.Say("error.command", "name", strings.TrimPrefix(c.CommandPath()+" "+name, "meteragent "))),
		hint: text.Key("hint.help"), with: []any{"command", c.CommandPath()},
	}
	if near := c.SuggestionsFor(name); len(near) > 0 {
		f.hint, f.with = text.Key("hint.meant"), []any{"meant", c.CommandPath() + " " + near[0]}
	}
	return f
}

// wrongFlag says what is wrong with a flag, in our words where pflag's speak of Go.
func (a *app) wrongFlag(c *cobra.Command, err error) error {
	f := failure{code: wrongUse, err: err, hint: text.Key("hint.flags"), with: []any{"command", c.CommandPath()}}
	var unknown *pflag.NotExistError
	var alone *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return a.unknownFlag(c, f, unknown)
	case errors.As(err, &alone):
		f.err = errors.New(a.say.Say("error.flag.alone", "flag", alone.GetSpecifiedName()))
	case errors.As(err, &wrong):
		f.err = a.wrongValue(wrong)
	}
	return f
}

// wrongValue says what the value of a flag must be.
func (a *app) wrongValue(err *pflag.InvalidValueError) error {
	must := err.Unwrap().Error()
	switch err.GetFlag().Value.Type() {
	case "int":
		must = a.say.Say("error.flag.number")
	case "uint16":
		must = a.say.Say("error.flag.port")
	case "duration":
		must = a.say.Say("error.flag.time")
	}
	return fmt.Errorf("--%s %s: %s", err.GetFlag().Name, err.GetValue(), must)
}

// unknownFlag names the flag that was perhaps meant.
func (a *app) unknownFlag(c *cobra.Command, f failure, err *pflag.NotExistError) error {
	name := err.GetSpecifiedName()
	if err.GetSpecifiedShortnames() != "" {
		f.err = errors.New(a.say.Say("error.flag", "flag", "-"+name))
		return f
	}
	f.err = errors.New(a.say.Say("error.flag", "flag", "--"+name))
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
