package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/text"
)

// forgetCommand gives up a receiver that is not in the configuration any more. Records
// wait for it until then, since a misspelt name must not lose any.
func (a *app) forgetCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "forget NAME", Short: a.say.Say("help.forget"), Long: a.long(text.Key("help.forget.long")), Args: cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&yes, "yes", false, a.say.Say("help.flag.yes"))
	c.RunE = func(_ *cobra.Command, args []string) error {
		return a.withMemory(func(m agent.Memory) error { return a.forget(m, args[0], yes) })
	}
	return c
}

func (a *app) forget(m agent.Memory, name string, yes bool) error {
	waiting, err := m.Store.Waiting(name)
	if err != nil {
		return failure{code: failed, err: fmt.Errorf("forget %q: %w", name, err), hint: text.Key("hint.forget")}
	}
	count := waiting.Urgent + waiting.Bulk
	if !yes {
		return failure{code: wrongUse, err: fmt.Errorf("%d records wait for %q", count, name), hint: text.Key("hint.forget.yes"), with: []any{"name", name}}
	}
	if err := m.Store.Forget(name); err != nil {
		return failure{code: failed, err: err, hint: text.Key("hint.forget")}
	}
	a.printf("%s\n", text.Wrap(a.say.Say("forget.done", "name", name, "count", count), width, "  "))
	return nil
}
