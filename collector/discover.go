package collector

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Sweep is a search for devices.
type Sweep struct {
	Targets     []netip.AddrPort // at most 2^20; one that is repeated is asked once
	Credentials []Credential     // each is tried; none means community "public"
	Timeout     time.Duration    // to wait for an answer after each try; 0 means 1 s

	// Tries is how many packets a silent address gets for each credential; 0 means 2.
	// A credential of version Auto is tried in versions 2c and 1 by turns; a single
	// try is version 1, which all devices answer that answer 2c, but for few.
	Tries int

	// Quick ends the wait once four times the slowest answer so far has passed, and
	// 200 ms. Devices that are all slow are found, but one among fast ones may not be.
	Quick bool

	// Broadcast, if there is any, is asked in place of the targets, whose answers count
	// all the same: the address that reaches everybody in a network.
	Broadcast []netip.AddrPort

	Rate     int            // packets a second; 0 means 200, less than 0 as fast as it goes
	Progress func(Progress) // may be nil; called about two hundred times in all

	// Silent, which may be nil, is called at the end for each target that was asked and did
	// not answer, with what that has cost.
	Silent func(to netip.AddrPort, spent Traffic)
}

// Progress is how far a sweep has come.
type Progress struct {
	Asked, Of int            // questions put so far, and how many there are if nobody answers
	Through   netip.AddrPort // the targets up to this one have had all their tries; invalid while none has
}

// A Find is a device that answered a sweep.
type Find struct {
	Address      string `json:"address"`
	Port         uint16 `json:"port"`
	SysObjectID  string `json:"sysObjectID"` // without a leading dot
	SysDescr     string `json:"sysDescr"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`  // "" if it is not where RFC 3805 has it
	Printer      bool   `json:"printer"` // it has shown to be a printer, copier or scanner

	Traffic Traffic `json:"-"` // what finding it has cost, without what was sent to everybody
}

// Discover asks all targets and calls found for each that answers, once, in the
// order of the answers. The targets are asked in the order of their addresses. It uses
// one socket, starts nothing that outlives it, and calls found and Progress itself. A
// device that is being read at the moment is left in peace until the next try.
// After an error, which is the context's or the network's, what was found stands.
func (c *Collector) Discover(ctx context.Context, s Sweep, found func(Find)) error {
	s = s.withDefaults()
	s.Targets = inOrder(s.Targets)
	if len(s.Targets) > maxRange {
		return fmt.Errorf("discover: more than %d addresses", maxRange)
	}
	network := "udp4"
	if slices.ContainsFunc(s.Targets, func(t netip.AddrPort) bool { return !t.Addr().Is4() }) {
		network = "udp"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	conn.SetReadBuffer(1 << 20) // best effort: answers that come in a burst
	release := closeWhenDone(ctx, conn)
	defer release()
	sweep := newSweep(c, s, conn, found)
	err = sweep.run()
	sweep.tellSilent()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("discover: %w", err)
	}
	return nil
}

func (s Sweep) withDefaults() Sweep {
	if len(s.Credentials) == 0 {
		s.Credentials = []Credential{{Community: "public"}}
	}
	if s.Timeout <= 0 {
		s.Timeout = time.Second
	}
	if s.Tries <= 0 {
		s.Tries = 2
	}
	if s.Rate == 0 {
		s.Rate = 200
	}
	if s.Progress == nil {
		s.Progress = func(Progress) {}
	}
	return s
}

// inOrder is targets sorted, and each once. It is the same slice if it was so.
func inOrder(targets []netip.AddrPort) []netip.AddrPort {
	for i := 1; i < len(targets); i++ {
		if targets[i-1].Compare(targets[i]) >= 0 {
			targets = slices.Clone(targets)
			slices.SortFunc(targets, netip.AddrPort.Compare)
			return slices.Compact(targets)
		}
	}
	return targets
}

// Longest is how long the sweep takes if nobody answers. Devices that answer in part
// may take a timeout more for each further try.
func (s Sweep) Longest() time.Duration {
	s = s.withDefaults()
	asked := len(s.Broadcast)
	if asked == 0 {
		asked = len(s.Targets)
	}
	var sending time.Duration
	if s.Rate > 0 {
		sending = time.Duration(asked) * time.Second / time.Duration(s.Rate)
	}
	rounds := time.Duration(s.Tries * len(s.Credentials))
	return (rounds-1)*max(sending, s.Timeout) + sending + s.Timeout
}
