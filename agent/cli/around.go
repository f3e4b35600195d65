package cli

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"meteragent/collector"
)

// around are searches of the networks that this machine is attached to, without asking
// every address: of what announces itself, and by broadcast. Ranges limit whose answers
// count.
func (a *app) around(ctx context.Context, f discoverFlags, args []string) ([]collector.Sweep, error) {
	if f.broadcast && (f.from != "" || len(f.exclude) > 0) {
		return nil, usageError(errors.New("--broadcast asks everybody: it does not go with --exclude or --from"))
	}
	credentials, err := f.ask.credentials()
	if err != nil {
		return nil, err
	}
	var within []collector.Range
	for _, arg := range args {
		r, err := collector.ParseRange(arg)
		if err != nil {
			return nil, usageError(err)
		}
		within = append(within, r)
	}
	attached, err := collector.Attached()
	if err != nil {
		return nil, err
	}
	var sweeps []collector.Sweep
	for _, at := range attached {
		sweep := collector.Sweep{Credentials: credentials, Timeout: f.ask.timeout}
		add := func(address netip.Addr) {
			wanted := len(within) == 0 || slices.ContainsFunc(within, func(r collector.Range) bool { return r.Contains(address) })
			if wanted && at.Prefix.Contains(address) {
				sweep.Targets = append(sweep.Targets, netip.AddrPortFrom(address, f.ask.port))
			}
		}
		if f.mdns {
			if err := at.Announced(ctx, 3*time.Second, add); err != nil {
				return nil, err
			}
			sweeps = append(sweeps, sweep)
			sweep.Targets = nil
		}
		if r, err := collector.ParseRange(at.Prefix.String()); f.broadcast && err == nil {
			for address := range r.Addresses() {
				add(address)
			}
			sweep.Broadcast = []netip.AddrPort{netip.AddrPortFrom(at.Broadcast(), f.ask.port)}
			sweeps = append(sweeps, sweep)
		}
	}
	return f.limit(sweeps)
}
