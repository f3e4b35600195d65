package collector

import (
	"errors"

	"github.com/gosnmp/gosnmp"
)

// A header is what stands before the contents of a message of version 3 (RFC 3412
// section 6, RFC 3414 section 2.4). It is read by itself, since a message must be
// proved before anything in it is decoded.
type header struct {
	id          uint32
	flags       gosnmp.SnmpV3MsgFlags
	engine      string
	boots, time uint32 // seconds
	user        string
	digest      []byte // in the packet itself
}

var errHeader = errors.New("not a message of version 3")

// The tags of a header (X.690).
const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagSequence = 0x30
)

func parseHeader(packet []byte) (header, error) {
	var h header
	p := elements{rest: packet}
	p.rest = p.next(tagSequence)
	if p.number() != 3 {
		return header{}, errHeader
	}
	global := elements{rest: p.next(tagSequence), bad: p.bad}
	h.id = global.number()
	global.number() // the longest message the device takes
	flags := global.next(tagOctets)
	if model := global.number(); global.bad || len(flags) != 1 || model != uint32(gosnmp.UserSecurityModel) {
		return header{}, errHeader
	}
	h.flags = gosnmp.SnmpV3MsgFlags(flags[0])
	security := elements{rest: p.next(tagOctets)}
	security.rest = security.next(tagSequence)
	h.engine = string(security.next(tagOctets))
	h.boots, h.time = security.number(), security.number()
	h.user = string(security.next(tagOctets))
	h.digest = security.next(tagOctets)
	if p.bad || security.bad {
		return header{}, errHeader
	}
	return h, nil
}

// elements takes BER elements off a packet, one after the other. Once one is not as
// expected, it is bad and gives nothing any more.
type elements struct {
	rest []byte
	bad  bool
}

// next returns the contents of the next element, which must have this tag.
func (e *elements) next(tag byte) []byte {
	b := e.rest
	if e.bad || len(b) < 2 || b[0] != tag {
		e.bad = true
		return nil
	}
	length, from := int(b[1]), 2
	if length >= 0x80 {
		octets := length & 0x7f
		if octets < 1 || octets > 3 || len(b) < 2+octets {
			e.bad = true
			return nil
		}
		length, from = 0, 2+octets
		for _, c := range b[2:from] {
			length = length<<8 | int(c)
		}
	}
	if length > len(b)-from {
		e.bad = true
		return nil
	}
	e.rest = b[from+length:]
	return b[from : from+length : from+length]
}

// number returns the next element, which must be an INTEGER from 0 to the largest
// int32.
func (e *elements) number() uint32 {
	b := e.next(tagInteger)
	if len(b) < 1 || len(b) > 4 || b[0]&0x80 != 0 {
		e.bad = true
		return 0
	}
	var n uint32
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}
