package collector

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// announcement is an answer of multicast DNS.
func announcement(t testing.TB, id uint16, service string, addresses ...netip.Addr) []byte {
	t.Helper()
	host := dnsmessage.MustNewName("copier.local.")
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: id, Response: true, Authoritative: true},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(service), Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("Copier." + service)},
		}},
	}
	for _, a := range addresses {
		r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: host, Class: dnsmessage.ClassINET}}
		if a.Is4() {
			r.Body = &dnsmessage.AResource{A: a.As4()}
		} else {
			r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		}
		m.Additionals = append(m.Additionals, r)
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestAnnouncedBy(t *testing.T) {
	sender, one, six := netip.MustParseAddr("192.168.10.1"), netip.MustParseAddr("192.168.10.20"), netip.MustParseAddr("fd00::20")
	question, err := announcementQuestion(7)
	if err != nil {
		t.Fatal(err)
	}
	many := make([]netip.Addr, 100)
	for i := range many {
		many[i] = one
	}
	for name, c := range map[string]struct {
		packet []byte
		want   []netip.Addr
	}{
		"its addresses":             {announcement(t, 7, "_ipp._tcp.local.", one, six), []netip.Addr{one, six}},
		"no address but the sender": {announcement(t, 7, "_printer._tcp.LOCAL."), []netip.Addr{sender}},
		"another question's":        {announcement(t, 8, "_ipp._tcp.local.", one), nil},
		"another service":           {announcement(t, 7, "_smb._tcp.local.", one), nil},
		"a question":                {question, nil},
		"cut off":                   {announcement(t, 7, "_ipp._tcp.local.", one)[:20], nil},
		"nothing":                   {nil, nil},
		"far more than anybody has": {announcement(t, 7, "_pdl-datastream._tcp.local.", many...), many[:maxAnnounced]},
	} {
		if got := announcedBy(c.packet, 7, sender); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
