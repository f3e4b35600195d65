package collector

import (
	"fmt"
	"net/netip"
	"slices"
)

// Messages of versions 1 and 2c (RFC 1157 section 4, RFC 1901 section 3): the version,
// the community, and a PDU (RFC 3416 section 3).

// maxCommunity is as long as a community may be. No device takes so long a one; what
// has more octets is no community but a mistake.
const maxCommunity = 127

// write makes the packet of a question.
func (c *codec) write(q question, id uint32) ([]byte, error) {
	if len(c.community) > maxCommunity {
		return nil, fmt.Errorf("the community has more than %d octets", maxCommunity)
	}
	p := packing{reversed: make([]byte, 0, 512)}
	for i := len(q.names) - 1; i >= 0; i-- {
		size := len(p.reversed)
		p.reversed = append(p.reversed, 0, tagNull) // no value
		if err := p.name(q.names[i]); err != nil {
			return nil, fmt.Errorf("%q: %w", q.names[i], err)
		}
		p.wrap(tagSequence, size)
	}
	p.wrap(tagSequence, 0)
	p.number(uint32(q.repetitions)) // of GETNEXT these two are 0
	p.number(uint32(q.nonRepeaters))
	p.number(id)
	if q.repetitions > 0 {
		p.wrap(tagGetBulk, 0)
	} else {
		p.wrap(tagGetNext, 0)
	}
	p.octets(c.community)
	p.number(c.version)
	p.wrap(tagSequence, 0)
	return p.message(), nil
}

// readMessage returns the answer in a packet and the id of its question. Whether the version
// and the community are those of the question does not matter: some devices answer
// with others.
func readMessage(packet []byte, in *scratch) (answer, uint32, error) {
	message := elements{rest: packet}
	message.rest = message.next(tagSequence)
	message.next(tagInteger)
	message.next(tagOctets)
	pdu := elements{rest: message.next(tagResponse), bad: message.bad}
	id, _ := signed(pdu.next(tagInteger))
	errorStatus, _ := signed(pdu.next(tagInteger))
	index, _ := signed(pdu.next(tagInteger))
	if pdu.bad || id != int64(uint32(id)) {
		return answer{}, 0, fmt.Errorf("%w: not a response", errGarbled)
	}
	a := answer{status: status(errorStatus), index: int(index)}
	if a.status != noError {
		return a, uint32(id), nil
	}
	list := elements{rest: pdu.next(tagSequence), bad: pdu.bad}
	if !in.read(list) {
		return answer{}, 0, fmt.Errorf("%w: bad variables", errGarbled)
	}
	a.variables = in.variables
	return a, uint32(id), nil
}

// read reads a list of variables. The text of all names is one string.
func (s *scratch) read(list elements) bool {
	n := list.count()
	s.variables, s.ends = slices.Grow(s.variables[:0], n), slices.Grow(s.ends[:0], n)
	text, ok := slices.Grow(s.text[:0], 2*len(list.rest)), true
	for len(list.rest) > 0 && !list.bad {
		one := elements{rest: list.next(tagSequence)}
		if text, ok = appendName(text, one.next(tagIdentifier)); !ok {
			return false
		}
		var v variable
		if tag, contents := one.any(); one.bad || !v.set(tag, contents) {
			return false
		}
		s.variables, s.ends = append(s.variables, v), append(s.ends, len(text))
	}
	s.text = text
	from, all := 0, string(text)
	for i, end := range s.ends {
		s.variables[i].name, from = all[from:end], end
	}
	return !list.bad
}

// set takes the value of a variable, and returns false if it is none.
func (v *variable) set(tag byte, contents []byte) (ok bool) {
	switch tag {
	case tagInteger:
		v.kind = integer
		v.num, ok = signed(contents)
		return ok
	case tagCounter, tagGauge, tagTicks, tagCounter64, tagUnsigned:
		n, ok := unsigned(contents)
		v.kind, v.num = integer, int64(n)
		return ok
	case tagOctets, tagOpaque:
		v.kind, v.text = octets, string(contents[:min(len(contents), maxOctets)])
	case tagAddress:
		v.kind, v.text = octets, string(contents[:min(len(contents), maxOctets)])
		if len(contents) == 4 {
			v.text = netip.AddrFrom4([4]byte(contents)).String()
		}
	case tagIdentifier:
		text, ok := appendName(nil, contents)
		v.kind, v.text = identifier, string(text)
		return ok || len(contents) == 0
	case tagNoObject, tagNoInstance, tagEndOfView:
		v.kind = end
	}
	return true
}
