package simulator_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

func decode(t *testing.T, b []byte) *gosnmp.SnmpPacket {
	t.Helper()
	p, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each fault shows in the answer, as often as it was asked for, and no longer.
func TestFaults(t *testing.T) {
	names := []string{sysDescr, lifeCount}
	text := func(p gosnmp.SnmpPDU) string { return string(p.Value.([]byte)) }
	for fault, shows := range map[simulator.Fault]func(t *testing.T, b []byte) bool{
		simulator.Silent:     func(t *testing.T, b []byte) bool { return b == nil },
		simulator.V1Only:     func(t *testing.T, b []byte) bool { return b == nil },
		simulator.NoSuchName: func(t *testing.T, b []byte) bool { return decode(t, b).Error == gosnmp.NoSuchName },
		simulator.GenErr:     func(t *testing.T, b []byte) bool { return decode(t, b).Error == gosnmp.GenErr },
		simulator.TooBig:     func(t *testing.T, b []byte) bool { return decode(t, b).Error == gosnmp.TooBig },
		simulator.WrongName: func(t *testing.T, b []byte) bool {
			return decode(t, b).Variables[0].Name == ".1.3.6.1.4.1.8072.9999"
		},
		simulator.WrongType: func(t *testing.T, b []byte) bool {
			v := decode(t, b).Variables
			return v[0].Type == gosnmp.Integer && v[1].Type == gosnmp.OctetString
		},
		simulator.GiantString: func(t *testing.T, b []byte) bool {
			return len(text(decode(t, b).Variables[0])) == 60_000
		},
		simulator.WrongRequestID: func(t *testing.T, b []byte) bool { return decode(t, b).RequestID == 4711^1 },
		simulator.Truncated: func(t *testing.T, b []byte) bool {
			_, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(b)
			return len(b) > 20 && err != nil
		},
		simulator.Garbage: func(t *testing.T, b []byte) bool {
			_, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(b)
			return len(b) > 20 && err != nil
		},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			c := simulator.New(simulator.ColourMFP(), simulator.Options{})
			get := packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, names...)
			well := c.Answer(get)
			c.Misbehave(fault, 2)
			for range 2 {
				if b := c.Answer(get); !shows(t, b) {
					t.Errorf("the fault does not show in %x", b)
				}
			}
			if b := c.Answer(get); !bytes.Equal(b, well) {
				t.Errorf("the third answer is faulty, too: %x", b)
			}
			c.Misbehave(fault, -1)
			for range 10 {
				if b := c.Answer(get); !shows(t, b) {
					t.Errorf("the fault does not last: %x", b)
				}
			}
			c.Misbehave(simulator.None, 0)
			if b := c.Answer(get); !bytes.Equal(b, well) {
				t.Errorf("the fault does not end: %x", b)
			}
		})
	}
}

// A fault below a subtree leaves the rest of the device alone.
func TestFaultUnder(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	c.Misbehave(simulator.GenErr, 1, "1.3.6.1.2.1.43.11", "1.3.6.1.2.1.43.18")
	for _, step := range []struct {
		name string
		want gosnmp.SNMPError
	}{
		{sysDescr, gosnmp.NoError},
		{".1.3.6.1.2.1.43.111", gosnmp.NoError},
		{supplies + ".9", gosnmp.GenErr},
		{supplies + ".9", gosnmp.NoError},
	} {
		got := decode(t, c.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetNextRequest, step.name)))
		if got.Error != step.want {
			t.Errorf("%s: got %v, want %v", step.name, got.Error, step.want)
		}
	}
}

// A device that only drops version 2c goes on answering version 1, and that does
// not use the fault up.
func TestV1Only(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	c.Misbehave(simulator.V1Only, 1)
	if c.Answer(packet(t, gosnmp.Version1, "public", gosnmp.GetRequest, sysDescr)) == nil {
		t.Error("version 1 was not answered")
	}
	if c.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, sysDescr)) != nil {
		t.Error("version 2c was answered")
	}
}

