package collector_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// A segment is addresses of the loopback network with the same port, at some of
// which copiers answer.
type segment struct {
	port uint16
	base string // the first three parts

	copiers map[string]*simulator.Copier // by the last part
}

func newSegment(t *testing.T, base string, copiers map[string]*simulator.Copier) segment {
	t.Helper()
	s := segment{base: base, copiers: copiers}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
	for last, c := range copiers {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(base+last), s.port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		s.port = conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		serving.Go(func() { c.Serve(ctx, conn) })
	}
	return s
}

func (s segment) targets(t *testing.T, text string) []netip.AddrPort {
	t.Helper()
	r, err := collector.ParseRange(s.base + text)
	if err != nil {
		t.Fatal(err)
	}
	var targets []netip.AddrPort
	for a := range r.Addresses() {
		targets = append(targets, netip.AddrPortFrom(a, s.port))
	}
	return targets
}

func discover(t *testing.T, c *collector.Collector, s collector.Sweep) []collector.Find {
	t.Helper()
	var finds []collector.Find
	if err := c.Discover(context.Background(), s, func(f collector.Find) { finds = append(finds, f) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(finds, func(a, b collector.Find) int { return strings.Compare(a.Address, b.Address) })
	return finds
}

func fromRecording(t *testing.T, text string) *simulator.Copier {
	t.Helper()
	c, err := simulator.FromRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const linux = "1.3.6.1.2.1.1.1.0|4|Linux box\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n1.3.6.1.4.1.2021.4.1.0|2|0\n"

func TestDiscover(t *testing.T) {
	t.Parallel()
	v1, v2 := colourMFP(), simulator.New(simulator.MonoLaser(), simulator.Options{Serial: "TST0000002"})
	v1.Misbehave(simulator.V1Only, -1)
	host, excerpt := fromRecording(t, linux), fromRecording(t, "1.3.6.1.2.1.1.1.0|4|Label Printer\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.10642.1.1\n")
	s := newSegment(t, "127.44.1.", map[string]*simulator.Copier{"2": v1, "9": v2, "20": host, "21": excerpt})
	for _, tries := range []int{1, 2} {
		finds := discover(t, collector.New(), collector.Sweep{
			Targets: slices.Concat(s.targets(t, "0/27"), s.targets(t, "1-3")), Tries: tries, Timeout: time.Second, Rate: -1,
		})
		want := []collector.Find{
			{Address: "127.44.1.2", Port: s.port, SysObjectID: "1.3.6.1.4.1.1602.4.7", Manufacturer: "Canon", Serial: "TST00001", Printer: true},
			{Address: "127.44.1.20", Port: s.port, SysObjectID: "1.3.6.1.4.1.8072.3.2.10", SysDescr: "Linux box"},
			{Address: "127.44.1.21", Port: s.port, SysObjectID: "1.3.6.1.4.1.10642.1.1", SysDescr: "Label Printer", Manufacturer: "Zebra", Printer: true},
			{Address: "127.44.1.9", Port: s.port, SysObjectID: "1.3.6.1.4.1.1347.41", Manufacturer: "Kyocera", Serial: "TST0000002", Printer: true},
		}
		for i := range finds {
			asked := s.copiers[strings.TrimPrefix(finds[i].Address, "127.44.1.")].Asked()
			cost := collector.Traffic{Requests: int64(asked.Requests()), Sent: int64(asked.BytesIn), Received: int64(asked.BytesOut)}
			if finds[i].Traffic != cost {
				t.Errorf("%s: found for %+v, the device says %+v", finds[i].Address, finds[i].Traffic, cost)
			}
			finds[i].Traffic = collector.Traffic{}
			if finds[i].Printer && finds[i].Model == "" {
				t.Errorf("no model: %+v", finds[i])
			}
			if finds[i].Model = ""; finds[i].Serial != "" {
				finds[i].SysDescr = ""
			}
		}
		if diff := cmp.Diff(want, finds); diff != "" {
			t.Errorf("%d tries: %s", tries, diff)
		}
		for _, c := range []*simulator.Copier{v1, v2, host, excerpt} {
			if asked := c.Asked(); asked.Requests() > 3 || asked.Sets > 0 {
				t.Errorf("%d tries: %+v", tries, asked)
			}
			c.Forget()
		}
	}
}

// A silent address gets as many packets as there are tries, and no more.
func TestTriesOfASweep(t *testing.T) {
	t.Parallel()
	silent := colourMFP()
	silent.Misbehave(simulator.Silent, -1)
	s := newSegment(t, "127.44.2.", map[string]*simulator.Copier{"2": silent})
	for _, c := range []struct {
		tries       int
		credentials []collector.Credential
		want        int
	}{
		{1, nil, 1}, {3, nil, 3},
		{2, []collector.Credential{{Version: collector.V1, Community: "public"}, {Version: collector.V2c, Community: "public"}}, 4},
	} {
		silent.Forget()
		sweep := collector.Sweep{Targets: s.targets(t, "1-3"), Tries: c.tries, Credentials: c.credentials, Timeout: 50 * time.Millisecond}
		if finds := discover(t, collector.New(), sweep); len(finds) != 0 {
			t.Errorf("found %+v", finds)
		}
		if asked := silent.Asked(); asked.Requests() != c.want {
			t.Errorf("%d tries: %d packets, want %d", c.tries, asked.Requests(), c.want)
		}
	}
}

// A device that misses one packet is found by the next.
func TestLossInASweep(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	copier.Misbehave(simulator.Silent, 1)
	s := newSegment(t, "127.44.3.", map[string]*simulator.Copier{"2": copier})
	if finds := discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "2"), Timeout: 500 * time.Millisecond}); len(finds) != 1 {
		t.Errorf("found %+v", finds)
	}
}

