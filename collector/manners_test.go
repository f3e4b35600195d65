package collector_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// mannerly is a collector with a profile for the simulated colour copier that has these
// lines in its [snmp].
func mannerly(t *testing.T, snmp string) *collector.Collector {
	t.Helper()
	file := profileFile(t, "mannerly.toml", "name = \"mannerly\"\nextends = \"canon\"\nsource = \"a test\"\n"+
		"[[match]]\nsys_object_id = \"1.3.6.1.4.1.1602\"\nmodel = \"*C3500*\"\n[snmp]\n"+snmp+"\n")
	known, err := collector.LoadProfiles(file)
	if err != nil {
		t.Fatal(err)
	}
	return collector.NewWith(known)
}

// A device that tells its rows in another order than that of their names is read like any
// other, by plan, too, if its profile says so. Without that nobody knows how the rows that
// are missing are to be had, and the reading ends all the same.
func TestUnordered(t *testing.T) {
	t.Parallel()
	for _, version := range []collector.Version{collector.V1, collector.V2c} {
		copier := colourMFP()
		if err := copier.Raise(simulator.TrayLow, 1); err != nil {
			t.Fatal(err)
		}
		to := serve(t, copier)
		to.Credentials = []collector.Credential{{Version: version, Community: "public"}}
		tolerant := mannerly(t, "unordered = true")
		want := read(t, mannerly(t, ""), to)
		copier.Misbehave(simulator.Unordered, -1)
		for range 3 {
			got := read(t, tolerant, to)
			if diff := cmp.Diff(want, got, sameButCost); diff != "" {
				t.Errorf("version %s: %s", version, diff)
			}
			to.Plan = got.Plan
		}
		to.Plan = nil
		if r := read(t, mannerly(t, ""), to); len(r.Supplies) >= len(want.Supplies) {
			t.Errorf("version %s: read %d supplies without being told", version, len(r.Supplies))
		}
		for _, fault := range []simulator.Fault{simulator.LoopingGetNext, simulator.EndlessTable, simulator.WrongName} {
			copier.Misbehave(fault, -1)
			r, err := tolerant.Read(context.Background(), to)
			if r.Traffic.Requests > 140 {
				t.Errorf("version %s, %s: %d requests, error %v", version, fault, r.Traffic.Requests, err)
			}
		}
	}
}

// A device that tells something else in version 2c is read in version 1 if its profile
// says so, and from then on asked in nothing else. What is configured counts for more.
func TestVersionOfAProfile(t *testing.T) {
	t.Parallel()
	copier, other := colourMFP(), colourMFP()
	other.Print(simulator.Job{Pages: 1000})
	newer := 0
	conn, stop := answering(t, func(conn net.PacketConn, packet []byte, from net.Addr) {
		if _, version, _ := bytes.Cut(packet, []byte{2, 1}); version[0] == 1 { // 2c
			newer++
			conn.WriteTo(other.Answer(packet), from)
			return
		}
		conn.WriteTo(copier.Answer(packet), from)
	})
	to := target(conn.LocalAddr())
	to.Timeout = 2 * time.Second
	c := mannerly(t, `version = "1"`)
	fixed := to
	fixed.Credentials = []collector.Credential{{Version: collector.V1, Community: "public"}}
	want := read(t, collector.New(), fixed)
	for range 3 {
		got := read(t, c, to)
		if diff := cmp.Diff(want.Meters, got.Meters); diff != "" || got.Profile != "mannerly" {
			t.Errorf("%s: %s", got.Profile, diff)
		}
		to.Plan = got.Plan
	}
	fixed.Credentials[0].Version = collector.V2c
	if r := read(t, c, fixed); cmp.Equal(want.Meters, r.Meters) {
		t.Error("version 2c is configured, and was not used")
	}
	stop()
	if newer < 2 || newer > 6 { // one of the first reading, the others where it is configured
		t.Errorf("%d questions in version 2c", newer)
	}
}
