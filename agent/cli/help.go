package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"meteragent/agent/text"
)

// long is a text of several lines.
func (a *app) long(key text.Key) string { return text.Wrap(a.say.Say(key), width, "") }

func (a *app) help(c *cobra.Command, args []string) error {
	target, rest, err := c.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return a.unknownCommand(target, rest[0])
	}
	return target.Help()
}

// showHelp prints what a command is and how it is used. It takes the place of
// cobra's template, which speaks English only and costs 2 MB: with text/template in
// the program, the linker must keep every method.
func (a *app) showHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	about := c.Long
	if about == "" {
		about = c.Short
	}
	fmt.Fprintf(w, "%s\n\n", about)
	a.showUsage(w, c)
}

func (a *app) showUsage(w io.Writer, c *cobra.Command) {
	fmt.Fprintln(w, a.say.Say("help.usage"))
	if _, holds := c.Annotations[onlyHolds]; !holds {
		fmt.Fprintf(w, "  %s\n", a.useLine(c))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s %s\n", c.CommandPath(), a.say.Say("help.word.command"))
	}
	if c.HasExample() {
		fmt.Fprintf(w, "\n%s\n%s\n", a.say.Say("help.examples"), c.Example)
	}
	for _, g := range c.Groups() {
		a.showCommands(w, c, g.Title, g.ID)
	}
	rest := a.say.Say("help.commands")
	if len(c.Groups()) > 0 {
		rest = a.say.Say("help.more")
	}
	a.showCommands(w, c, rest, "")
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(w, "\n%s\n%s", a.say.Say("help.flags"), a.flags(c.LocalFlags(), width))
	}
	if c.HasAvailableInheritedFlags() {
		fmt.Fprintf(w, "\n%s\n%s", a.say.Say("help.globals"), a.flags(c.InheritedFlags(), width))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s\n", a.say.Say("help.further", "command", c.CommandPath()))
	}
}

// useLine is how a command is called.
func (a *app) useLine(c *cobra.Command) string {
	return strings.Replace(c.UseLine(), "[flags]", a.say.Say("help.word.flags"), 1)
}

// flags lists flags, one below the other. pflag's own list speaks English, and Go.
func (a *app) flags(set *pflag.FlagSet, width int) string {
	var names, about []string
	column := 0 // where what they do begins
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		word, what := pflag.UnquoteUsage(f)
		if what == f.Usage { // no word of its own
			word = a.valueWord(f.Value.Type())
		}
		if word != "" {
			name += " " + word
		}
		switch f.DefValue {
		case "", "false", "0", "[]":
		default:
			what += " " + a.say.Say("help.default", "value", strings.TrimSuffix(f.DefValue, "0m0s"))
		}
		names, about = append(names, name), append(about, what)
		column = max(column, len(name)+2)
	})
	var b strings.Builder
	for i, name := range names {
		b.WriteString(text.Wrap(name+strings.Repeat(" ", column-len(name))+about[i], width, strings.Repeat(" ", column)) + "\n")
	}
	return b.String()
}

// valueWord stands for the value of a flag of a type of pflag; "" if it has none.
func (a *app) valueWord(kind string) string {
	switch kind {
	case "bool":
		return ""
	case "int", "uint16":
		return a.say.Say("help.word.number")
	case "duration":
		return a.say.Say("help.word.time")
	}
	return a.say.Say("help.word.text")
}

// showCommands lists the commands of one group; nothing if it has none.
func (a *app) showCommands(w io.Writer, c *cobra.Command, title, group string) {
	t := table{give: 1}
	for _, sub := range c.Commands() {
		if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
			t.add("  "+sub.Name(), sub.Short)
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintf(w, "\n%s\n%s", title, t.String())
	}
}
