package collector_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// serve lets a simulated copier answer on loopback until the test ends.
func serve(t *testing.T, c *simulator.Copier) collector.Target {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := c.Serve(ctx, conn); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		serving.Wait()
		conn.Close()
	})
	return target(conn.LocalAddr())
}

func target(a net.Addr) collector.Target {
	address := a.(*net.UDPAddr).AddrPort()
	return collector.Target{Address: address.Addr().String(), Port: address.Port(), Timeout: 5 * time.Second}
}

func colourMFP() *simulator.Copier {
	return simulator.New(simulator.ColourMFP(), simulator.Options{Serial: "TST00001", Seed: 7})
}

func read(t *testing.T, c *collector.Collector, to collector.Target) collector.Reading {
	t.Helper()
	r, err := c.Read(context.Background(), to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a reading costs the device: few questions, nothing but GETNEXT and GETBULK of
// what is needed.
func TestCostOfAReading(t *testing.T) {
	t.Parallel()
	for _, m := range simulator.Models() {
		for _, c := range []struct {
			version collector.Version
			scope   collector.Scope
			most    int
		}{{collector.V2c, collector.Full, 4}, {collector.V1, collector.Full, 9}, {collector.V2c, collector.Supplies, 4}} {
			copier := simulator.New(m, simulator.Options{Seed: 7})
			if err := copier.Raise(simulator.TrayLow, 1); err != nil {
				t.Fatal(err)
			}
			to := serve(t, copier)
			to.Scope, to.Credentials = c.scope, []collector.Credential{{Version: c.version, Community: "public"}}
			r := read(t, collector.New(), to)
			if r.Device.ID != copier.Serial() || len(r.Supplies) != len(copier.Supplies()) || len(r.Alerts) == 0 {
				t.Errorf("%s: got %+v", m.Name, r)
			}
			asked := copier.Asked()
			if asked.Requests() > c.most || asked.Sets+asked.Gets > 0 {
				t.Errorf("%s, version %s, scope %d: %+v, want at most %d requests", m.Name, c.version, c.scope, asked, c.most)
			}
			if asked.BytesOut > 6000 {
				t.Errorf("%s: %d octets", m.Name, asked.BytesOut)
			}
		}
	}
}

func TestReading(t *testing.T) {
	copier := colourMFP()
	copier.SetLevel("cyan", 42)
	to := serve(t, copier)
	before := copier.Total()
	r := read(t, collector.New(), to)
	if r.Device.Serial != "TST00001" || r.Device.Manufacturer != "Canon" || r.Device.Address != to.Address || r.Device.Port != to.Port {
		t.Errorf("got device %+v", r.Device)
	}
	if len(r.Meters) == 0 || r.Meters[0].Value != int64(before) || r.Meters[0].Name != "systemTotals.impressions.total" || !r.Meters[0].Primary {
		t.Errorf("got meters %+v, want %d", r.Meters, before)
	}
	for _, s := range r.Supplies {
		if s.Colorant == "cyan" && s.Type == "toner" && (s.Level.Percent == nil || *s.Level.Percent != 42) {
			t.Errorf("got %+v", s)
		}
	}
	if age := time.Since(r.TakenAt); age < 0 || age > time.Hour || r.TakenAt.Location() != time.UTC {
		t.Errorf("taken at %v", r.TakenAt)
	}
}

// A device that speaks only version 1 is found out once.
func TestVersionIsRemembered(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	copier.Misbehave(simulator.V1Only, -1)
	to := serve(t, copier)
	to.Timeout, to.Retries = 500*time.Millisecond, 1
	c := collector.New()
	read(t, c, to)
	first := copier.Asked()
	copier.Forget()
	read(t, c, to)
	second := copier.Asked()
	if first.GetBulks != 1 || second.GetBulks != 0 || second.Requests() > 10 {
		t.Errorf("first %+v, then %+v", first, second)
	}
	copier.Misbehave(simulator.None, 0)
	copier.Forget()
	to.Credentials = []collector.Credential{{Version: collector.V2c, Community: "public"}}
	read(t, c, to)
	if asked := copier.Asked(); asked.GetBulks == 0 {
		t.Errorf("the version asked for was not used: %+v", asked)
	}
}

func TestCredentialsAreTriedInOrder(t *testing.T) {
	t.Parallel()
	copier := simulator.New(simulator.MonoLaser(), simulator.Options{Community: "second", Seed: 7})
	to := serve(t, copier)
	to.Timeout, to.Retries = 100*time.Millisecond, -1
	to.Credentials = []collector.Credential{{Version: collector.V2c, Community: "first"}, {Community: "second"}}
	c := collector.New()
	read(t, c, to)
	if asked := copier.Asked(); asked.Strangers != 1 {
		t.Errorf("got %+v", asked)
	}
	copier.Forget()
	read(t, c, to)
	if asked := copier.Asked(); asked.Strangers != 0 {
		t.Errorf("the credential was not remembered: %+v", asked)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	copier.Misbehave(simulator.Silent, -1)
	to := serve(t, copier)
	to.Timeout, to.Retries = 10*time.Millisecond, 1
	to.Credentials = []collector.Credential{{Community: "geheim"}}
	_, err := collector.New().Read(context.Background(), to)
	if !errors.Is(err, collector.ErrNoAnswer) || !strings.Contains(err.Error(), "read 127.0.0.1: no answer after 4 tries") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, to, to), "geheim") {
		t.Error("the community shows")
	}
}

func TestClosedPort(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := target(conn.LocalAddr())
	conn.Close()
	if _, err := collector.New().Read(context.Background(), to); !errors.Is(err, collector.ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestDeadline(t *testing.T) {
	copier := colourMFP()
	copier.Misbehave(simulator.Silent, -1)
	to := serve(t, copier)
	to.Deadline = 20 * time.Millisecond
	if _, err := collector.New().Read(context.Background(), to); !errors.Is(err, collector.ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestCancel(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := collector.New().Read(ctx, target(conn.LocalAddr()))
		done <- err
	}()
	conn.ReadFrom(make([]byte, 2000)) // the question is out, the answer is waited for
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNotAPrinter(t *testing.T) {
	const hosts = `1.3.6.1.2.1.1.1.0|4|%s
1.3.6.1.2.1.1.2.0|6|%s
1.3.6.1.2.1.1.3.0|67|12345
1.3.6.1.2.1.2.2.1.3.1|2|6
1.3.6.1.2.1.2.2.1.6.1|4x|020000000001
%s`
	for name, c := range map[string]struct{ descr, oid, more string }{
		"net-snmp":        {"Linux box 6.1", "1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.4.1.2021.4.1.0|2|0"},
		"a print server":  {"Linux box 6.1", "1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.2.1.25.3.2.1.2.1281|6|1.3.6.1.2.1.25.3.1.5\n1.3.6.1.2.1.25.3.5.1.1.1281|2|3"},
		"Windows":         {"Hardware: x86", "1.3.6.1.4.1.311.1.1.3.1.2", "1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5"},
		"an HP switch":    {"HP J9774A 2530", "1.3.6.1.4.1.11.2.3.7.11.153", "1.3.6.1.4.1.11.2.14.11.1.2.1.0|2|1"},
		"without a name":  {"", "0.0", "1.3.6.1.4.1.9.2.1.0|2|1"},
		"another company": {"router", "1.3.6.1.4.1.16020.1", "1.3.6.1.4.1.16020.1.0|2|1"},
	} {
		copier, err := simulator.FromRecording(strings.NewReader(fmt.Sprintf(hosts, c.descr, c.oid, c.more)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = collector.New().Read(context.Background(), serve(t, copier))
		if !errors.Is(err, collector.ErrNotPrinter) || !strings.Contains(err.Error(), fmt.Sprintf("%q", c.descr)) {
			t.Errorf("%s: got %v", name, err)
		}
		if asked := copier.Asked(); asked.Requests() > 3 {
			t.Errorf("%s: %+v", name, asked)
		}
	}
}

// A device may have next to nothing that RFC 3805 knows and still be one of ours.
func TestPrinterWithoutPrinterMIB(t *testing.T) {
	for name, rec := range map[string]string{
		"sysObjectID of a maker": "1.3.6.1.2.1.1.1.0|4|Label Printer\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.10642.1.1",
		"objects of a maker":     "1.3.6.1.2.1.1.1.0|4|MFP\n1.3.6.1.4.1.18334.1.1.1.5.7.2.1.1.0|2|1000",
		"hrDeviceType":           "1.3.6.1.2.1.1.1.0|4|device\n1.3.6.1.2.1.25.3.2.1.2.3|6|1.3.6.1.2.1.25.3.1.5",
		"one supply":             "1.3.6.1.2.1.43.11.1.1.6.0.1|4|black ink",
	} {
		for _, version := range []collector.Version{collector.V1, collector.V2c} {
			copier, err := simulator.FromRecording(strings.NewReader(rec))
			if err != nil {
				t.Fatal(err)
			}
			to := serve(t, copier)
			to.Credentials = []collector.Credential{{Version: version, Community: "public"}}
			if _, err := collector.New().Read(context.Background(), to); err != nil {
				t.Errorf("%s, version %s: %v", name, version, err)
			}
		}
	}
}

// Whatever a device does wrong, once or for ever, a reading ends, with few
// questions, and without a panic.
func TestFaults(t *testing.T) {
	for _, fault := range simulator.Faults() {
		for _, n := range []int{1, 2, -1} {
			for _, version := range []collector.Version{collector.V1, collector.V2c} {
				t.Run(fmt.Sprintf("%s/%d/%s", fault, n, version), func(t *testing.T) {
					t.Parallel()
					copier := simulator.New(simulator.ColourMFP(), simulator.Options{Serial: "TST00001", Seed: 7, Delay: 20 * time.Millisecond})
					copier.Misbehave(fault, n)
					to := serve(t, copier)
					to.Timeout, to.Retries = 300*time.Millisecond, 2
					if n < 0 {
						to.Timeout = 10 * time.Millisecond
					}
					to.Credentials = []collector.Credential{{Version: version, Community: "public"}}
					r, err := collector.New().Read(context.Background(), to)
					switch {
					case err != nil && !errors.Is(err, collector.ErrNoAnswer) && !errors.Is(err, collector.ErrMalformed):
						t.Error(err)
					case n > 0 && err != nil:
						t.Error(err)
					case n == 1 && fault != simulator.WrongType && r.Device.Serial != "TST00001":
						t.Errorf("got %+v", r.Device)
					}
					if asked := copier.Asked(); asked.Requests() > 150 {
						t.Errorf("%d requests", asked.Requests())
					}
				})
			}
		}
	}
}

// One device never has two questions at once, whoever asks.
func TestOneQuestionAtATime(t *testing.T) {
	copier := colourMFP()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var serving, reading sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 2000)
		var asking net.Addr
		left := 0
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if left > 0 && from.String() != asking.String() {
				t.Errorf("%v asks while %v is at it", from, asking)
			}
			if left == 0 {
				asking, left = from, 4 // requests of one reading
			}
			left--
			conn.WriteTo(copier.Answer(buffer[:n]), from)
		}
	})
	c := collector.New()
	for range 4 {
		reading.Go(func() { read(t, c, target(conn.LocalAddr())) })
	}
	reading.Wait()
	conn.Close()
	serving.Wait()
}

func TestHostName(t *testing.T) {
	to := serve(t, colourMFP())
	to.Address = "localhost"
	if r := read(t, collector.New(), to); r.Device.Address != "localhost" {
		t.Errorf("got %q", r.Device.Address)
	}
	to.Address = "no-such-host.invalid"
	if _, err := collector.New().Read(context.Background(), to); err == nil || !strings.Contains(err.Error(), to.Address) {
		t.Errorf("got %v", err)
	}
}

func TestLongCommunity(t *testing.T) {
	to := serve(t, colourMFP())
	to.Credentials = []collector.Credential{{Community: collector.Secret(strings.Repeat("x", 200))}}
	if _, err := collector.New().Read(context.Background(), to); err == nil || !strings.Contains(err.Error(), "127 octets") {
		t.Errorf("got %v", err)
	}
}

func TestSecret(t *testing.T) {
	s := collector.Secret("geheim")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("read", "credential", s, "in", collector.Credential{Community: s})
	text, _ := s.MarshalText()
	for _, shown := range []string{s.String(), s.GoString(), fmt.Sprintf("%v %s %q %#v %x", s, s, s, s, s), string(text), log.String()} {
		if strings.Contains(shown, "geheim") || strings.Contains(shown, fmt.Sprintf("%x", "geheim")) {
			t.Errorf("it shows: %s", shown)
		}
	}
	if s.Reveal() != "geheim" {
		t.Error("it does not reveal itself")
	}
}

func BenchmarkRead(b *testing.B) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var serving sync.WaitGroup
	serving.Go(func() { colourMFP().Serve(ctx, conn) })
	c, to := collector.New(), target(conn.LocalAddr())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Read(ctx, to); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	serving.Wait()
}
