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
		o := agent.Output{Name: r.Name(), Orders: r.Orders(), Left: &agent.Outgoing{}}
		if !r.Local() {
			o.Spread = r[0].Spread
		}
		var links []transport.Link
		for _, p := range r {
			d.enrolled(&p)
			link, err := dial(d.cfg, p, id, o.Left)
			if err != nil {
				return nil, errors.Join(err, d.hangUp())
			}
			links = append(links, link)
			d.links = append(d.links, link)
		}
		o.Link = links[0]
		if len(links) > 1 {
			doors := transport.NewDoors(links...)
			o.Link, o.Doors = doors, doors.State
		}
		outputs = append(outputs, o)
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
	kind := transport.Kind(p.Kind)
	if p.Kind == config.KindMeteragent {
		kind = transport.KindPortal
	}
	return transport.Dial(transport.Config{
		Kind: kind, Header: p.Header, Secret: transport.Secret(p.Secret), Tag: p.Tag, Prefix: p.Prefix,
		URL: p.URL, Token: transport.Secret(p.Token), User: p.User,
		CAFile: p.CA, CertFile: p.ClientCertificate, KeyFile: p.ClientKey,
		Pin: p.Pin, Proxy: transport.Secret(p.Proxy), ClientID: p.ClientID, ALPN: p.ALPN, Topics: transport.Topics(p.Topics),
		Receipts: transport.Receipts(p.Receipts), Agent: id, Customer: cfg.Customer,
		Software: "meteragent/" + version, Watch: left.Note,
	})
}
