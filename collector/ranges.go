package collector

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"net/netip"
	"strings"
)

// maxRange is how many addresses a range or a sweep may have: a /12 of IPv4.
const maxRange = 1 << 20

// A Range is some neighbouring addresses, or a host by its name.
type Range struct {
	text        string
	host        string // or "" and the addresses
	first, last netip.Addr
}

// ParseRange reads a range as people write it: "192.168.10.0/24" (without the
// addresses of the network and of everybody), "192.168.20.10-192.168.20.60",
// "192.168.20.10-60", one address, or a host name. It refuses more than 2^20
// addresses.
func ParseRange(s string) (Range, error) {
	s = strings.TrimSpace(s)
	r, err := parseRange(s)
	if err != nil {
		return Range{}, fmt.Errorf("range %q: %w", s, err)
	}
	r.text = s
	return r, nil
}

func parseRange(s string) (Range, error) {
	if address, err := netip.ParseAddr(s); err == nil {
		return between(address, address)
	}
	if strings.Contains(s, "/") {
		return parsePrefix(s)
	}
	if from, to, ok := strings.Cut(s, "-"); ok {
		if first, err := netip.ParseAddr(strings.TrimSpace(from)); err == nil {
			return parseUpTo(first, strings.TrimSpace(to))
		}
	}
	if !isHostName(s) {
		return Range{}, fmt.Errorf("it is neither an address, a range of addresses nor a host name")
	}
	return Range{host: s}, nil
}

func parsePrefix(s string) (Range, error) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return Range{}, fmt.Errorf("it is not a network such as 192.168.10.0/24")
	}
	prefix = prefix.Masked()
	first, last := prefix.Addr(), lastOf(prefix)
	if first.Is4() && prefix.Bits() < 31 {
		first, last = first.Next(), last.Prev()
	}
	return between(first, last)
}

// parseUpTo reads the end of a range, a whole address or its last part.
func parseUpTo(first netip.Addr, to string) (Range, error) {
	if last, err := netip.ParseAddr(to); err == nil {
		return between(first, last)
	}
	text := first.String()
	last, err := netip.ParseAddr(text[:strings.LastIndexAny(text, ".:")+1] + to)
	if err != nil {
		return Range{}, fmt.Errorf("%q is not the end of a range", to)
	}
	return between(first, last)
}

func between(first, last netip.Addr) (Range, error) {
	first, last = first.Unmap(), last.Unmap()
	if first.BitLen() != last.BitLen() || first.Zone() != last.Zone() {
		return Range{}, fmt.Errorf("it begins and ends in different kinds of addresses")
	}
	if last.Less(first) {
		return Range{}, fmt.Errorf("it ends before it begins")
	}
	r := Range{first: first, last: last}
	if n := r.size(); !n.IsInt64() || n.Int64() > maxRange {
		return Range{}, fmt.Errorf("it has more than %d addresses", maxRange)
	}
	return r, nil
}

// lastOf returns the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(octets)*8; bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}

// isHostName says whether s can be a host name. One whose last part is a number
// cannot: it is a mistyped address.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// String returns the range as it was written.
func (r Range) String() string { return r.text }

// Host returns the host name of a range that is one, else "".
func (r Range) Host() string { return r.host }

// Count returns the number of addresses, 1 for a host name.
func (r Range) Count() int {
	if r.host != "" {
		return 1
	}
	return int(r.size().Int64())
}

func (r Range) size() *big.Int {
	first, last := new(big.Int).SetBytes(r.first.AsSlice()), new(big.Int).SetBytes(r.last.AsSlice())
	return last.Sub(last, first).Add(last, big.NewInt(1))
}

// Contains says whether an address is in the range. A host name has none until it is
// looked up.
func (r Range) Contains(a netip.Addr) bool {
	a = a.Unmap()
	return r.host == "" && a.BitLen() == r.first.BitLen() && a.Zone() == r.first.Zone() &&
		r.first.Compare(a) <= 0 && a.Compare(r.last) <= 0
}

// Addresses iterates over the addresses in order. A host name has none until it
// is looked up.
func (r Range) Addresses() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for a := r.first; a.IsValid() && a.Compare(r.last) <= 0; a = a.Next() {
			if !yield(a) {
				return
			}
		}
	}
}

// Lookup returns the range of the address that a host name has now. Any other range
// is returned as it is.
func (r Range) Lookup(ctx context.Context) (Range, error) {
	if r.host == "" {
		return r, nil
	}
	address, err := lookup(ctx, r.host)
	if err != nil {
		return Range{}, fmt.Errorf("range %q: %w", r.text, err)
	}
	return Range{text: r.text, first: address, last: address}, nil
}