// Answers that are none of the sweep's do not count: another port, another id,
// packets that are no SNMP.
func TestStrangersInASweep(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulator.Fault{simulator.WrongSource, simulator.WrongRequestID, simulator.Garbage, simulator.Truncated} {
		copier := colourMFP()
		copier.Misbehave(fault, -1)
		s := newSegment(t, "127.44.4.", map[string]*simulator.Copier{"2": copier})
		if finds := discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "2"), Timeout: 50 * time.Millisecond}); len(finds) != 0 {
			t.Errorf("%s: found %+v", fault, finds)
		}
	}
	twice := colourMFP()
	twice.Misbehave(simulator.Duplicate, -1)
	s := newSegment(t, "127.44.5.", map[string]*simulator.Copier{"2": twice, "3": colourMFP()})
	if finds := discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "2-3"), Timeout: 5 * time.Second}); len(finds) != 2 {
		t.Errorf("found %+v", finds)
	}
}

// What is asked in vain is told, too, and of nobody else.
func TestSilentTargets(t *testing.T) {
	t.Parallel()
	dead := colourMFP()
	dead.Misbehave(simulator.Silent, -1)
	s := newSegment(t, "127.44.8.", map[string]*simulator.Copier{"2": dead, "3": colourMFP()})
	silent := map[string]collector.Traffic{}
	finds := discover(t, collector.New(), collector.Sweep{
		Targets: s.targets(t, "1-3"), Tries: 3, Timeout: 100 * time.Millisecond, Rate: -1,
		Silent: func(to netip.AddrPort, spent collector.Traffic) { silent[to.Addr().String()] = spent },
	})
	asked := dead.Asked()
	each := collector.Traffic{Requests: 3, Sent: int64(asked.BytesIn)}
	want := map[string]collector.Traffic{"127.44.8.1": each, "127.44.8.2": each}
	if diff := cmp.Diff(want, silent); diff != "" || asked.Requests() != 3 || len(finds) != 1 {
		t.Errorf("%d requests, %d finds (-want +got):\n%s", asked.Requests(), len(finds), diff)
	}
}

