package collector

import (
	"fmt"
	"net"
	"net/netip"
)

// An Attachment is a network of IPv4 that an interface of this machine is in.
type Attachment struct {
	Prefix  netip.Prefix // without the machine's own part
	Address netip.Addr   // the machine's own

	through net.Interface
}

// Attached returns the networks that this machine is attached to and where a packet can
// be sent to everybody: no loopback, no tunnels.
func Attached() ([]Attachment, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("attached networks: %w", err)
	}
	var all []Attachment
	for _, one := range interfaces {
		if need := net.FlagUp | net.FlagBroadcast | net.FlagMulticast; one.Flags&need != need {
			continue
		}
		addresses, err := one.Addrs()
		if err != nil {
			continue // it has gone in this moment
		}
		for _, address := range addresses {
			prefix, err := netip.ParsePrefix(address.String())
			if err != nil || !prefix.Addr().Is4() || prefix.Bits() > 30 {
				continue
			}
			all = append(all, Attachment{Prefix: prefix.Masked(), Address: prefix.Addr(), through: one})
		}
	}
	return all, nil
}

// Broadcast is the address that reaches everybody in the network.
func (a Attachment) Broadcast() netip.Addr { return lastOf(a.Prefix) }
