package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"meteragent/collector"
)

// askFlags are how devices are asked from the command line. Passwords come from
// files: what stands on the command line every user of the machine can see.
type askFlags struct {
	port      uint16
	community string
	version   string
	timeout   time.Duration

	user                       collector.User
	authPassword, privPassword string // paths
}

func (f *askFlags) add(a *app, c *cobra.Command) {
	c.Flags().Uint16Var(&f.port, "port", 161, a.say.Say("help.flag.port"))
	c.Flags().StringVar(&f.community, "community", "public", a.say.Say("help.flag.community"))
	c.Flags().StringVar(&f.version, "snmp", "auto", a.say.Say("help.flag.snmp"))
	c.Flags().DurationVar(&f.timeout, "timeout", 2*time.Second, a.say.Say("help.flag.timeout"))
	c.Flags().StringVar(&f.user.Name, "user", "", a.say.Say("help.flag.v3.user"))
	c.Flags().StringVar(&f.user.Auth, "auth", "", a.say.Say("help.flag.v3.auth"))
	c.Flags().StringVar(&f.authPassword, "auth-password", "", a.say.Say("help.flag.v3.authPassword"))
	c.Flags().StringVar(&f.user.Priv, "priv", "", a.say.Say("help.flag.v3.priv"))
	c.Flags().StringVar(&f.privPassword, "priv-password", "", a.say.Say("help.flag.v3.privPassword"))
	c.Flags().StringVar(&f.user.Context, "context", "", a.say.Say("help.flag.v3.context"))
}

func (f *askFlags) credentials() ([]collector.Credential, error) {
	if f.user != (collector.User{}) || f.authPassword != "" || f.privPassword != "" {
		return f.userCredentials()
	}
	versions := map[string]collector.Version{"auto": collector.Auto, "1": collector.V1, "2c": collector.V2c}
	v, ok := versions[f.version]
	if !ok {
		return nil, usageError(fmt.Errorf("--snmp %s: must be auto, 1 or 2c; version 3 needs --user", f.version))
	}
	return []collector.Credential{{Version: v, Community: collector.Secret(f.community)}}, nil
}

func (f *askFlags) userCredentials() ([]collector.Credential, error) {
	u := f.user
	for _, from := range []struct {
		path string
		to   *collector.Secret
	}{{f.authPassword, &u.AuthPassword}, {f.privPassword, &u.PrivPassword}} {
		password, err := secretFile(from.path)
		if err != nil {
			return nil, usageError(err)
		}
		*from.to = collector.Secret(password)
	}
	if err := u.Check(); err != nil {
		return nil, usageError(err)
	}
	return []collector.Credential{{Version: collector.V3, User: u}}, nil
}
