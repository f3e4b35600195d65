package collector

import (
	"fmt"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// A codec turns questions into packets and packets into answers. Messages with a
// community it writes and reads itself (message.go), those of version 3 gosnmp does.
// gosnmp's own conversation (Get, Walk, its sockets) is not used: it does not check
// what it is answered, cannot be interrupted, holds 64 KiB for each device, and cannot
// ask many devices through one socket.
//
// A codec belongs to one conversation, or to one sweep: it is not safe for
// concurrent use.
type codec struct {
	version   uint32 // as it is written: 0 for version 1, 1 for 2c
	community string

	peer  *peer // of version 3; nil with a community
	snmp  gosnmp.GoSNMP
	names []gosnmp.SnmpPDU
}

// A scratch is what an answer is decoded in.
type scratch struct {
	variables []variable
	text      []byte // the names, one after the other
	ends      []int  // where each of them ends
}

// newCodec makes a codec for a credential with a definite version, and with version
// 3 for the peer to talk to.
func newCodec(c Credential, p *peer) *codec {
	if p != nil {
		return &codec{peer: p}
	}
	if c.Version == V1 {
		return &codec{version: 0, community: c.Community.Reveal()}
	}
	return &codec{version: 1, community: c.Community.Reveal()}
}

// encode makes the packet of a question. id is from 1 to the
// largest int32.
func (c *codec) encode(q question, id uint32) ([]byte, error) {
	if c.peer == nil {
		return c.write(q, id)
	}
	c.names = c.names[:0]
	for _, name := range q.names {
		c.names = append(c.names, gosnmp.SnmpPDU{Name: name, Type: gosnmp.Null})
	}
	if err := c.peer.address(&c.snmp); err != nil {
		return nil, err
	}
	c.snmp.SetMsgID(id - 1)
	c.snmp.SetRequestID(id - 1) // the encoder counts it up
	if q.repetitions > 0 {
		return c.snmp.SnmpEncodePacket(gosnmp.GetBulkRequest, c.names, uint8(q.nonRepeaters), uint32(q.repetitions))
	}
	return c.snmp.SnmpEncodePacket(gosnmp.GetNextRequest, c.names, 0, 0)
}

// decode returns the answer in a packet and the id of the question it answers.
// The answer keeps nothing of the packet; its variables are good as long as nothing else
// is decoded in the same place.
// With version 3 the error may be a *report; a packet that does not come from the
// peer, or not unchanged, answers no question: its id is 0.
func (c *codec) decode(packet []byte, in *scratch) (answer, uint32, error) {
	if c.peer == nil {
		return readMessage(packet, in)
	}
	p, err := c.peer.open(&c.snmp, packet)
	if p == nil || err != nil {
		return answer{}, 0, err
	}
	if p.PDUType == gosnmp.Report {
		return answer{}, p.MsgID, newReport(p)
	}
	return unpack(p, in)
}

func unpack(p *gosnmp.SnmpPacket, in *scratch) (answer, uint32, error) {
	if p.PDUType != gosnmp.GetResponse {
		return answer{}, 0, fmt.Errorf("%w: not a response", errGarbled)
	}
	a := answer{status: status(p.Error), index: int(p.ErrorIndex)}
	if a.status != noError {
		return a, p.RequestID, nil
	}
	in.variables = in.variables[:0]
	for i := range p.Variables {
		in.variables = append(in.variables, decodeVariable(&p.Variables[i]))
	}
	a.variables = in.variables
	return a, p.RequestID, nil
}

func decodeVariable(p *gosnmp.SnmpPDU) variable {
	v := variable{name: strings.TrimPrefix(p.Name, ".")}
	if p.Type == gosnmp.EndOfMibView || p.Type == gosnmp.NoSuchObject || p.Type == gosnmp.NoSuchInstance {
		v.kind = end
	}
	switch value := p.Value.(type) {
	case int:
		v.kind, v.num = integer, int64(value)
	case uint:
		v.kind, v.num = integer, int64(value)
	case uint32:
		v.kind, v.num = integer, int64(value)
	case uint64:
		v.kind, v.num = integer, int64(value)
	case []byte:
		v.kind, v.text = octets, string(value[:min(len(value), maxOctets)])
	case string: // gosnmp has one for an identifier and one for an address
		v.kind, v.text = octets, value
		if p.Type == gosnmp.ObjectIdentifier {
			v.kind, v.text = identifier, strings.TrimPrefix(value, ".")
		}
	}
	return v
}
