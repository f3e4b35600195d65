package agent

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
)

// Between two searches the attached networks tell every hour what is new: printers that
// announce themselves by multicast DNS, and who answers a broadcast. Whoever is
// announced is asked by SNMP like everybody else, and only where the configuration
// allows asking.

// announcedWithin is how long answers of multicast DNS are waited for.
const announcedWithin = 3 * time.Second

// askAround asks the attached networks for what is new there.
func (a *Agent) askAround(ctx context.Context, found func(collector.Find)) {
	if a.attached == nil || !a.cfg.Discovery.MDNS && !a.cfg.Discovery.Broadcast {
		return
	}
	attached, err := a.attached()
	if err != nil {
		a.log.Warn("this machine's networks are not known", "err", err)
		return
	}
	for _, at := range attached {
		var sweeps []collector.Sweep
		if a.cfg.Discovery.MDNS {
			sweeps = a.announced(ctx, at)
		}
		if a.cfg.Discovery.Broadcast {
			sweeps = append(sweeps, a.broadcasts(at)...)
		}
		for _, s := range sweeps {
			s.Silent = a.askedInVain
			err := a.copiers.Discover(ctx, s, func(f collector.Find) {
				if f.Printer {
					found(f)
				}
			})
			if err != nil && ctx.Err() == nil {
				a.log.Warn("the question who is new in the network failed", "err", err)
			}
		}
	}
}

// announced are searches for what announces itself in an attached network.
func (a *Agent) announced(ctx context.Context, at collector.Attachment) []collector.Sweep {
	if !slices.ContainsFunc(a.cfg.Networks, func(n config.Network) bool { return overlaps(n, at.Prefix) }) {
		return nil // nobody there may be asked
	}
	var hints []netip.Addr
	err := at.Announced(ctx, announcedWithin, func(address netip.Addr) {
		if len(hints) < maxHints && !slices.Contains(hints, address) {
			hints = append(hints, address)
		}
	})
	if err != nil && ctx.Err() == nil {
		a.log.Warn("multicast dns was not asked", "err", err)
	}
	return a.hinted(hints)
}

// maxHints bounds how many announced addresses are asked.
const maxHints = 1000

// hinted are searches of the addresses that the configuration allows asking and that do
// not answer already.
func (a *Agent) hinted(hints []netip.Addr) []collector.Sweep {
	hosts := a.health.copyHosts()
	var sweeps []collector.Sweep
	for _, n := range a.cfg.Networks {
		s := sweepOf(a.cfg, n)
		for _, address := range hints {
			_, allowed := a.networkOf(address.String(), n.Port)
			known := hosts[net.JoinHostPort(address.String(), strconv.Itoa(int(n.Port)))].answers
			if allowed && !known && within(ranges(n.Addresses), address) {
				s.Targets = append(s.Targets, netip.AddrPortFrom(address, n.Port))
			}
		}
		if len(s.Targets) > 0 {
			sweeps = append(sweeps, s)
		}
	}
	return sweeps
}

// broadcasts are searches by one packet to everybody in an attached network, if
// everybody there may be asked.
func (a *Agent) broadcasts(at collector.Attachment) []collector.Sweep {
	var sweeps []collector.Sweep
	for _, n := range a.cfg.Networks {
		s := sweepOf(a.cfg, n)
		s.Broadcast = []netip.AddrPort{netip.AddrPortFrom(at.Broadcast(), n.Port)}
		s.Targets = wholly(n, at.Prefix)
		if len(s.Targets) > 0 {
			sweeps = append(sweeps, s)
		}
	}
	return sweeps
}

// wholly are all addresses of an attached network, if it is configured as a whole and
// nothing of it is excluded; else none.
func wholly(n config.Network, p netip.Prefix) (targets []netip.AddrPort) {
	r, err := collector.ParseRange(p.String())
	if err != nil {
		return nil
	}
	configured, exclude := ranges(n.Addresses), ranges(n.Exclude)
	for address := range r.Addresses() {
		if !within(configured, address) || within(exclude, address) {
			return nil
		}
		targets = append(targets, netip.AddrPortFrom(address, n.Port))
	}
	return targets
}

// overlaps says whether an attached network has addresses that are configured.
func overlaps(n config.Network, p netip.Prefix) bool {
	for _, r := range ranges(n.Addresses) {
		for address := range r.Addresses() {
			if p.Contains(address) {
				return true
			}
		}
	}
	return false
}
