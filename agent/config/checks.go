package config

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"meteragent/agent/text"
)

// url checks the portal's address and returns its scheme, or "".
func (s section) url(n *node, address string) string {
	u, err := url.Parse(address)
	safe := []string{"https", "mqtts", "wss"}
	plain := []string{"http", "mqtt", "ws"}
	switch {
	case err != nil || !slices.Contains(append(safe, plain...), u.Scheme) || u.Hostname() == "":
		s.add(n, Problem{Reason: text.Key("config.url"), Allowed: []string{"https://", "mqtts://", "wss://"}})
	case u.User != nil:
		s.add(n, Problem{Reason: text.Key("config.urlUser")})
	case u.Port() != "" && !isPort(u.Port()):
		s.add(n, Problem{Reason: text.Key("config.port")})
	case slices.Contains(plain, u.Scheme) && !isLoopback(u.Hostname()):
		p := Problem{Reason: text.Key("config.urlPlain")}
		if n.kind == words && shown(n) == n.raw {
			p.Meant = strings.Replace(n.raw, u.Scheme, safe[slices.Index(plain, u.Scheme)], 1)
		}
		s.add(n, p)
	default:
		return u.Scheme
	}
	return ""
}

// arePins says whether every word is the SHA-256 of a public key, as curl writes it.
func arePins(words string) bool {
	for _, pin := range strings.Fields(words) {
		sum, found := strings.CutPrefix(pin, "sha256/")
		if raw, err := base64.StdEncoding.DecodeString(sum); err != nil || !found || len(raw) != sha256.Size {
			return false
		}
	}
	return true
}

func isProxy(address string) bool {
	u, err := url.Parse(address)
	return address == "" || address == "none" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// topic reads the template of an MQTT topic.
func (s section) topic(name string, to *string) {
	n := s.text(name, to)
	if n == nil {
		return
	}
	rest := strings.NewReplacer("{customer}", "", "{agent}", "", "{kind}", "").Replace(*to)
	if strings.ContainsAny(rest, "{}") || name != "receipts" && strings.ContainsAny(rest, "+#") {
		s.add(n, Problem{Reason: text.Key("config.template")})
	}
}

func isHTTP(scheme string) bool { return scheme == "http" || scheme == "https" }

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 65535
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// listen reads "host:port", or "" for off.
func (s section) listen(name string, to *string) {
	n := s.text(name, to)
	if n == nil || *to == "" {
		return
	}
	_, port, err := net.SplitHostPort(*to)
	if err != nil || !isPort(port) {
		s.add(n, Problem{Reason: text.Key("config.listen")})
	}
}

// once says whether what a node says has not been said before.
func (s section) once(seen map[string]*node, what string, n *node) bool {
	first := seen[what]
	if first != nil {
		s.add(n, Problem{Reason: text.Key("config.again"), Other: first.line})
		return false
	}
	seen[what] = n
	return true
}

// simulated says whether every copier is on this machine. Those may be asked as often
// as one likes: nobody waits for them.
func simulated(networks []Network) bool {
	some := false
	for _, n := range networks {
		for _, entry := range n.Addresses {
			for _, end := range strings.Split(entry, "-") {
				if !isLoopback(end) {
					return false
				}
			}
			some = true
		}
	}
	return some
}
