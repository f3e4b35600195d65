package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"
)

// maxStrays is how many packets that are no answer to the question are read
// before the question counts as unanswered.
const maxStrays = 100

// A wire is a UDP socket to one device. Mostly it is connected: only the device's own
// address and port get through, and the system tells if nobody is there. A device that
// has answered the last time is asked through a socket that was there for others before,
// which is cheaper; what comes from elsewhere is dropped here then, and when the device
// is silent, a connected socket takes its place.
type wire struct {
	conn    *net.UDPConn
	shared  bool // it is not connected, and may be used again
	release func() (open bool)
	buffer  []byte
	loan    loan
	id      uint32        // of the question that was put last
	timeout time.Duration // the longest wait for an answer
	tries   int           // of one question
	traffic Traffic
	pace    pace
	gate    *gate
	to      netip.AddrPort
	limit   *deadline
}

// dial opens the wire. It must be closed with close; reading from it ends as soon as the
// context is done.
func dial(ctx context.Context, to netip.AddrPort, from *depot, p pace) (*wire, error) {
	w := &wire{loan: loan{of: from}, id: randomID(), pace: p, to: to}
	if to.Addr().Is4() && p.wait > 0 && !p.silent {
		if conn, err := from.socket(); err == nil {
			w.use(ctx, conn)
			w.shared = true
		}
	}
	if w.conn == nil {
		if err := w.connect(ctx, nil); err != nil {
			return nil, err
		}
	}
	w.buffer = w.loan.packetRoom()
	return w, nil
}

// connect opens a connected socket, which may have to be that of a local address.
func (w *wire) connect(ctx context.Context, local *net.UDPAddr) error {
	conn, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(w.to))
	if err != nil {
		return unreachable(err)
	}
	w.use(ctx, conn)
	return nil
}

// reconnect puts a connected socket in place of one that is not, with the same port: an
// answer that comes late is still heard.
func (w *wire) reconnect(ctx context.Context) error {
	same := &net.UDPAddr{Port: w.conn.LocalAddr().(*net.UDPAddr).Port}
	w.shared = false
	w.hang()
	if w.connect(ctx, same) == nil {
		return nil
	}
	return w.connect(ctx, nil) // somebody else has got the port
}

func (w *wire) use(ctx context.Context, conn *net.UDPConn) {
	w.conn, w.release = conn, guard(ctx, conn)
}

// hang closes the socket, or keeps it for others.
func (w *wire) hang() {
	switch open := w.release(); {
	case open && w.shared:
		w.loan.of.sockets.Put(w.conn)
	case open:
		w.conn.Close()
	}
	w.release = func() bool { return false }
}

// close ends the wire, when nothing of what was read is needed any more.
func (w *wire) close() {
	w.hang()
	w.loan.giveBack()
}

// randomID is the number of a question, one that a stranger does not guess. It leaves
// room for those that follow it.
func randomID() uint32 { return 1 + rand.Uint32N(1<<30) }

// closeWhenDone closes the socket when the context is done, so that a read that is
// waiting ends at once, or when release is called. When release returns, nothing
// of it is running any more.
func closeWhenDone(ctx context.Context, conn *net.UDPConn) (release func()) {
	leave := guard(ctx, conn)
	return func() {
		if leave() {
			conn.Close()
		}
	}
}

// guard closes the socket when the context is done. release ends that, and says whether
// the socket is still open.
func guard(ctx context.Context, conn *net.UDPConn) (release func() (open bool)) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		conn.Close()
		close(closed)
	})
	return func() bool {
		if stop() {
			return true
		}
		<-closed
		return false
	}
}

// A conversation is a session over a wire, in one version and with one community.
type conversation struct {
	*wire
	credential Credential // with a definite version
	codec      *codec
}

func (c *conversation) bulk() bool { return c.credential.Version != V1 }

// ask gets to know the peer of version 3 first. The last packet of all tries is a knock, which
// tells a device that has gone from one that is silent about this question. One that was silent
// the last time is knocked at first: one packet is enough to find out that it still is.
func (c *conversation) ask(ctx context.Context, q question) (answer, error) {
	if c.codec.peer != nil && !c.codec.peer.met() {
		if err := c.meet(ctx); err != nil {
			return answer{}, err
		}
	}
	if c.hasty() {
		if err := c.knock(ctx); err != nil {
			return answer{}, err
		}
	}
	a, err := c.exchange(ctx, q, max(c.tries-1, 1))
	if errors.Is(err, errSilent) && c.tries > 1 {
		err = cmp.Or(c.knock(ctx), errPassedOver)
	}
	return a, err
}

