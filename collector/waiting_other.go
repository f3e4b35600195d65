//go:build !unix

package collector

import "net"

// waiting says whether a packet may have come. Here only reading can tell.
func waiting(*net.UDPConn) bool { return true }
