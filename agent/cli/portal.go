package cli

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/text"
	"meteragent/transport"
	"meteragent/transport/portal"
)

// portalFlags are what the reference portal is told.
type portalFlags struct {
	listen, token, certificate, key    string
	broker, user, passwordFile, caFile string

	authority, authorityKey, code string
	life                          time.Duration
}

func (a *app) portalCommand() *cobra.Command {
	var f portalFlags
	c := &cobra.Command{
		Use: "portal", Short: a.say.Say("help.portal"), Long: a.long(text.Key("help.portal.long")), Args: cobra.NoArgs,
		Example: "  meteragent portal --listen 127.0.0.1:8080",
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", a.say.Say("help.flag.listen"))
	c.Flags().StringVar(&f.token, "token-file", "", a.say.Say("help.flag.token"))
	c.Flags().StringVar(&f.certificate, "certificate", "", a.say.Say("help.flag.certificate"))
	c.Flags().StringVar(&f.key, "key", "", a.say.Say("help.flag.key"))
	c.Flags().StringVar(&f.broker, "broker", "", a.say.Say("help.flag.broker"))
	c.Flags().StringVar(&f.user, "user", "", a.say.Say("help.flag.user"))
	c.Flags().StringVar(&f.passwordFile, "password-file", "", a.say.Say("help.flag.password"))
	c.Flags().StringVar(&f.caFile, "ca", "", a.say.Say("help.flag.ca"))
	c.Flags().StringVar(&f.authority, "authority", "", a.say.Say("help.flag.authority"))
	c.Flags().StringVar(&f.authorityKey, "authority-key", "", a.say.Say("help.flag.authorityKey"))
	c.Flags().StringVar(&f.code, "code-file", "", a.say.Say("help.flag.code"))
	c.Flags().DurationVar(&f.life, "life", 90*24*time.Hour, a.say.Say("help.flag.life"))
	c.RunE = func(c *cobra.Command, _ []string) error { return a.runPortal(c.Context(), f) }
	return c
}

func (a *app) runPortal(ctx context.Context, f portalFlags) error {
	token, err := secretFile(f.token)
	if err != nil {
		return usageError(err)
	}
	authority, err := f.openAuthority()
	if err != nil {
		return usageError(err)
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	scheme := "http"
	if f.certificate != "" || f.key != "" {
		pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
		if err != nil {
			return usageError(errors.Join(fmt.Errorf("portal certificate: %w", err), l.Close()))
		}
		scheme = "https"
		security := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
		if authority != nil {
			security.ClientAuth, security.ClientCAs = tls.VerifyClientCertIfGiven, authority.Pool()
		}
		l = tls.NewListener(l, security)
	}
	p := portal.New(portal.Options{Token: transport.Secret(token), Keep: 100_000, Authority: authority})
	a.printf("%s\n", text.Wrap(a.say.Say("portal.listens", "url", scheme+"://"+l.Addr().String()+"/events"), width, ""))
	parts := []func(context.Context) error{func(ctx context.Context) error { return serveHTTP(ctx, l, p) }}
	if f.broker != "" {
		b, err := f.brokerOptions()
		if err != nil {
			return usageError(errors.Join(err, l.Close()))
		}
		parts = append(parts, func(ctx context.Context) error { return p.ServeMQTT(ctx, b) })
	}
	return agent.Together(ctx, parts...)
}

// openAuthority is who gives agents certificates; nil if nobody does.
func (f portalFlags) openAuthority() (*portal.Authority, error) {
	if f.authority == "" {
		return nil, nil
	}
	code, err := secretFile(f.code)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(f.authority, f.authorityKey)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("authority key %s: cannot sign", f.authorityKey)
	}
	return &portal.Authority{Certificate: pair.Leaf, Key: key, Code: transport.Secret(code), Life: f.life}, nil
}

func (f portalFlags) brokerOptions() (portal.Broker, error) {
	password, err := secretFile(f.passwordFile)
	if err != nil {
		return portal.Broker{}, err
	}
	b := portal.Broker{URL: f.broker, User: f.user, Password: transport.Secret(password)}
	if f.caFile != "" {
		pem, err := os.ReadFile(f.caFile)
		if err != nil {
			return b, fmt.Errorf("authority: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return b, fmt.Errorf("authority %s: no certificate in it", f.caFile)
		}
		b.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return b, nil
}

// secretFile reads a token or password; "" as the path means none.
func secretFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(data)), nil
}
