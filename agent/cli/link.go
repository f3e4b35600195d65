package cli

import (
	"errors"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/transport"
)

// dial makes the links to all portals. It does not connect.
func (d *daemon) dial(id string) (outputs []agent.Output, err error) {
	for _, r := range d.cfg.Receivers() {
		left := &agent.Outgoing{}
		link, err := dial(d.cfg, r[0], id, left)
		if err != nil {
			return nil, errors.Join(err, d.hangUp())
		}
		d.links = append(d.links, link)
		outputs = append(outputs, agent.Output{Name: r.Name(), Link: link, Orders: r.Orders(), Left: left})
	}
	return outputs, nil
}

// hangUp closes all links.
func (d *daemon) hangUp() (err error) {
	for _, l := range d.links {
		err = errors.Join(err, l.Close())
	}
	return err
}

// dial makes the link to one portal.
func dial(cfg config.Config, p config.Portal, id string, left *agent.Outgoing) (transport.Link, error) {
	return transport.Dial(transport.Config{
		URL: p.URL, Token: transport.Secret(p.Token), User: p.User,
		CAFile: p.CA, CertFile: p.ClientCertificate, KeyFile: p.ClientKey,
		Pin: p.Pin, Proxy: transport.Secret(p.Proxy), ClientID: p.ClientID, ALPN: p.ALPN, Topics: transport.Topics(p.Topics),
		Receipts: transport.Receipts(p.Receipts), Agent: id, Customer: cfg.Customer,
		Software: "meteragent/" + version, Watch: left.Note,
	})
}
