package cli

import (
	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/page"
	"meteragent/agent/text"
)

// rejectedCommand lists what a receiver refused, for a person to decide.
func (a *app) rejectedCommand() *cobra.Command {
	var csv bool
	c := &cobra.Command{
		Use: "rejected", Short: a.say.Say("help.rejected"), Long: a.long(text.Key("help.rejected.long")), Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&csv, "csv", false, a.say.Say("help.flag.csv"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []page.Rejected
		err := a.ask(c.Context(), "/rejected.json", &all, func(m agent.Memory) (any, error) { return m.Rejected() })
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(all)
		case csv:
			return a.rejectedCSV(all)
		case len(all) == 0:
			a.printf("%s\n", a.say.Say("rejected.none"))
		}
		for _, r := range all {
			head := joined([]string{a.say.Time(r.At), r.ID, r.Portal, r.Kind, r.Device}, "  ")
			a.printf("%s\n%s\n", text.Wrap("  "+head, width, "    "), text.Wrap("    "+r.Reason, width, "    "))
		}
		return nil
	}
	c.AddCommand(
		a.decideCommand("retry", text.Key("help.rejected.retry"), text.Key("rejected.retried"), agent.Memory.Retry),
		a.decideCommand("drop", text.Key("help.rejected.drop"), text.Key("rejected.dropped"), agent.Memory.Drop),
	)
	return c
}

// decideCommand changes the database, which a running agent has to itself.
func (a *app) decideCommand(name string, help, said text.Key, do func(agent.Memory, string) (int, error)) *cobra.Command {
	c := &cobra.Command{Use: name + " ID...", Short: a.say.Say(help), Long: a.long(text.Key("help.rejected.decide")), Args: cobra.MinimumNArgs(1)}
	c.RunE = func(_ *cobra.Command, args []string) error {
		return a.withMemory(func(m agent.Memory) error {
			for _, id := range args {
				if _, err := do(m, id); err != nil {
					return failure{code: failed, err: err, hint: text.Key("hint.rejected")}
				}
				a.printf("%s\n", text.Wrap(a.say.Say(said, "id", id), width, "  "))
			}
			return nil
		})
	}
	return c
}
