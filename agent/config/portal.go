package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"meteragent/agent/text"
)

// The kinds of portal.
const (
	KindMeteragent    = "meteragent"    // docs/wire.md
	KindWebhook       = "webhook"       // one POST for each record
	KindGLPI          = "glpi"          // GLPI's native inventory
	KindHomeAssistant = "homeassistant" // MQTT discovery
)

// Portal says where readings and orders go, and how to prove who sends them. Portals of
// one name stand in for one another, in the order of the file; each name gets
// everything.
type Portal struct {
	Name              string // of the receiver, for people and for the database
	Kind              string // one of the kinds
	Orders            bool   // it gets the orders; true for one name at most
	URL               string // https://, mqtts:// or wss://; http:// and mqtt:// only to loopback
	Token             Secret // bearer token of HTTPS, password of MQTT; may be empty
	User              string // user name of MQTT; may be empty
	CA                string // PEM file of a certificate authority of the customer's own; "" uses the system's
	ClientCertificate string // PEM file; "" for none
	ClientKey         string // PEM file; "" for none
	Pin               string // public key of the portal's certificate, "sha256/..."; "" for any
	Enroll            string // URL of the EST server that gives the client certificate; "" for none
	Proxy             Secret // http://user:password@host:port, "none", or "" for the environment's
	Receipts          string // "portal", "broker" or "status"; meteragent only

	Spread time.Duration // readings wait for this agent's own moment in a span of this length; 0 for none

	// For brokers that prescribe them; "" is what meteragent does by itself.
	ClientID string
	ALPN     string
	Topics   Topics

	Header string // webhook: which header holds the token; "" is Authorization
	Secret Secret // webhook: signs each record; may be empty
	Tag    string // glpi: TAG of the inventory, for GLPI's rules; may be empty
	Prefix string // homeassistant: of discovery
}

// Topics are templates of MQTT topics, with {customer}, {agent} and {kind}.
type Topics struct {
	Records, Receipts, Status, Probe string
}

// DefaultPortal is what holds where a [portal] says nothing. It lacks the URL; the
// name follows the kind.
func DefaultPortal() Portal {
	return Portal{Kind: KindMeteragent, Receipts: "portal", Spread: time.Minute, Prefix: "homeassistant"}
}

// A Receiver is the portals of one name, the preferred one first.
type Receiver []Portal

// Name is the name of all of them.
func (r Receiver) Name() string { return r[0].Name }

// Orders says whether it gets the orders.
func (r Receiver) Orders() bool { return r[0].Orders }

// Local says whether it is on this machine, where no fleet arrives.
func (r Receiver) Local() bool {
	return !slices.ContainsFunc(r, func(p Portal) bool {
		u, err := url.Parse(p.URL)
		return err != nil || !isLoopback(u.Hostname())
	})
}

// Receivers are the portals by their names, in the order of the file.
func (c Config) Receivers() (all []Receiver) {
	for _, p := range c.Portals {
		i := slices.IndexFunc(all, func(r Receiver) bool { return r.Name() == p.Name })
		if i < 0 {
			i, all = len(all), append(all, nil)
		}
		all[i] = append(all[i], p)
	}
	return all
}

// portals reads [portal] or, if there are several, each [[portal]].
func (s section) portals(seen map[string]*node) (all []Portal) {
	n := s.n.keys["portal"]
	if n == nil || n.kind == table {
		return []Portal{s.section("portal").portal(seen)}
	}
	for _, one := range s.sections("portal") {
		all = append(all, one.portal(seen))
	}
	return all
}

func (s section) portal(seen map[string]*node) Portal {
	p := DefaultPortal()
	s.choice("kind", &p.Kind, KindMeteragent, KindWebhook, KindGLPI, KindHomeAssistant)
	s.named(&p, seen)
	n := s.text("url", &p.URL)
	s.required("url", p.URL, n)
	scheme := ""
	if n != nil && p.URL != "" {
		scheme = s.url(n, p.URL)
	}
	if wantsMQTT := p.Kind == KindHomeAssistant; scheme != "" && p.Kind != KindMeteragent && wantsMQTT == isHTTP(scheme) {
		allowed := []string{"https://"}
		if wantsMQTT {
			allowed = []string{"mqtts://", "wss://"}
		}
		s.add(n, Problem{Reason: text.Key("config.urlKind"), Allowed: allowed})
		scheme = ""
	}
	s.truth("orders", &p.Orders)
	s.secret("token", &p.Token)
	s.text("user", &p.User)
	s.certificates(&p)
	s.text("client_id", &p.ClientID)
	s.text("alpn", &p.ALPN)
	topics := s.section("topics")
	topics.topic("records", &p.Topics.Records)
	topics.topic("receipts", &p.Topics.Receipts)
	topics.topic("status", &p.Topics.Status)
	topics.topic("probe", &p.Topics.Probe)
	s.duration("spread", &p.Spread, 0, time.Hour)
	s.receipts(&p, scheme)
	s.text("header", &p.Header)
	s.secret("secret", &p.Secret)
	s.text("tag", &p.Tag)
	s.topic("prefix", &p.Prefix)
	s.ofKind(p.Kind)
	return p
}

