package collector_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// answering calls answer for each packet that comes to a port, until it is closed.
func answering(t *testing.T, answer func(conn net.PacketConn, packet []byte, from net.Addr)) (conn net.PacketConn, stop func()) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			answer(conn, buffer[:n], from)
		}
	})
	stop = func() {
		conn.Close()
		serving.Wait()
	}
	t.Cleanup(stop)
	return conn, stop
}

// An answer from another address or port is none, however many there are of it, and
// whether the device is known or not. It is not counted as the device's either.
func TestAnswersOfOthers(t *testing.T) {
	t.Parallel()
	stranger, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	copier, other := colourMFP(), colourMFP()
	other.SetSerial("EVL00001")
	conn, _ := answering(t, func(conn net.PacketConn, packet []byte, from net.Addr) {
		for range 150 {
			stranger.WriteTo(other.Answer(packet), from)
		}
		conn.WriteTo(copier.Answer(packet), from)
	})
	to := target(conn.LocalAddr())
	c := collector.New()
	for range 3 {
		copier.Forget()
		r := read(t, c, to)
		asked := copier.Asked() // some of its answers find no room behind the stranger's if this machine is slow, and are asked for again
		if r.Device.Serial != "TST00001" || r.Traffic.Requests != int64(asked.Requests()) || r.Traffic.Received > int64(asked.BytesOut) {
			t.Errorf("read %s for %+v, the device sent %d octets", r.Device.Serial, r.Traffic, asked.BytesOut)
		}
		to.Plan = r.Plan
	}
}

// A device that answers later than it did is heard, even if it answers only the first
// packet.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	var late atomic.Bool
	conn, _ := answering(t, func(conn net.PacketConn, packet []byte, from net.Addr) {
		answer := copier.Answer(packet)
		if late.Swap(false) {
			conn.SetReadDeadline(time.Now().Add(700 * time.Millisecond)) // a reading waits half a second for one that is quick
			conn.ReadFrom(packet)
			conn.SetReadDeadline(time.Time{})
		}
		conn.WriteTo(answer, from)
	})
	to := target(conn.LocalAddr())
	c := collector.New()
	to.Plan = read(t, c, to).Plan
	late.Store(true)
	if r := read(t, c, to); r.Traffic.Requests != 2 {
		t.Errorf("%d packets, want 2", r.Traffic.Requests)
	}
}

// A device that has answered, and is gone, is said to be gone in the system's words.
func TestPortIsClosed(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	conn, stop := answering(t, func(conn net.PacketConn, packet []byte, from net.Addr) { conn.WriteTo(copier.Answer(packet), from) })
	to := target(conn.LocalAddr())
	c := collector.New()
	to.Plan = read(t, c, to).Plan
	stop()
	_, err := c.Read(context.Background(), to)
	if !errors.Is(err, collector.ErrNoAnswer) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

// Devices that answer share a few sockets.
func TestSocketsAreUsedAgain(t *testing.T) {
	t.Parallel()
	ports := map[string]bool{}
	copier := simulator.New(simulator.MonoLaser(), simulator.Options{Seed: 7})
	conn, stop := answering(t, func(conn net.PacketConn, packet []byte, from net.Addr) {
		ports[from.String()] = true
		conn.WriteTo(copier.Answer(packet), from)
	})
	to := target(conn.LocalAddr())
	c := collector.New()
	for range 40 {
		to.Plan = read(t, c, to).Plan
	}
	stop()
	if len(ports) > 25 { // with the race detector, a pool forgets every fourth
		t.Errorf("%d sockets for 40 readings", len(ports))
	}
}