// gosnmp notices that names do not grow; a table without end it would follow for ever.
func TestEndlessWalks(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	g := dial(t, c, gosnmp.Version1)
	c.Misbehave(simulator.LoopingGetNext, -1)
	if _, err := g.WalkAll(".1.3.6.1.2.1"); err == nil || !strings.Contains(err.Error(), "not increasing") {
		t.Errorf("looping GETNEXT: got %v", err)
	}
	c.Misbehave(simulator.EndlessTable, -1)
	enough := errors.New("enough")
	rows, last := 0, ""
	err := dial(t, c, gosnmp.Version2c).BulkWalk(supplies+".6", func(p gosnmp.SnmpPDU) error {
		if rows++; rows == 1000 {
			last = p.Name
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || last != supplies+".6.1.1000" {
		t.Errorf("endless table: got %d rows, the last %s, %v", rows, last, err)
	}
}

func TestFaultNames(t *testing.T) {
	for _, f := range simulator.Faults() {
		if got, err := simulator.ParseFault(strings.ToUpper(f.String())); got != f || err != nil {
			t.Errorf("%v: got %v, %v", f, got, err)
		}
	}
	if n := len(simulator.Faults()); n != 17 {
		t.Errorf("got %d faults, want 16", n)
	}
	if _, err := simulator.ParseFault("fault 99"); err == nil {
		t.Error("a fault that there is not was parsed")
	}
}

// A duplicate is the same packet twice.
func TestDuplicate(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	c.Misbehave(simulator.Duplicate, 1)
	conn := ring(t, c, packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, sysDescr))
	first, _ := receive(t, conn)
	second, _ := receive(t, conn)
	if !bytes.Equal(first, second) || len(first) == 0 {
		t.Errorf("got %x, then %x", first, second)
	}
}

// An answer from another port.
func TestWrongSource(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	c.Misbehave(simulator.WrongSource, 1)
	get := packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, sysDescr)
	conn := ring(t, c, get)
	if b, from := receive(t, conn); from == conn.asked || decode(t, b).RequestID != 4711 {
		t.Errorf("the answer came from %s, which was asked", from)
	}
}

// A caller is a socket that asked a copier.
type caller struct {
	net.PacketConn
	asked string
}

// ring sends one packet to the copier.
func ring(t *testing.T, c *simulator.Copier, b []byte) caller {
	t.Helper()
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(serve(t, c))}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.WriteTo(b, to); err != nil {
		t.Fatal(err)
	}
	return caller{conn, to.String()}
}

func receive(t *testing.T, conn net.PacketConn) (packet []byte, from string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	n, addr, err := conn.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], addr.String()
}

// A wire is a packet connection without a network, which a bubble can see through.
type wire struct {
	in, out chan []byte
	hurry   chan struct{}
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-w.in:
		return copy(b, p), w.LocalAddr(), nil
	case <-w.hurry:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (w *wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	w.out <- bytes.Clone(b)
	return len(b), nil
}

func (w *wire) SetReadDeadline(time.Time) error  { close(w.hurry); return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return &net.UDPAddr{} }

// A slow device is late with each answer, and stops waiting when it is told to end.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := simulator.New(simulator.ColourMFP(), simulator.Options{Delay: 7 * time.Second})
		c.Misbehave(simulator.Slow, 2)
		w := &wire{make(chan []byte, 3), make(chan []byte, 3), make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Serve(ctx, w) }()

		start := time.Now()
		get := packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, sysDescr)
		w.in <- get
		<-w.out
		took := []time.Duration{time.Since(start)}
		w.in <- get
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		took = append(took, time.Since(start))
		if d := cmp.Diff([]time.Duration{7 * time.Second, 8 * time.Second}, took); d != "" {
			t.Error(d)
		}
	})
}

// A connection that breaks is an error, not an end.
func TestServeOnBrokenConnection(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	if err := c.Serve(t.Context(), conn); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}