// named reads the name. Only portals that keep to docs/wire.md can stand in for one
// another: they drop what the other one has.
func (s section) named(p *Portal, seen map[string]*node) {
	p.Name = p.Kind
	if p.Kind == KindMeteragent {
		p.Name = "portal"
	}
	n := s.text("name", &p.Name)
	if n != nil && !isPortalName(p.Name) {
		s.add(n, Problem{Reason: text.Key("config.name")})
		return
	}
	what := "portal " + p.Name
	if first := seen[what]; first == nil || p.Kind != KindMeteragent || seen[what+" stands alone"] != nil {
		s.once(seen, what, cmp.Or(n, s.n))
	}
	if p.Kind != KindMeteragent {
		seen[what+" stands alone"] = s.n
	}
}

// isPortalName says whether a name can stand in the database and on a command line.
func isPortalName(name string) bool {
	return name != "" && len(name) <= 40 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// certificates reads whom to trust, what proves us, and the way.
func (s section) certificates(p *Portal) {
	s.existing("ca", &p.CA)
	certificate := s.existing("client_certificate", &p.ClientCertificate)
	key := s.existing("client_key", &p.ClientKey)
	switch {
	case p.ClientCertificate != "" && p.ClientKey == "" && s.n.keys["client_key"] == nil:
		s.add(certificate, Problem{Reason: text.Key("config.pair"), Allowed: []string{"portal.client_key"}})
	case p.ClientKey != "" && p.ClientCertificate == "" && s.n.keys["client_certificate"] == nil:
		s.add(key, Problem{Reason: text.Key("config.pair"), Allowed: []string{"portal.client_certificate"}})
	}
	enroll := s.text("enroll", &p.Enroll)
	if enroll != nil && p.Enroll != "" {
		if scheme := s.url(enroll, p.Enroll); scheme != "" && !isHTTP(scheme) {
			s.add(enroll, Problem{Reason: text.Key("config.urlKind"), Allowed: []string{"https://"}})
		}
	}
	pin := s.text("pin", &p.Pin)
	if pin != nil && !arePins(p.Pin) {
		s.add(pin, Problem{Reason: text.Key("config.pin")})
	}
	proxy := s.secret("proxy", &p.Proxy)
	if proxy != nil && !isProxy(p.Proxy.Reveal()) {
		s.add(proxy, Problem{Reason: text.Key("config.proxy")})
	}
}

func (s section) receipts(p *Portal, scheme string) {
	receipts := s.choice("receipts", &p.Receipts, "portal", "broker", "status")
	switch {
	case receipts == nil || scheme == "":
	case p.Receipts == "broker" && isHTTP(scheme):
		s.add(receipts, Problem{Reason: text.Key("config.receipts"), Allowed: []string{"mqtts://", "wss://"}})
	case p.Receipts == "status" && !isHTTP(scheme):
		s.add(receipts, Problem{Reason: text.Key("config.receipts"), Allowed: []string{"https://"}})
	}
}

// ofKind names the settings that mean nothing for a kind of portal.
func (s section) ofKind(kind string) {
	for _, setting := range []struct{ names, kinds string }{
		{"receipts topics", KindMeteragent},
		{"client_id alpn", KindMeteragent + " " + KindHomeAssistant},
		{"orders", KindMeteragent + " " + KindWebhook},
		{"header secret", KindWebhook},
		{"tag", KindGLPI},
		{"prefix", KindHomeAssistant},
	} {
		kinds := strings.Fields(setting.kinds)
		for _, name := range strings.Fields(setting.names) {
			if n := s.n.keys[name]; n != nil && !slices.Contains(kinds, kind) {
				s.add(n, Problem{Reason: text.Key("config.ofKind"), Allowed: kinds})
			}
		}
	}
}

// ordersTo decides who gets the orders: the one whose orders is true, or else the first
// that keeps to docs/wire.md, or else the first webhook. Never two.
func (s section) ordersTo(c *Config) {
	var asked, able *Portal
	sections := s.portalNodes()
	for i := range c.Portals {
		p := &c.Portals[i]
		said := sections[min(i, len(sections)-1)].keys["orders"]
		switch {
		case p.Orders && asked != nil && asked.Name != p.Name:
			s.add(said, Problem{Reason: text.Key("config.ordersTwice")})
		case p.Orders:
			asked = p
		case said != nil || p.Kind != KindMeteragent && p.Kind != KindWebhook:
		case able == nil || able.Kind == KindWebhook && p.Kind == KindMeteragent:
			able = p
		}
	}
	to := cmp.Or(asked, able)
	for i := range c.Portals {
		c.Portals[i].Orders = to != nil && c.Portals[i].Name == to.Name
	}
	if to == nil && c.Toner.Mode == "order" {
		s.add(&node{key: "portal"}, Problem{Reason: text.Key("config.noOrders"), Allowed: []string{"toner.mode = \"off\""}})
	}
}

// portalNodes are the tables of [portal] or [[portal]]; at least one.
func (s section) portalNodes() []*node {
	n := s.n.keys["portal"]
	switch {
	case n == nil:
		return []*node{newTable("portal", 0)}
	case n.kind == list && len(n.items) > 0:
		return n.items
	}
	return []*node{n}
}

// inTopics says whether the customer number is part of MQTT topics.
func inTopics(all []Portal) bool {
	return slices.ContainsFunc(all, func(p Portal) bool {
		scheme, _, _ := strings.Cut(p.URL, "://")
		return p.Kind == KindMeteragent && p.URL != "" && !isHTTP(scheme)
	})
}
