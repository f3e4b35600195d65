package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/packaging"
	"meteragent/transport"
)

// enrolledPath is the file of the certificate that an enrolment has got, and its key.
func enrolledPath(cfg config.Config, name string) string {
	return filepath.Join(cfg.Store.Folder, "client-"+name+".pem")
}

func (a *app) enrollCommand() *cobra.Command {
	name, ca := agent.Portal, ""
	c := &cobra.Command{
		Use: "enroll URL CODE", Short: a.say.Say("help.enroll"), Long: a.long(text.Key("help.enroll.long")), Args: cobra.ExactArgs(2),
		Example: "  meteragent enroll https://portal.example.com 7KQ2-M4XA",
	}
	c.Flags().StringVar(&name, "name", name, a.say.Say("help.flag.name"))
	c.Flags().StringVar(&ca, "ca", "", a.say.Say("help.flag.enrollCA"))
	c.RunE = func(c *cobra.Command, args []string) error {
		code, err := a.code(args[1])
		if err != nil {
			return usageError(err)
		}
		// The file may lack what only the portal's people know; what is right in it counts.
		cfg, err := config.Load(a.config)
		if problems := (config.Problems)(nil); err != nil && !errors.As(err, &problems) && !errors.Is(err, os.ErrNotExist) {
			return a.configFailure(err)
		}
		return a.enroll(c.Context(), placed(cfg), name, args[0], ca, code)
	}
	return c
}

// code is the code itself, or "-" for the first line of standard input, where no other
// user of the machine can see it.
func (a *app) code(arg string) (transport.Secret, error) {
	if arg != "-" {
		return transport.Secret(arg), nil
	}
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("standard input holds no code")
	}
	return transport.Secret(line), nil
}

func (a *app) enroll(ctx context.Context, cfg config.Config, name, url, ca string, code transport.Secret) error {
	folder := cfg.Store.Folder
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	id, err := agent.LoadID(folder)
	if err != nil {
		return err
	}
	p := config.DefaultPortal()
	if i := slices.IndexFunc(cfg.Portals, func(p config.Portal) bool { return p.Name == name }); i >= 0 {
		p = cfg.Portals[i]
	}
	ready := p.Enroll == url
	p.Enroll = url
	if ca != "" {
		p.CA = ca
	}
	file, err := transport.Enrol(ctx, enrolling(p, id), code)
	if err != nil {
		f := failure{code: failed, err: fmt.Errorf("enroll at %s: %w", url, err)}
		if errors.Is(err, transport.ErrUnauthorized) {
			f.hint = text.Key("hint.enroll.code")
		}
		return f
	}
	path := enrolledPath(cfg, name)
	if err := agent.WriteFile(path, file); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	// The service, which need not be whoever types this, reads both.
	if err := packaging.ShareOwner(folder, path, filepath.Join(folder, "agent-id")); err != nil {
		return err
	}
	certificate, err := transport.ReadCertificate(path)
	if err != nil {
		return err
	}
	a.printf("%s\n", text.Wrap(a.say.Say("enroll.done", "path", path, "until", certificate.Until), width, "  "))
	if ready {
		a.printf("%s\n", text.Wrap(a.say.Say("enroll.ready"), width, "  "))
		return nil
	}
	a.printf("%s\n\n  enroll = %q\n", text.Wrap(a.say.Say("enroll.configure", "path", a.config), width, "  "), url)
	return nil
}

// enrolling is how the EST server of a portal is reached.
func enrolling(p config.Portal, id string) transport.Config {
	return transport.Config{
		URL: p.Enroll, CAFile: p.CA, Pin: p.Pin, Proxy: transport.Secret(p.Proxy), Agent: id, Software: "meteragent/" + version,
		Timeout: time.Minute,
	}
}

// enrolled gives a portal the certificate that its enrolment has got. A portal without
// one is tried all the same: nothing that is wrong with a portal stops the readings.
func (d *daemon) enrolled(p *config.Portal) {
	path := enrolledPath(d.cfg, p.Name)
	if p.Enroll == "" || p.ClientCertificate != "" {
		return
	}
	if _, err := transport.ReadCertificate(path); err != nil {
		d.log.Error("the agent is not enrolled", "dest", p.Name, "err", err, "hint", text.For("").Say("problem.enroll", "url", p.Enroll))
		d.unenrolled = append(d.unenrolled, func(c *text.Catalogue) string { return c.Say("problem.enroll", "url", p.Enroll) })
		return
	}
	p.ClientCertificate, p.ClientKey = path, path
}

// renew keeps the certificates of all enrolments alive until ctx ends: each is renewed
// when a third of its life is left, and the link reads the new one at its next connection.
func (d *daemon) renew(ctx context.Context, id string) {
	backoff := transport.Backoff{First: time.Minute, Max: 6 * time.Hour}
	for ctx.Err() == nil {
		next := 12 * time.Hour
		for _, p := range d.cfg.Portals {
			if p.Enroll == "" || p.ClientCertificate != "" {
				continue
			}
			due, err := d.renewOne(ctx, p, id)
			if err != nil && ctx.Err() == nil {
				due = backoff.Next(err)
				d.log.Error("the certificate is not renewed", "dest", p.Name, "err", err, "next", due, "hint", text.For("").Say("problem.enroll", "url", p.Enroll))
			}
			next = min(next, due)
		}
		wait(ctx, max(next, time.Second))
	}
}

// renewOne renews a certificate if it is time, and returns when it will be.
func (d *daemon) renewOne(ctx context.Context, p config.Portal, id string) (time.Duration, error) {
	path := enrolledPath(d.cfg, p.Name)
	certificate, err := transport.ReadCertificate(path)
	if errors.Is(err, os.ErrNotExist) {
		return 12 * time.Hour, nil // said at the start
	}
	if err != nil {
		return 0, err
	}
	if due := time.Until(certificate.Renew()); due > 0 {
		return due, nil
	}
	c := enrolling(p, id)
	c.CertFile, c.KeyFile = path, path
	file, err := transport.Enrol(ctx, c, "")
	if err == nil {
		err = agent.WriteFile(path, file)
	}
	if err == nil {
		certificate, err = transport.ReadCertificate(path)
	}
	if err != nil {
		return 0, err
	}
	d.log.Info("the certificate is renewed", "dest", p.Name, "until", certificate.Until)
	return time.Until(certificate.Renew()), nil
}
