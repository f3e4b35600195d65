package transporttest

import (
	"net"
	"sync"
	"sync/atomic"
)

// A door is the listener of one run of the broker. Closing it leaves the port open,
// so that a restart refuses nobody.
type door struct {
	b      *Broker
	once   sync.Once
	closed chan struct{}
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.b.arrivals:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *door) Addr() net.Addr { return d.b.listener.Addr() }

// A conn can be frozen, with all others, and muted.
type conn struct {
	net.Conn
	b      *Broker
	muted  atomic.Bool // what is written does not arrive
	once   sync.Once
	closed chan struct{}
}

func (c *conn) Read(p []byte) (int, error) {
	c.thaw() // the TLS handshake is part of the first Read
	n, err := c.Conn.Read(p)
	c.thaw()
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.thaw()
	if c.muted.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// thaw waits until the broker is not frozen.
func (c *conn) thaw() {
	c.b.mu.Lock()
	thawed := c.b.thawed
	c.b.mu.Unlock()
	select {
	case <-thawed:
	case <-c.closed:
	}
}
