package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"meteragent/agent/text"
	"meteragent/packaging"
)

func (a *app) serviceCommand() *cobra.Command {
	c := &cobra.Command{Use: "service", Short: a.say.Say("help.service"), Long: a.long(text.Key("help.service.long"))}
	c.AddCommand(
		a.serviceInstall(),
		a.serviceUninstall(),
		a.serviceAct("start", text.Key("help.service.start"), text.Key("service.started"), packaging.Start),
		a.serviceAct("stop", text.Key("help.service.stop"), text.Key("service.stopped"), packaging.Stop),
		a.serviceAct("restart", text.Key("help.service.restart"), text.Key("service.started"), packaging.Restart),
		a.serviceStatus(),
	)
	return c
}

func (a *app) serviceAct(use string, short, said text.Key, do func() error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: a.say.Say(short), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := do(); err != nil {
				return serviceFailure(err)
			}
			a.printf("%s\n", a.say.Say(said, "path", a.config))
			return nil
		},
	}
}

func (a *app) serviceUninstall() *cobra.Command {
	var purge bool
	c := a.serviceAct("uninstall", text.Key("help.service.uninstall"), text.Key("service.uninstalled"), packaging.Uninstall)
	c.Flags().BoolVar(&purge, "purge", false, a.say.Say("help.flag.purge"))
	keep := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !purge {
			return keep(c, args)
		}
		if err := errors.Join(packaging.Uninstall(), packaging.Purge()); err != nil {
			return serviceFailure(err)
		}
		a.printf("%s\n", a.say.Say("service.purged"))
		return nil
	}
	return c
}

func (a *app) serviceStatus() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: a.say.Say("help.service.status"), Args: cobra.NoArgs}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.RunE = func(*cobra.Command, []string) error {
		state, err := packaging.Status()
		if err != nil {
			return serviceFailure(err)
		}
		if a.json {
			return a.printJSON(map[string]string{"state": string(state)})
		}
		a.printf("%s\n", a.say.Say(text.Key("service.state."+string(state))))
		return nil
	}
	return c
}

// serviceFailure gives an error of the service manager its exit code and hint.
func serviceFailure(err error) error {
	switch {
	case errors.Is(err, packaging.ErrNotInstalled):
		return failure{code: notInstalled, err: err, hint: text.Key("hint.service.install")}
	case errors.Is(err, packaging.ErrRights):
		return failure{code: failed, err: err, hint: text.Key("hint.service.rights")}
	}
	return err
}
