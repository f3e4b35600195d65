package simulator

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Serve answers what comes in on conn until ctx ends, and then returns nil. It does
// not close conn. Requests are answered one after the other, as devices do. A
// copier may serve several connections at once.
func (c *Copier) Serve(ctx context.Context, conn net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buffer := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("simulated copier at %s: %w", conn.LocalAddr(), err)
		}
		packet, fault := c.answer(buffer[:n])
		if fault == Slow {
			c.dawdle(ctx)
		}
		if packet != nil {
			send(conn, from, packet, fault)
		}
	}
}

// dawdle waits as long as Slow does.
func (c *Copier) dawdle(ctx context.Context) {
	timer := time.NewTimer(c.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// send sends an answer. One that cannot be sent is lost, like any UDP packet: the
// asker will ask again.
func send(conn net.PacketConn, to net.Addr, packet []byte, fault Fault) {
	switch fault {
	case Duplicate:
		conn.WriteTo(packet, to)
	case WrongSource:
		local := conn.LocalAddr()
		host, _, _ := net.SplitHostPort(local.String())
		other, err := net.ListenPacket(local.Network(), net.JoinHostPort(host, "0"))
		if err != nil {
			return
		}
		defer other.Close()
		conn = other
	}
	conn.WriteTo(packet, to)
}
