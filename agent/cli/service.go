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
		a.serviceAct("install", text.Key("help.service.install"), text.Key("service.installed"), a.install),
		a.serviceAct("uninstall", text.Key("help.service.uninstall"), text.Key("service.uninstalled"), packaging.Uninstall),
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

// install refuses a bad configuration: a service that cannot start helps nobody.
func (a *app) install() error {
	if _, err := a.load(); err != nil {
		return err
	}
	return packaging.Install(packaging.Spec{Config: a.config})
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
