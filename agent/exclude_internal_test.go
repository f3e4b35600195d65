package agent

import (
	"slices"
	"testing"

	"meteragent/agent/config"
)

// What is excluded is neither searched nor asked by its name in the configuration,
// nor read any more if it is known.
func TestExclude(t *testing.T) {
	n := config.DefaultNetwork()
	n.Addresses = []string{"192.168.10.0/28", "192.168.20.7"}
	n.Exclude = []string{"192.168.10.1-4", "192.168.10.14", "192.168.20.0/24"}
	a := &Agent{cfg: config.Config{Networks: []config.Network{n}}}
	sweeps, err := Sweeps(a.cfg)
	if err != nil || len(sweeps) != 1 {
		t.Fatalf("%d sweeps, %v", len(sweeps), err)
	}
	var got []string
	for _, to := range sweeps[0].Targets {
		got = append(got, to.Addr().String())
	}
	want := []string{
		"192.168.10.5", "192.168.10.6", "192.168.10.7", "192.168.10.8", "192.168.10.9",
		"192.168.10.10", "192.168.10.11", "192.168.10.12", "192.168.10.13",
	}
	if !slices.Equal(got, want) {
		t.Errorf("searched: %v", got)
	}
	if named := a.named(); len(named) != 0 {
		t.Errorf("named: %+v", named)
	}
	if _, ok := a.networkOf("192.168.10.4", 161); ok {
		t.Error("an excluded address belongs to a network")
	}
	if _, ok := a.networkOf("192.168.10.5", 161); !ok {
		t.Error("an address beside the excluded ones belongs to no network")
	}
}
