package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// slowLine leads to an address, with so many bytes a second on the way there. Its segments are
// those of an Ethernet: with the loopback's of 64 KiB the sender's system takes in megabytes.
func slowLine(t *testing.T, address string, rate int) string {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1460) })
	}}
	listener, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			near.(*net.TCPConn).SetReadBuffer(16 << 10)
			far, err := net.Dial("tcp", address)
			if err != nil {
				near.Close()
				continue
			}
			go func() {
				defer far.Close()
				for {
					n, err := io.CopyN(far, near, int64(rate/50))
					if err != nil {
						return
					}
					time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
				}
			}()
			go func() {
				defer near.Close()
				io.Copy(near, far)
			}()
		}
	}()
	return listener.Addr().String()
}

// What the agent sends at once arrives over a line of a quarter of a megabit, too, on which each payload
// takes longer than the library lets its caller wait by itself.
func TestSlowLine(t *testing.T) {
	t.Parallel()
	body := fmt.Appendf(nil, `{"x":"%s"}`, bytes.Repeat([]byte("x"), 5000))
	var batch []transport.Message
	for i := range 104 {
		batch = append(batch, transport.Message{
			Stream: "s", Lane: "bulk", Seq: uint64(i + 1), Kind: "reading", Subject: fmt.Sprint("d", i), At: time.Now(), Body: body,
		})
	}
	broker := transporttest.NewBroker(t)
	c := broker.Config()
	to, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	to.Host = slowLine(t, to.Host, 31_250)
	c.URL = to.String()
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if _, err := link.Send(t.Context(), batch); err != nil {
		t.Error(err)
	}
}
