package collector_test

import (
	"context"
	"net/netip"
	"testing"

	"meteragent/collector"
)

func TestParseRange(t *testing.T) {
	for _, c := range []struct {
		text, first, last string
		count             int
	}{
		{"192.168.10.0/24", "192.168.10.1", "192.168.10.254", 254},
		{"192.168.10.77/24", "192.168.10.1", "192.168.10.254", 254},
		{"192.168.10.8/30", "192.168.10.9", "192.168.10.10", 2},
		{"192.168.10.8/31", "192.168.10.8", "192.168.10.9", 2},
		{"192.168.10.8/32", "192.168.10.8", "192.168.10.8", 1},
		{"10.16.0.0/12", "10.16.0.1", "10.31.255.254", 1<<20 - 2},
		{"192.168.20.10-192.168.20.60", "192.168.20.10", "192.168.20.60", 51},
		{"192.168.20.250 - 192.168.21.5", "192.168.20.250", "192.168.21.5", 12},
		{"192.168.20.10-60", "192.168.20.10", "192.168.20.60", 51},
		{"192.168.20.10-10", "192.168.20.10", "192.168.20.10", 1},
		{" 192.168.20.10 ", "192.168.20.10", "192.168.20.10", 1},
		{"0.0.0.0-0.15.255.255", "0.0.0.0", "0.15.255.255", 1 << 20},
		{"255.255.255.250-255.255.255.255", "255.255.255.250", "255.255.255.255", 6},
		{"::ffff:192.168.1.1", "192.168.1.1", "192.168.1.1", 1},
		{"2001:db8::/120", "2001:db8::", "2001:db8::ff", 256},
		{"2001:db8::10-2f", "2001:db8::10", "2001:db8::2f", 32},
		{"fe80::1%eth0", "fe80::1%eth0", "fe80::1%eth0", 1},
	} {
		r, err := collector.ParseRange(c.text)
		if err != nil {
			t.Error(err)
			continue
		}
		var first, last netip.Addr
		n := 0
		for a := range r.Addresses() {
			if n == 0 {
				first = a
			}
			if !r.Contains(a) {
				t.Fatalf("%s does not contain %s", c.text, a)
			}
			last = a
			n++
		}
		if first.String() != c.first || last.String() != c.last || n != c.count || r.Count() != c.count || r.Host() != "" {
			t.Errorf("%s: %s to %s, %d of %d", c.text, first, last, n, r.Count())
		}
		if r.Contains(first.Prev()) || r.Contains(last.Next()) {
			t.Errorf("%s contains its neighbours", c.text)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "/24", "192.168.1.0/", "192.168.1.0/33", "192.168.1.0/x", "10.0.0.0/11", "0.0.0.0/0", "::/0", "2001:db8::/64",
		"192.168.1.300", "192.168.1", "1", "1.2.3.4.5", "192.168.1.10-5", "192.168.1.10-300", "192.168.1.10-", "192.168.1.10-x",
		"10.0.0.0-11.0.0.0", "192.168.1.1-2001:db8::1", "host name", "-host", "host-", "a..b", "host_/x", "hoßt",
		"192.168.1.1:161", "http://192.168.1.1",
	} {
		if r, err := collector.ParseRange(text); err == nil {
			t.Errorf("%q is taken for %d addresses and host %q", text, r.Count(), r.Host())
		}
	}
}

func TestHostNameRange(t *testing.T) {
	for _, text := range []string{"copier-3.example.com", "localhost", "copier_3", "3com", "copier.example."} {
		r, err := collector.ParseRange(text)
		if err != nil || r.Host() != text || r.Count() != 1 || r.String() != text {
			t.Errorf("%q: host %q, count %d, %v", text, r.Host(), r.Count(), err)
		}
		for a := range r.Addresses() {
			t.Errorf("%q has address %s before it is looked up", text, a)
		}
	}
	r, err := collector.ParseRange("localhost")
	if err != nil {
		t.Fatal(err)
	}
	found, err := r.Lookup(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for a := range found.Addresses() {
		if !a.IsLoopback() {
			t.Errorf("localhost is %s", a)
		}
	}
	if found.Count() != 1 || found.String() != "localhost" {
		t.Errorf("got %d addresses of %q", found.Count(), found)
	}
}
