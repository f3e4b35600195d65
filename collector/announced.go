package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

// Multicast DNS (RFC 6762) is asked from a port of our own: who announces a printer
// answers us alone (section 6.7), nobody has to share port 5353, and no goroutine
// listens. The libraries for it open that port, or bring a DNS server along.

// maxAnnounced is how many addresses one answer may name.
const maxAnnounced = 16

// printing are the services of printers: Apple's Bonjour Printing Specification.
func printing() [3]string {
	return [...]string{"_ipp._tcp.local.", "_pdl-datastream._tcp.local.", "_printer._tcp.local."}
}

// Announced asks the network which printers announce themselves, twice within a time,
// and calls found with their addresses, which may repeat. They are hints, no finds: a
// computer announces the printers it shares, too. The errors are the context's and the
// network's.
func (a Attachment) Announced(ctx context.Context, wait time.Duration, found func(netip.Addr)) error {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Address, 0)))
	if err != nil {
		return fmt.Errorf("multicast dns on %s: %w", a.Prefix, err)
	}
	release := closeWhenDone(ctx, conn)
	defer release()
	if err := a.announced(conn, wait, found); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("multicast dns on %s: %w", a.Prefix, err)
	}
	return nil
}

func (a Attachment) announced(conn *net.UDPConn, wait time.Duration, found func(netip.Addr)) error {
	multicast := ipv4.NewPacketConn(conn)
	if err := multicast.SetMulticastInterface(&a.through); err != nil {
		return err
	}
	if err := multicast.SetMulticastTTL(255); err != nil { // section 11
		return err
	}
	id := uint16(1 + rand.Uint32N(1<<16-1))
	question, err := announcementQuestion(id)
	if err != nil {
		return err
	}
	buffer := make([]byte, maxPacket)
	for range 2 {
		if _, err := conn.WriteToUDPAddrPort(question, netip.MustParseAddrPort("224.0.0.251:5353")); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait / 2)); err != nil {
			return err
		}
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				break
			}
			if err != nil {
				return err
			}
			if sender := from.Addr().Unmap(); a.Prefix.Contains(sender) {
				for _, address := range announcedBy(buffer[:n], id, sender) {
					found(address)
				}
			}
		}
	}
	return nil
}

// announcementQuestion asks for the services of printers.
func announcementQuestion(id uint16) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	for _, service := range printing() {
		name, err := dnsmessage.NewName(service)
		if err != nil {
			return nil, err
		}
		if err := b.Question(dnsmessage.Question{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// announcedBy are the addresses in an answer: those that it names, or else its
// sender's; none if it is not an answer to the question of that id.
func announcedBy(packet []byte, id uint16, sender netip.Addr) (addresses []netip.Addr) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil || !header.Response || header.ID != id || p.SkipAllQuestions() != nil {
		return nil
	}
	printer := false
	records := func(next func() (dnsmessage.Resource, error)) {
		for len(addresses) < maxAnnounced {
			r, err := next()
			if err != nil {
				return
			}
			switch body := r.Body.(type) {
			case *dnsmessage.PTRResource:
				for _, service := range printing() {
					printer = printer || strings.EqualFold(r.Header.Name.String(), service)
				}
			case *dnsmessage.AResource:
				addresses = append(addresses, netip.AddrFrom4(body.A))
			case *dnsmessage.AAAAResource:
				addresses = append(addresses, netip.AddrFrom16(body.AAAA).Unmap())
			}
		}
	}
	records(p.Answer)
	if p.SkipAllAnswers() == nil && p.SkipAllAuthorities() == nil {
		records(p.Additional)
	}
	switch {
	case !printer:
		return nil
	case len(addresses) == 0:
		return []netip.Addr{sender}
	}
	return addresses
}
