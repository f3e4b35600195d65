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
