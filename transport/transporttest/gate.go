package transporttest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Gate is the network between an agent and a peer: a TCP relay on 127.0.0.1 that can be
// in trouble.
type Gate struct {
	t       testing.TB
	to      string
	address string

	mu       sync.Mutex
	listener net.Listener // nil while it refuses
	trouble  Trouble
	mended   chan struct{} // closed when the trouble is over
	lines    map[*line]bool
	accepted int
	ended    bool
}

// A Trouble is what happens to connections, and when.
type Trouble struct {
	What Mishap
	When Moment
}

// A Mishap is a way in which a network fails.
type Mishap string

// The mishaps.
const (
	Refuses   Mishap = "connection refused"
	Resets    Mishap = "reset"
	HangsUp   Mishap = "hung up"
	BlackHole Mishap = "black hole"      // until it is mended
	HalfOpen  Mishap = "half open"       // connections that were hit stay so
	Drips     Mishap = "drip by drip"    // 256 bytes in 5 ms
	Late      Mishap = "200 ms too late" // each piece
)

// A Moment is the point of a delivery at which trouble begins.
type Moment string

// The moments.
const (
	Connecting Moment = "connecting"
	Sending    Moment = "sending"   // in the middle of the first batch
	Answering  Moment = "answering" // the batch has been sent, the answer is on its way
)

// sentBy is how many bytes an agent has sent when it is in the middle of its first batch:
// more than a greeting.
const sentBy = 6000

// NewGate opens a gate to a peer's host and port, which closes with the test.
func NewGate(t testing.TB, to string) *Gate {
	t.Helper()
	g := &Gate{t: t, to: to, address: "127.0.0.1:0", mended: make(chan struct{}), lines: map[*line]bool{}}
	g.listen()
	t.Cleanup(func() {
		g.Mend()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ended = true
		g.listener.Close()
		for l := range g.lines {
			l.cut(false)
		}
	})
	return g
}

// Address is the gate's host and port.
func (g *Gate) Address() string { return g.address }

// Accepted is how many connections there were so far.
func (g *Gate) Accepted() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted
}

// Upset begins a trouble.
func (g *Gate) Upset(x Trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trouble, g.mended = x, make(chan struct{})
	if x.What == Refuses {
		g.listener.Close()
		g.listener = nil
		for l := range g.lines {
			l.cut(true)
		}
	}
}

// Mend ends the trouble, for connections that have lived through it.
func (g *Gate) Mend() {
	g.mu.Lock()
	g.trouble = Trouble{}
	refused := g.listener == nil
	select {
	case <-g.mended:
	default:
		close(g.mended)
	}
	g.mu.Unlock()
	if refused {
		g.listen()
	}
}

func (g *Gate) listen() {
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Error(err)
		return
	}
	g.mu.Lock()
	g.listener, g.address = listener, listener.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go g.relay(near.(*net.TCPConn))
		}
	}()
}

func (g *Gate) relay(near *net.TCPConn) {
	g.mu.Lock()
	to := g.to
	g.mu.Unlock()
	far, err := net.Dial("tcp", to)
	if err != nil {
		near.SetLinger(0)
		near.Close()
		return
	}
	l := &line{gate: g, near: near, far: far.(*net.TCPConn)}
	g.mu.Lock()
	g.accepted++
	g.lines[l] = true
	ended := g.ended
	g.mu.Unlock()
	if ended {
		l.cut(false)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.carry(l.near, l.far, true) })
	both.Go(func() { l.carry(l.far, l.near, false) })
	both.Wait()
	g.mu.Lock()
	delete(g.lines, l)
	g.mu.Unlock()
}

// A line is one connection through a gate.
type line struct {
	gate      *Gate
	near, far *net.TCPConn

	mu   sync.Mutex
	sent int  // bytes from the agent
	lost bool // half open for ever
}

// carry passes on what it reads in one direction.
func (l *line) carry(from, to *net.TCPConn, up bool) {
	defer to.CloseWrite()
	for {
		piece := make([]byte, 16<<10)
		n, err := from.Read(piece)
		if n > 0 && !l.pass(to, piece[:n], up) {
			return
		}
		if err != nil {
			return
		}
	}
}

// pass writes one piece, in the way of the trouble there is; it reports whether the line
// goes on.
func (l *line) pass(to *net.TCPConn, piece []byte, up bool) bool {
	g := l.gate
	g.mu.Lock()
	x, mended := g.trouble, g.mended
	g.mu.Unlock()
	if !l.struck(x, len(piece), up) {
		_, err := to.Write(piece)
		return err == nil
	}
	switch x.What {
	case Resets, HangsUp:
		l.cut(x.What == Resets)
		return false
	case HalfOpen, BlackHole:
		<-mended
	case Late:
		<-time.After(200 * time.Millisecond)
	case Drips:
		for len(piece) > 256 {
			select {
			case <-time.After(5 * time.Millisecond):
			case <-mended:
			}
			if _, err := to.Write(piece[:256]); err != nil {
				return false
			}
			piece = piece[256:]
		}
	}
	if l.isLost() {
		return true // what is written into it goes nowhere
	}
	_, err := to.Write(piece)
	return err == nil
}

func (l *line) isLost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// struck says whether a trouble has come for a piece.
func (l *line) struck(x Trouble, size int, up bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if up {
		l.sent += size
	}
	begun := x.What != ""
	switch x.When {
	case Sending:
		begun = l.sent > sentBy
	case Answering:
		begun = l.sent > sentBy && !up
	}
	if begun && x.What == HalfOpen {
		l.lost = true
	}
	return begun || l.lost
}

// cut ends a line, with a reset or in good order.
func (l *line) cut(reset bool) {
	if reset {
		l.near.SetLinger(0)
	}
	l.near.Close()
	l.far.Close()
}

// Lead makes later connections go to another peer.
func (g *Gate) Lead(to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = to
}
