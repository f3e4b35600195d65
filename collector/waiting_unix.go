//go:build unix

package collector

import (
	"net"
	"syscall"
)

// waiting says whether a packet has come that can be read at once. To find that out
// with a deadline costs up to a millisecond, in which many packets can be sent.
func waiting(conn *net.UDPConn) (yes bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true // reading will tell
	}
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), nil, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		yes = err != syscall.EAGAIN
	})
	return yes || err != nil
}
