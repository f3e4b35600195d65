package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent/text"
)

// long is a text of several lines.
func (a *app) long(key text.Key) string { return text.Wrap(a.say.Say(key), width, "") }

func (a *app) help(c *cobra.Command, args []string) error {
	target, _, err := c.Root().Find(args)
	if err != nil || target == nil {
		return a.unknownCommand(c.Root(), strings.Join(args, " "))
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
	if c.Runnable() {
		fmt.Fprintf(w, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s [command]\n", c.CommandPath())
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
		fmt.Fprintf(w, "\n%s\n%s", a.say.Say("help.flags"), c.LocalFlags().FlagUsagesWrapped(width))
	}
	if c.HasAvailableInheritedFlags() {
		fmt.Fprintf(w, "\n%s\n%s", a.say.Say("help.globals"), c.InheritedFlags().FlagUsagesWrapped(width))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s\n", a.say.Say("help.further", "command", c.CommandPath()))
	}
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
