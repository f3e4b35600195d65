package transport

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"testing/iotest"
)

// pieces is a connection from which bytes come one at a time.
type pieces struct {
	net.Conn
	from *bytes.Reader
}

func (p pieces) Read(b []byte) (int, error) { return iotest.OneByteReader(p.from).Read(b) }

func TestGuard(t *testing.T) {
	publish := slices.Concat([]byte{0x30, 0x80, 0x01}, make([]byte, 128))
	for _, c := range []struct {
		name string
		said []byte
		fine bool
	}{
		{"connack, suback, ping", []byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 1, 0xd0, 0}, true},
		{"publish between others", slices.Concat([]byte{0xd0, 0}, publish, publish, []byte{0x90, 3, 0, 2, 0x80}), true},
		{"256 MB", []byte{0x30, 0xff, 0xff, 0xff, 0x7f}, false},
		{"just over the limit", []byte{0x30, 0x81, 0x80, 0x44}, false},
		{"a length without an end", []byte{0x30, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{"more codes than topics", []byte{0x90, 4, 0, 1, 1, 1}, false},
		{"after a good one", slices.Concat(publish, []byte{0x30, 0xff, 0xff, 0xff, 0x7f}), false},
	} {
		for name, conn := range map[string]net.Conn{
			"at once":  nil,
			"in bytes": pieces{from: bytes.NewReader(c.said)},
		} {
			var err error
			if conn == nil {
				err = (&guard{}).follow(c.said)
			} else {
				g := &guard{Conn: conn}
				for range c.said {
					if _, err = g.Read(make([]byte, 10)); err != nil {
						break
					}
				}
			}
			if (err == nil) != c.fine {
				t.Errorf("%s, %s: got error %v", c.name, name, err)
			}
		}
	}
}
