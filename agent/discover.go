package agent

import (
	"fmt"
	"net/netip"
	"slices"

	"meteragent/agent/config"
	"meteragent/collector"
)

// named are the single addresses and host names of the configuration. They are
// asked without having been found first.
func (a *Agent) named() []target {
	var out []target
	for _, n := range a.cfg.Networks {
		for _, text := range n.Addresses {
			if r, err := collector.ParseRange(text); err == nil && r.Count() == 1 && !excluded(n, text) {
				out = append(out, target{address: text, port: n.Port, network: n})
			}
		}
	}
	return out
}

// networkOf is the part of the configuration that an address belongs to; false if
// it is in none.
func (a *Agent) networkOf(address string, port uint16) (config.Network, bool) {
	for _, n := range a.cfg.Networks {
		if n.Port != port || excluded(n, address) {
			continue
		}
		for _, text := range n.Addresses {
			if text == address {
				return n, true
			}
			r, err := collector.ParseRange(text)
			ip, notIP := netip.ParseAddr(address)
			if err == nil && notIP == nil && r.Contains(ip) {
				return n, true
			}
		}
	}
	return config.Network{}, false
}

// excluded says whether a network leaves an address out.
func excluded(n config.Network, address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && within(ranges(n.Exclude), ip)
}

// ranges are those of a configuration, which has checked them.
func ranges(texts []string) []collector.Range {
	var all []collector.Range
	for _, text := range texts {
		if r, err := collector.ParseRange(text); err == nil {
			all = append(all, r)
		}
	}
	return all
}

func within(ranges []collector.Range, a netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(r collector.Range) bool { return r.Contains(a) })
}

// Sweeps are the searches that a configuration asks for: one for each network that
// has ranges. Single addresses need no search.
func Sweeps(cfg config.Config) ([]collector.Sweep, error) {
	var sweeps []collector.Sweep
	for _, n := range cfg.Networks {
		s := sweepOf(cfg, n)
		exclude := ranges(n.Exclude)
		for _, text := range n.Addresses {
			r, err := collector.ParseRange(text)
			if err != nil {
				return nil, fmt.Errorf("network: %w", err)
			}
			if r.Count() == 1 {
				continue
			}
			for address := range r.Addresses() {
				if !within(exclude, address) {
					s.Targets = append(s.Targets, netip.AddrPortFrom(address, n.Port))
				}
			}
		}
		if len(s.Targets) > 0 {
			sweeps = append(sweeps, s)
		}
	}
	return sweeps, nil
}

// sweepOf is a search of a network, still without targets.
func sweepOf(cfg config.Config, n config.Network) collector.Sweep {
	return collector.Sweep{Credentials: credentials(n), Timeout: cfg.Poll.Timeout, Rate: cfg.Discovery.Rate}
}

// addFind makes a printer that a sweep found a target.
func (a *Agent) addFind(s *schedule, f collector.Find) {
	if n, ok := a.networkOf(f.Address, f.Port); ok {
		s.add(target{address: f.Address, port: f.Port, network: n})
	}
}

// credentials are how a network's devices are asked.
func credentials(n config.Network) []collector.Credential {
	var all []collector.Credential
	for _, u := range n.Users {
		all = append(all, collector.Credential{Version: collector.V3, User: collector.User{
			Name: u.Name, Auth: u.Auth, AuthPassword: collector.Secret(u.AuthPassword),
			Priv: u.Priv, PrivPassword: collector.Secret(u.PrivPassword), Context: u.Context,
		}})
	}
	if n.Community != "" || len(all) == 0 {
		version := map[string]collector.Version{"1": collector.V1, "2c": collector.V2c}[n.Version]
		all = append(all, collector.Credential{Version: version, Community: collector.Secret(n.Community)})
	}
	return all
}
