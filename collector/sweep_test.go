package collector_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// late answers each packet of a sweep after a delay.
type late struct {
	net.PacketConn
	delay   time.Duration
	pending sync.WaitGroup
}

func (l *late) WriteTo(b []byte, to net.Addr) (int, error) {
	packet := append([]byte(nil), b...)
	l.pending.Add(1)
	time.AfterFunc(l.delay, func() {
		defer l.pending.Done()
		l.PacketConn.WriteTo(packet, to)
	})
	return len(b), nil
}

// fleet is copiers at some addresses of 127.0.0.0/8 that answer late.
func fleet(t testing.TB, at []netip.Addr, delay time.Duration) (port uint16, copiers []*simulator.Copier) {
	t.Helper()
	return fleetOf(t, at, func(int) time.Duration { return delay })
}

// fleetOf is the same, each with a delay of its own.
func fleetOf(t testing.TB, at []netip.Addr, delay func(i int) time.Duration) (port uint16, copiers []*simulator.Copier) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	var conns []*late
	t.Cleanup(func() {
		stop()
		serving.Wait()
		for _, c := range conns {
			c.pending.Wait()
			c.Close()
		}
	})
	for i, address := range at {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, port)))
		if err != nil {
			t.Fatal(err)
		}
		port = conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		c := simulator.New(simulator.MonoLaser(), simulator.Options{Seed: uint64(len(copiers))})
		slow := &late{PacketConn: conn, delay: delay(i)}
		copiers, conns = append(copiers, c), append(conns, slow)
		serving.Go(func() { c.Serve(ctx, slow) })
	}
	return port, copiers
}

// every is the n-th, 2n-th... of the addresses after base, and all of them.
func every(base string, n, of int) (some, all []netip.Addr) {
	a := netip.MustParseAddr(base)
	for i := 1; i <= of; i++ {
		a = a.Next()
		if all = append(all, a); i%n == 0 {
			some = append(some, a)
		}
	}
	return some, all
}

func on(port uint16, addresses []netip.Addr) []netip.AddrPort {
	var targets []netip.AddrPort
	for _, a := range addresses {
		targets = append(targets, netip.AddrPortFrom(a, port))
	}
	return targets
}

// A quick sweep finds devices that are slow, if all are.
func TestQuickSweepOfSlowDevices(t *testing.T) {
	t.Parallel()
	some, all := every("127.44.11.0", 100, 254)
	for _, delay := range []time.Duration{0, 800 * time.Millisecond} {
		port, _ := fleet(t, some, delay)
		sweep := collector.Sweep{Targets: on(port, all), Quick: true, Timeout: 2 * time.Second, Rate: -1}
		if finds := discover(t, collector.New(), sweep); len(finds) != len(some) {
			t.Errorf("answers after %s: %d of %d found", delay, len(finds), len(some))
		}
	}
}

// Who waits for the timeout finds a slow device among quick ones, and a quick sweep
// does so where another takes a quarter of that.
func TestSlowDeviceAmongQuickOnes(t *testing.T) {
	t.Parallel()
	some, all := every("127.44.15.0", 50, 254)
	for _, c := range []struct {
		delays []time.Duration
		quick  bool
	}{
		{[]time.Duration{0, 0, 800 * time.Millisecond, 0, 0}, false},
		{[]time.Duration{0, 0, 200 * time.Millisecond, 800 * time.Millisecond, 0}, true},
	} {
		port, _ := fleetOf(t, some, func(i int) time.Duration { return c.delays[i] })
		sweep := collector.Sweep{Targets: on(port, all), Quick: c.quick, Timeout: 2 * time.Second, Rate: 2000}
		if finds := discover(t, collector.New(), sweep); len(finds) != len(some) {
			t.Errorf("%v: %d of %d found", c.delays, len(finds), len(some))
		}
	}
}