// knock asks once for what every device has, in a packet that gets through everywhere, and is
// errSilent if nobody answers.
func (c *conversation) knock(ctx context.Context) error {
	_, err := c.exchange(ctx, question{names: []string{sysObjectID}}, 1)
	if errors.Is(err, errGarbled) {
		return nil
	}
	return err
}

// exchange puts a question. A report of version 3 that tells what has changed at the peer, its
// clock or its identity, is worth asking again, once.
func (c *conversation) exchange(ctx context.Context, q question, tries int) (answer, error) {
	encode := func(id uint32) ([]byte, error) { return c.codec.encode(q, id) }
	a, err := c.put(ctx, encode, tries)
	var told *report
	if errors.As(err, &told) {
		again, err := c.codec.peer.learn(told)
		if err != nil || !again {
			return answer{}, errors.Join(err, told)
		}
		return c.put(ctx, encode, tries)
	}
	return a, err
}

// meet asks the peer who it is (RFC 3414 section 4).
func (c *conversation) meet(ctx context.Context) error {
	tries := c.tries
	if c.hasty() {
		tries = 1
	}
	_, err := c.put(ctx, probe, tries)
	var told *report
	if !errors.As(err, &told) {
		return err
	}
	if again, err := c.codec.peer.learn(told); err != nil || !again {
		return errors.Join(err, told)
	}
	return nil
}

// put sends the packet of a question until it is answered, so often at most.
func (c *conversation) put(ctx context.Context, encode func(id uint32) ([]byte, error), tries int) (answer, error) {
	c.id++
	packet, err := encode(c.id)
	if err != nil {
		return answer{}, fmt.Errorf("encode a question: %w", err)
	}
	wait := c.pace.first(c.timeout)
	for try := range tries {
		a, err := c.try(ctx, packet, wait, try > 0)
		switch {
		case ctx.Err() != nil:
			return answer{}, context.Cause(ctx)
		case !errors.Is(err, errSilent):
			return a, err
		}
		wait = min(2*wait, c.timeout)
	}
	return answer{}, errSilent
}

// hasty says that the device was silent the last time and still is: then one packet is
// enough to find out.
func (c *conversation) hasty() bool { return c.pace.silent && c.traffic.Received == 0 }

// try sends the packet once and waits for the answer. Every try of one question
// has the same id, so that an answer that comes late is still good.
func (c *conversation) try(ctx context.Context, packet []byte, wait time.Duration, repeated bool) (answer, error) {
	if err := c.limit.pause(ctx, c.gate.reserve(c.to.Addr(), time.Now())); err != nil {
		return answer{}, err
	}
	if repeated && c.shared {
		if err := c.reconnect(ctx); err != nil {
			return answer{}, err
		}
	}
	asked := time.Now()
	if err := c.conn.SetReadDeadline(asked.Add(wait)); err != nil {
		return answer{}, err
	}
	c.traffic.Requests++
	c.traffic.Sent += int64(len(packet))
	if err := c.send(packet); err != nil {
		return answer{}, err
	}
	for range maxStrays {
		n, err := c.receive()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return answer{}, errSilent
		case n == len(c.buffer): // on Windows this is an error, too
			return answer{}, errGarbled
		case err != nil:
			return answer{}, unreachable(err)
		}
		a, id, err := c.codec.decode(c.buffer[:n], &c.loan.room().answer)
		if id == c.id || errors.Is(err, errGarbled) {
			c.pace.answered(time.Since(asked), wait, repeated)
			return a, err
		}
	}
	return answer{}, errSilent
}

// send sends a packet to the device.
func (w *wire) send(packet []byte) (err error) {
	if w.shared {
		_, err = w.conn.WriteToUDPAddrPort(packet, w.to)
	} else {
		_, err = w.conn.Write(packet)
	}
	if err != nil {
		return unreachable(err)
	}
	return nil
}

// receive reads the next packet of the device into the buffer. What others send does not
// count: they could make the device look silent.
func (w *wire) receive() (n int, err error) {
	for {
		n, from, err := w.conn.ReadFromUDPAddrPort(w.buffer)
		if err == nil && w.shared && from != w.to {
			continue
		}
		w.traffic.Received += int64(n)
		return n, err
	}
}

// unreachable is an error of the network: the port is closed, the host or the
// network is not there.
func unreachable(err error) error {
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	return fmt.Errorf("%w: %w", ErrNoAnswer, cause)
}
