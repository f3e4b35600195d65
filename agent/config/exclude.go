package config

import (
	"meteragent/agent/text"
	"meteragent/collector"
)

// exclude reads the addresses that are never asked. A host name is none: it could
// stand for another address tomorrow.
func (s section) exclude(to *[]string) {
	n := s.ask("exclude")
	switch {
	case n == nil:
		return
	case n.kind != list:
		s.add(n, Problem{Reason: text.Key("config.addresses")})
		return
	}
	for _, item := range n.items {
		found, err := collector.ParseRange(item.text)
		switch {
		case item.kind != words:
			s.add(item, Problem{Reason: text.Key("config.text")})
		case err != nil || found.Host() != "":
			s.add(item, Problem{Reason: text.Key("config.exclude")})
		default:
			*to = append(*to, item.text)
		}
	}
}
