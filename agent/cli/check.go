package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/text"
)

func (a *app) checkCommand() *cobra.Command {
	var example bool
	c := &cobra.Command{
		Use: "check", Short: a.say.Say("help.check"), Long: a.long(text.Key("help.check.long")), Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&example, "example", false, a.say.Say("help.flag.example"))
	c.RunE = func(*cobra.Command, []string) error {
		if example {
			a.printf("%s", config.Commented())
			return nil
		}
		cfg, err := a.load()
		if a.json {
			return a.checkJSON(err)
		}
		if err != nil {
			return err
		}
		good := a.say.Say("check.good", "path", a.config, "networks", len(cfg.Networks), "portal", portalsOf(cfg))
		a.printf("%s\n", text.Wrap(good, width, "  "))
		return nil
	}
	return c
}

// portalsOf are the addresses of all portals.
func portalsOf(cfg config.Config) string {
	var all []string
	for _, p := range cfg.Portals {
		all = append(all, agent.ShownURL(p))
	}
	return strings.Join(all, ", ")
}

// checkJSON prints the problems as a list, an empty one for a good file.
func (a *app) checkJSON(err error) error {
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	if problems == nil {
		problems = config.Problems{}
	}
	if jsonErr := a.printJSON(problems); jsonErr != nil {
		return jsonErr
	}
	if len(problems) > 0 {
		return failure{code: wrongUse}
	}
	return nil
}
