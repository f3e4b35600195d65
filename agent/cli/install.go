package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/packaging"
	"meteragent/transport"
)

// installFlags are how the service is installed.
type installFlags struct {
	answers config.Answers
	token   string // path of the file to copy
	code    string // path of the file with the code to enrol with
	now     bool
	setup   bool // a package's installer calls, and nobody may be there
}

func (a *app) serviceInstall() *cobra.Command {
	var f installFlags
	c := &cobra.Command{
		Use: "install", Short: a.say.Say("help.service.install"), Long: a.long(text.Key("help.service.install.long")), Args: cobra.NoArgs,
		Example: "  meteragent service install --now --customer 1234567 \\\n" +
			"    --network 192.168.1.0/24 --portal https://portal.example.com/events \\\n" +
			"    --token-file token.txt",
		RunE: func(c *cobra.Command, _ []string) error { return a.install(c.Context(), f) },
	}
	c.Flags().StringVar(&f.answers.Customer, "customer", "", a.say.Say("help.flag.customer"))
	c.Flags().StringVar(&f.answers.URL, "portal", "", a.say.Say("help.flag.portal"))
	c.Flags().StringSliceVar(&f.answers.Addresses, "network", nil, a.say.Say("help.flag.network"))
	c.Flags().StringVar(&f.token, "token-file", "", a.say.Say("help.flag.tokenFile"))
	c.Flags().StringVar(&f.answers.Enroll, "enroll", "", a.say.Say("help.flag.enrollAt"))
	c.Flags().StringVar(&f.code, "code-file", "", a.say.Say("help.flag.enrollCode"))
	c.Flags().BoolVar(&f.now, "now", false, a.say.Say("help.flag.now"))
	c.Flags().BoolVar(&f.setup, "setup", false, "")
	c.Flags().Lookup("setup").Hidden = true
	return c
}

// install refuses a bad configuration: a service that cannot start helps nobody. An installer is only told: an upgrade must not
// fail over a typing mistake with which the agent runs on (loadOrLastGood), nor a first installation for want of a file.
//
// An enrolment that fails stops nothing, either: the agent reads without a certificate, and says that it has none.
func (a *app) install(ctx context.Context, f installFlags) error {
	var unenrolled error
	_, err := os.Stat(a.config)
	missing, answered := errors.Is(err, fs.ErrNotExist), f.answers.Customer+f.answers.URL != ""
	spec := packaging.Spec{Config: a.config}
	switch {
	case missing && answered:
		if err := a.installNew(spec, f); err != nil {
			return err
		}
		if unenrolled = a.enrollNew(ctx, f); unenrolled != nil && f.setup {
			a.report(unenrolled)
			unenrolled = nil
		}
	case missing && f.setup:
		a.printf("%s\n", a.say.Say("service.unconfigured", "path", a.config))
		return nil
	default:
		if answered {
			a.printf("%s\n", a.say.Say("service.kept", "path", a.config))
		}
		if _, err := a.load(); err != nil && f.setup {
			a.report(err)
		} else if err != nil {
			return err
		}
		if err := packaging.Install(spec); err != nil {
			return serviceFailure(err)
		}
	}
	if !f.now {
		a.printf("%s\n", a.say.Say("service.installed", "path", a.config))
		return unenrolled
	}
	if err := packaging.Start(); err != nil {
		return serviceFailure(err)
	}
	a.printf("%s\n", a.say.Say("service.ready", "path", a.config))
	return unenrolled
}

// enrollNew gets the certificate that the new configuration speaks of.
func (a *app) enrollNew(ctx context.Context, f installFlags) error {
	if f.answers.Enroll == "" || f.code == "" {
		return nil
	}
	code, err := os.ReadFile(f.code)
	if err != nil {
		return usageError(err)
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	return a.enroll(ctx, cfg, agent.Portal, f.answers.Enroll, "", transport.Secret(strings.TrimSpace(string(code))))
}

// tokenName is the token's file beside a configuration that install writes.
const tokenName = "portal.token"

// installNew writes the configuration, too. It comes after the installation, which makes the folder and closes it to others.
func (a *app) installNew(spec packaging.Spec, f installFlags) error {
	if _, err := config.Parse(a.config, []byte(config.Filled(f.answers))); err != nil {
		return failure{code: wrongUse, err: ofAnswers(err), hint: text.Key("hint.flags"), with: []any{"command", "meteragent service install"}}
	}
	var token []byte
	if f.token != "" {
		var err error
		if token, err = os.ReadFile(f.token); err != nil {
			return usageError(err)
		}
		f.answers.TokenFile = tokenName
	}
	if err := packaging.Install(spec); err != nil {
		return serviceFailure(err)
	}
	if len(token) > 0 {
		if err := writeNew(filepath.Join(filepath.Dir(a.config), tokenName), token); err != nil {
			return err
		}
	}
	if err := writeNew(a.config, []byte(config.Filled(f.answers))); err != nil {
		return err
	}
	a.printf("%s\n", a.say.Say("service.written", "path", a.config))
	return nil
}

// ofAnswers are problems of flags: there is no file yet whose line could be looked at.
func ofAnswers(err error) error {
	var problems config.Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].File, problems[i].Line = "", 0
		}
	}
	return err
}

// writeNew writes a file that the service's group may read, and that is not there yet.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
