package agent

import (
	"net/netip"
	"testing"

	"meteragent/agent/config"
	"meteragent/collector"
)

// What announces itself is asked only where the configuration allows it, and not if it
// answers already.
func TestHintsAreOnlyAskedWhereAllowed(t *testing.T) {
	first, second := config.DefaultNetwork(), config.DefaultNetwork()
	first.Addresses, first.Exclude = []string{"192.168.10.0/24"}, []string{"192.168.10.9"}
	second.Addresses, second.Port = []string{"192.168.20.0/24"}, 1161
	a := New(Options{Config: config.Config{Networks: []config.Network{first, second}}})
	a.health.answered("192.168.10.7:161", "KNOWN001", 0)
	var hints []netip.Addr
	for _, text := range []string{"192.168.10.7", "192.168.10.8", "192.168.10.9", "192.168.20.8", "192.168.30.8", "8.8.8.8"} {
		hints = append(hints, netip.MustParseAddr(text))
	}
	var asked []string
	for _, s := range a.hinted(hints) {
		for _, to := range s.Targets {
			asked = append(asked, to.String())
		}
	}
	if len(asked) != 2 || asked[0] != "192.168.10.8:161" || asked[1] != "192.168.20.8:1161" {
		t.Errorf("asked: %v", asked)
	}
}

// A broadcast reaches everybody, so everybody there must be allowed to be asked.
func TestBroadcastsOnlyToWhollyConfiguredNetworks(t *testing.T) {
	at := collector.Attachment{Prefix: netip.MustParsePrefix("192.168.10.0/24"), Address: netip.MustParseAddr("192.168.10.5")}
	for _, c := range []struct {
		addresses, exclude []string
		want               int // targets whose answers count
	}{
		{[]string{"192.168.10.0/24"}, nil, 254},
		{[]string{"192.168.0.0/16"}, nil, 254},
		{[]string{"192.168.10.1-100", "192.168.10.101-254"}, nil, 254},
		{[]string{"192.168.10.1-253"}, nil, 0},
		{[]string{"192.168.10.0/24"}, []string{"192.168.10.200"}, 0},
		{[]string{"192.168.20.0/24"}, nil, 0},
	} {
		n := config.DefaultNetwork()
		n.Addresses, n.Exclude = c.addresses, c.exclude
		a := New(Options{Config: config.Config{Networks: []config.Network{n}}})
		sweeps := a.broadcasts(at)
		got := 0
		for _, s := range sweeps {
			got += len(s.Targets)
			if s.Broadcast[0].String() != "192.168.10.255:161" {
				t.Errorf("the broadcast goes to %s", s.Broadcast[0])
			}
		}
		if got != c.want {
			t.Errorf("%v without %v: %d targets, want %d", c.addresses, c.exclude, got, c.want)
		}
	}
}
