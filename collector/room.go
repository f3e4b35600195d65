package collector

import (
	"net"
	"sync"
)

// maxPacket is more than any answer has: devices send up to 1,472 octets, some 8 KiB.
// A longer one counts as garbled, so that less is asked for.
const maxPacket = 16 << 10

// plannedPacket is more than the answer to a planned question has.
const plannedPacket = 2 << 10

// A room is what answers are taken apart in. It is large, and hundreds of devices may be
// waited for at once, so a reading takes one when its first answer has come.
type room struct {
	answer   scratch
	contents contents // of the plan; good until the reading is made
	found    harvest  // good as long
}

// harvest is an empty one.
func (r *room) harvest() harvest {
	if r.found == nil {
		r.found = make(harvest, 64)
	}
	clear(r.found)
	return r.found
}

// A depot lends readings what they work in, again and again.
type depot struct {
	packets sync.Pool // of *[plannedPacket]byte
	large   sync.Pool // of *[maxPacket]byte
	rooms   sync.Pool // of *room
	sockets sync.Pool // of *net.UDPConn, for IPv4; one that is forgotten there is closed by the runtime
}

// A loan is what one reading has of the depot: each part is nil until it is needed.
type loan struct {
	of     *depot
	packet *[plannedPacket]byte
	large  *[maxPacket]byte
	taken  *room
}

// packetRoom is a buffer for the answer to a planned question.
func (l *loan) packetRoom() []byte {
	if l.packet == nil {
		l.packet = borrow[[plannedPacket]byte](&l.of.packets)
	}
	return l.packet[:]
}

// largeRoom is a buffer for any answer.
func (l *loan) largeRoom() []byte {
	if l.large == nil {
		l.large = borrow[[maxPacket]byte](&l.of.large)
	}
	return l.large[:]
}

func (l *loan) room() *room {
	if l.taken == nil {
		l.taken = borrow[room](&l.of.rooms)
	}
	return l.taken
}

// giveBack ends the loan.
func (l *loan) giveBack() {
	if l.packet != nil {
		l.of.packets.Put(l.packet)
	}
	if l.large != nil {
		l.of.large.Put(l.large)
	}
	if l.taken != nil {
		l.of.rooms.Put(l.taken)
	}
}

// socket is one that is not connected. In its queue there may be packets of others.
func (d *depot) socket() (*net.UDPConn, error) {
	if used, ok := d.sockets.Get().(*net.UDPConn); ok {
		return used, nil
	}
	return net.ListenUDP("udp4", nil)
}

func borrow[T any](pool *sync.Pool) *T {
	if used, ok := pool.Get().(*T); ok {
		return used
	}
	return new(T)
}