// A device that only has errors to tell is a find all the same.
func TestErrorsInASweep(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	copier.Misbehave(simulator.GenErr, -1)
	s := newSegment(t, "127.44.6.", map[string]*simulator.Copier{"2": copier})
	finds := discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "2"), Timeout: 100 * time.Millisecond})
	asked := copier.Asked()
	cost := collector.Traffic{Requests: int64(asked.Requests()), Sent: int64(asked.BytesIn), Received: int64(asked.BytesOut)}
	want := []collector.Find{{Address: "127.44.6.2", Port: s.port, Traffic: cost}}
	if diff := cmp.Diff(want, finds); diff != "" {
		t.Error(diff)
	}
	copier.Misbehave(simulator.NoSuchName, 1)
	if finds := discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "2"), Timeout: 5 * time.Second}); len(finds) != 1 || finds[0].SysDescr == "" {
		t.Errorf("got %+v", finds)
	}
}

// What a sweep learns of versions, reading need not try again.
func TestReadAfterDiscover(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	s := newSegment(t, "127.44.7.", map[string]*simulator.Copier{"2": copier})
	c := collector.New()
	credentials := []collector.Credential{{Version: collector.V1, Community: "other"}, {Community: "public"}}
	discover(t, c, collector.Sweep{Targets: s.targets(t, "2"), Credentials: credentials, Timeout: 500 * time.Millisecond})
	copier.Forget()
	read(t, c, collector.Target{Address: s.base + "2", Port: s.port, Credentials: credentials})
	if asked := copier.Asked(); asked.Strangers != 0 {
		t.Errorf("got %+v", asked)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	s := newSegment(t, "127.44.8.", map[string]*simulator.Copier{"2": colourMFP()})
	last, calls := 0, 0
	sweep := collector.Sweep{Targets: s.targets(t, "0/24"), Timeout: 20 * time.Millisecond, Rate: -1}
	through := netip.AddrPort{}
	sweep.Progress = func(p collector.Progress) {
		if p.Asked < last || p.Asked > p.Of || p.Of != 2*254 || p.Through.Compare(through) < 0 {
			t.Errorf("%+v after %d, %s", p, last, through)
		}
		last, through = p.Asked, p.Through
		calls++
	}
	discover(t, collector.New(), sweep)
	if last != 2*254 || calls > 250 || through.Addr().String() != "127.44.8.254" {
		t.Errorf("%d calls, the last with %d, %s", calls, last, through)
	}
}

func TestCancelledSweep(t *testing.T) {
	t.Parallel()
	s := newSegment(t, "127.44.9.", map[string]*simulator.Copier{"2": colourMFP()})
	ctx, cancel := context.WithCancel(context.Background())
	err := collector.New().Discover(ctx, collector.Sweep{Targets: s.targets(t, "1-9"), Timeout: time.Hour}, func(collector.Find) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := collector.New().Discover(ctx, collector.Sweep{Targets: s.targets(t, "1-9"), Timeout: time.Hour}, func(collector.Find) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSweepBounds(t *testing.T) {
	t.Parallel()
	if finds := discover(t, collector.New(), collector.Sweep{}); len(finds) != 0 {
		t.Errorf("found %+v", finds)
	}
	targets := make([]netip.AddrPort, 0, 1<<20+1)
	for a := netip.MustParseAddr("10.0.0.0"); len(targets) < cap(targets); a = a.Next() {
		targets = append(targets, netip.AddrPortFrom(a, 161))
	}
	if err := collector.New().Discover(context.Background(), collector.Sweep{Targets: targets}, nil); err == nil {
		t.Error("more than 2^20 addresses are taken")
	}
	long := []collector.Credential{{Community: collector.Secret(strings.Repeat("x", 200))}}
	if err := collector.New().Discover(context.Background(), collector.Sweep{Targets: targets[:1], Credentials: long}, nil); err == nil {
		t.Error("a community of 200 octets is taken")
	}
}
