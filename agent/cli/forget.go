package cli

import (
	"fmt"

	"github.com/spf13/cobra"

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
		cfg, err := a.load()
		if err != nil {
			return err
		}
		m, closeStore, err := a.openMemory(cfg)
		if err != nil {
			return err
		}
		defer closeStore()
		waiting, err := m.Store.Waiting(args[0])
		if err != nil {
			return failure{code: failed, err: fmt.Errorf("forget %q: %w", args[0], err), hint: text.Key("hint.forget")}
		}
		count := waiting.Urgent + waiting.Bulk
		if !yes {
			return failure{code: wrongUse, err: fmt.Errorf("%d records wait for %q", count, args[0]), hint: text.Key("hint.forget.yes"), with: []any{"name", args[0]}}
		}
		if err := m.Store.Forget(args[0]); err != nil {
			return failure{code: failed, err: err, hint: text.Key("hint.forget")}
		}
		a.printf("%s\n", text.Wrap(a.say.Say("forget.done", "name", args[0], "count", count), width, "  "))
		return nil
	}
	return c
}
