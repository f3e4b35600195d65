package config

import (
	"meteragent/agent/text"
	"meteragent/collector"
)

// A User is who asks a network's copiers with SNMPv3. Without Auth nobody proves who
// asks, without Priv anybody can read along.
type User struct {
	Name         string
	Auth         string // one of collector.AuthProtocols, or ""
	AuthPassword Secret
	Priv         string // one of collector.PrivProtocols, or ""
	PrivPassword Secret
	Context      string // usually ""
}

// users reads [network.v3] or, if there are several to try, each [[network.v3]].
func (s section) users() (all []User) {
	if n := s.n.keys["v3"]; n != nil && n.kind == table {
		return []User{s.section("v3").user()}
	}
	for _, one := range s.sections("v3") {
		all = append(all, one.user())
	}
	return all
}

func (s section) user() User {
	var u User
	s.required("user", u.Name, s.text("user", &u.Name))
	auth := s.choice("auth", &u.Auth, collector.AuthProtocols()...)
	s.password("auth_password", &u.AuthPassword)
	priv := s.choice("priv", &u.Priv, collector.PrivProtocols()...)
	s.password("priv_password", &u.PrivPassword)
	s.text("context", &u.Context)
	switch {
	case auth != nil && s.n.keys["auth_password"] == nil:
		s.add(auth, Problem{Reason: text.Key("config.pair"), Allowed: []string{"auth_password"}})
	case priv != nil && s.n.keys["priv_password"] == nil:
		s.add(priv, Problem{Reason: text.Key("config.pair"), Allowed: []string{"priv_password"}})
	case priv != nil && s.n.keys["auth"] == nil:
		s.add(priv, Problem{Reason: text.Key("config.pair"), Allowed: []string{"auth"}})
	}
	return u
}

// password reads a password of SNMPv3, which has a shortest length of its own.
func (s section) password(name string, to *Secret) {
	n := s.secret(name, to)
	if n != nil && len(to.Reveal()) < leastPassword {
		s.add(n, Problem{Reason: text.Key("config.password")})
	}
}

const leastPassword = 8 // octets (RFC 3414 section 11.2)