// What is announced is what a silent network takes.
func TestLongest(t *testing.T) {
	targets := on(161, func() []netip.Addr { _, all := every("10.0.0.0", 1, 1000); return all }())
	for _, c := range []struct {
		sweep collector.Sweep
		want  time.Duration
	}{
		{collector.Sweep{Targets: targets}, 11 * time.Second},
		{collector.Sweep{Targets: targets, Rate: -1, Tries: 3, Timeout: 2 * time.Second}, 6 * time.Second},
		{collector.Sweep{Targets: targets[:1], Rate: 1000, Tries: 1}, 1001 * time.Millisecond},
		{collector.Sweep{Targets: targets, Rate: 1000, Tries: 1, Credentials: make([]collector.Credential, 2)}, 3 * time.Second},
	} {
		if got := c.sweep.Longest(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// A device that is being read is not asked by a sweep.
func TestSweepLeavesReadingsInPeace(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	s := newSegment(t, "127.44.12.", map[string]*simulator.Copier{"2": copier})
	copier.Misbehave(simulator.Silent, -1)
	c := collector.New()
	ctx, stop := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		c.Read(ctx, collector.Target{Address: "127.44.12.2", Port: s.port, Timeout: time.Hour, Deadline: time.Hour})
	})
	for copier.Asked().Requests() == 0 {
		discover(t, collector.New(), collector.Sweep{Targets: s.targets(t, "3"), Timeout: time.Millisecond, Tries: 1})
	}
	discover(t, c, collector.Sweep{Targets: s.targets(t, "2"), Timeout: time.Millisecond})
	if asked := copier.Asked(); asked.Requests() != 1 {
		t.Errorf("%d questions, one of them the reading's", asked.Requests())
	}
	stop()
	reading.Wait()
}

// BenchmarkSweep sweeps addresses of which every hundredth is a printer.
func BenchmarkSweep(b *testing.B) {
	for _, c := range []struct {
		name  string
		hosts int
		delay time.Duration
		sweep collector.Sweep
	}{
		{"16/1-try", 1<<16 - 2, 0, collector.Sweep{Tries: 1, Rate: -1}},
		{"16/2-tries", 1<<16 - 2, 0, collector.Sweep{Tries: 2, Rate: -1}},
		{"16/20000-a-second", 1<<16 - 2, 0, collector.Sweep{Tries: 2, Rate: 20_000}},
		{"24/quick", 254, 0, collector.Sweep{Quick: true, Rate: 2000}},
		{"24/quick-800ms", 254, 800 * time.Millisecond, collector.Sweep{Quick: true, Rate: 2000, Timeout: 2 * time.Second}},
		{"24/polite", 254, 0, collector.Sweep{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			some, all := every("127.45.0.0", 100, c.hosts)
			port, copiers := fleet(b, some, c.delay)
			c.sweep.Targets = on(port, all)
			found, asked := 0, 0
			for b.Loop() {
				if err := collector.New().Discover(context.Background(), c.sweep, func(collector.Find) { found++ }); err != nil {
					b.Fatal(err)
				}
			}
			for _, copier := range copiers {
				asked += copier.Asked().Requests()
			}
			b.ReportMetric(float64(found)/float64(b.N*len(some))*100, "%found")
			b.ReportMetric(float64(asked)/float64(b.N*len(some)), "questions/printer")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/c.sweep.Longest().Seconds(), "of-announced")
		})
	}
}

// lossy drops some of the packets that come to a copier, counted from 1.
type lossy struct {
	net.PacketConn
	drop func(n int) bool
	n    int
}

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if l.n++; !l.drop(l.n) {
			return n, from, err
		}
	}
}

// A device that said who it is, and then missed every question, is asked once more.
func TestLossAfterTheFirstAnswer(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp4", "127.44.13.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	user := collector.User{Name: "reader", Auth: "sha256", AuthPassword: "password1", Priv: "aes128", PrivPassword: "password2"}
	copier := simulator.New(simulator.MonoLaser(), simulator.Options{Users: []simulator.User{{
		Name: user.Name, Auth: user.Auth, AuthPassword: "password1", Priv: user.Priv, PrivPassword: "password2",
	}}})
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		copier.Serve(ctx, &lossy{PacketConn: conn, drop: func(n int) bool { return n == 2 || n == 4 }})
	})
	defer serving.Wait()
	defer stop()
	finds := discover(t, collector.New(), collector.Sweep{
		Targets:     []netip.AddrPort{conn.LocalAddr().(*net.UDPAddr).AddrPort()},
		Credentials: []collector.Credential{{Version: collector.V3, User: user}}, Timeout: 300 * time.Millisecond, Rate: -1,
	})
	if len(finds) != 1 || !finds[0].Printer {
		t.Errorf("found %+v", finds)
	}
}

// At any moment all targets up to some have had all their tries, so that a sweep that
// was interrupted can go on behind it.
func TestWhatASweepIsThroughWith(t *testing.T) {
	t.Parallel()
	some, all := every("127.44.14.0", 1, 100)
	port, copiers := fleet(t, some, 0)
	for _, c := range copiers {
		c.Misbehave(simulator.Silent, -1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	through, asked := 0, make([]int, len(all))
	err := collector.New().Discover(ctx, collector.Sweep{
		Targets: on(port, all), Tries: 3, Timeout: time.Millisecond, Rate: 500,
		Progress: func(p collector.Progress) {
			if through = slices.Index(all, p.Through.Addr()) + 1; through > 40 {
				cancel()
			}
		},
	}, func(collector.Find) {})
	if !errors.Is(err, context.Canceled) || through == len(all) {
		t.Fatalf("through with %d, then %v", through, err)
	}
	for i, c := range copiers {
		asked[i] = c.Asked().Requests()
		if i < through && asked[i] != 3 || asked[i] > 3 {
			t.Errorf("number %d was asked %d times, through with %d", i, asked[i], through)
		}
	}
	if asked[len(asked)-1] != 0 {
		t.Errorf("everybody has been asked: %v", asked)
	}
}
