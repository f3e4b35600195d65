package transporttest

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// A door is the listener of one run of the broker. Closing it leaves the port open,
// so that a restart refuses nobody.
type door struct {
	b      *Broker
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	conns []net.Conn // that came through it
	shut  bool       // who comes now is too late, and is hung up on
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.b.arrivals:
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conns = append(d.conns, c); d.shut {
			c.Close()
		}
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// hangUp closes every connection that came through the door.
func (d *door) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
	d.conns, d.shut = nil, true
}

// An entry is the door as the broker wants it. When it is closed it hangs up by itself: the
// broker takes the lock of its clients twice for that, and waits for ever if one comes or
// leaves in between (mochi-mqtt 2.7.9, Clients.GetByListener).
type entry struct {
	*listeners.Net
	door *door
}

func (e entry) Close(listeners.CloseFn) {
	e.Net.Close(func(string) {})
	e.door.hangUp()
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
