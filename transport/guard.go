package transport

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// A guard stands between the MQTT library and the network. The library allocates
// whatever length a packet announces, up to 256 MB, and panics on a SUBACK with more
// codes than it asked for; the guard ends the connection before that.
type guard struct {
	net.Conn
	kind   byte // of the packet whose length is being read
	length int  // of it, as far as read
	shift  uint // of the length's next seven bits; meaningful while sizing
	sizing bool // the next byte belongs to the length
	rest   int  // bytes of the packet that are still to come

	end atomic.Pointer[error] // how reading ended; nil before
}

// largestPacket leaves room for a topic beside the largest receipt.
const largestPacket = largestAnswer + 1<<16

// Read is called by one goroutine of the library at a time.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if bad := g.follow(p[:n]); bad != nil {
		return 0, bad
	}
	if err != nil {
		g.end.CompareAndSwap(nil, &err)
	}
	return n, err
}

// SetWriteDeadline does nothing: the library would set its time for handing over, a
// second, which is too short for a large batch on a slow line. The context of a Send
// ends a write that hangs.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

// follow keeps track of packets (MQTT 3.1.1 section 2.2).
func (g *guard) follow(p []byte) error {
	for len(p) > 0 {
		if g.rest > 0 {
			skip := min(g.rest, len(p))
			g.rest -= skip
			p = p[skip:]
			continue
		}
		b := p[0]
		p = p[1:]
		if !g.sizing {
			g.kind, g.length, g.shift, g.sizing = b>>4, 0, 0, true
			continue
		}
		g.length |= int(b&0x7f) << g.shift
		g.shift += 7
		if b&0x80 != 0 && g.shift < 28 {
			continue
		}
		g.sizing, g.rest = false, g.length
		if err := g.check(); err != nil {
			return err
		}
	}
	return nil
}

const suback = 9

func (g *guard) check() error {
	if g.length > largestPacket {
		return fmt.Errorf("broker announces a packet of %d bytes", g.length)
	}
	if g.kind == suback && g.length != 3 { // an identifier and one code: we subscribe to one topic at a time
		return errors.New("broker answers a subscription wrongly")
	}
	return nil
}

// cut closes a connection at once. Closing TLS or a websocket would first try to say
// goodbye to a broker that may not listen.
func cut(conn net.Conn) {
	for {
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = outer.NetConn()
	}
	conn.Close()
}
