package agent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

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

// discoverForEver sweeps at the start, then every discovery.every, and earlier if a
// known device has gone silent: it may answer at another address, where its serial
// number will tell that it has moved.
func (a *Agent) discoverForEver(ctx context.Context) {
	a.waitForSearch(ctx)
	for ctx.Err() == nil {
		err := a.discoverOnce(ctx, func(f collector.Find) {
			select {
			case a.found <- f:
			case <-ctx.Done():
			}
		})
		if err != nil && ctx.Err() == nil {
			a.log.Warn("the search for new devices did not finish", "err", err)
		}
		a.restFromSearch(ctx)
		a.waitForSearch(ctx)
	}
}

// waitForSearch returns when no network is in its quiet hours, and none will be before
// the search is over.
func (a *Agent) waitForSearch(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		end := a.quietUntil(now)
		if !end.After(now) {
			return
		}
		timer := time.NewTimer(end.Sub(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// quietUntil is when the quiet hours are over that a search begun at now would meet;
// now if it would meet none.
func (a *Agent) quietUntil(now time.Time) time.Time {
	var long time.Duration
	sweeps, err := Sweeps(a.cfg)
	if err != nil {
		return now // the search itself says so
	}
	for _, s := range sweeps {
		long += s.Longest()
	}
	for _, n := range a.cfg.Networks {
		quiet := a.cfg.QuietOf(n)
		for at := now; !at.After(now.Add(long)); at = at.Add(time.Minute) {
			if quiet.Contains(at) {
				return quiet.End(at)
			}
		}
	}
	return now
}

// searchRest is between two searches at least, however many devices go silent: at
// night all of them do.
const searchRest = time.Hour

// restFromSearch returns when the next search is due.
func (a *Agent) restFromSearch(ctx context.Context) {
	regular, rested := time.NewTimer(a.cfg.Discovery.Every), time.NewTimer(searchRest)
	defer regular.Stop()
	defer rested.Stop()
	select {
	case <-ctx.Done():
		return
	case <-regular.C:
		return
	case <-rested.C:
	}
	select {
	case <-ctx.Done():
	case <-regular.C:
	case <-a.lost:
	}
}

// discoverOnce sweeps every configured range and hands over the printers.
func (a *Agent) discoverOnce(ctx context.Context, found func(collector.Find)) error {
	sweeps, err := Sweeps(a.cfg)
	if err != nil {
		return err
	}
	for _, s := range sweeps {
		err := a.copiers.Discover(ctx, s, func(f collector.Find) {
			if f.Printer {
				found(f)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Sweeps are the searches that a configuration asks for: one for each network that
// has ranges. Single addresses need no search.
func Sweeps(cfg config.Config) ([]collector.Sweep, error) {
	var sweeps []collector.Sweep
	for _, n := range cfg.Networks {
		s := collector.Sweep{
			Credentials: credentials(n), Timeout: cfg.Poll.Timeout, Rate: cfg.Discovery.Rate,
		}
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
