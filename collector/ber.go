package collector

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The tags of what is read here (X.690, RFC 3416 section 3).
const (
	tagInteger      = 0x02
	tagOctets       = 0x04
	tagNull         = 0x05
	tagIdentifier   = 0x06
	tagSequence     = 0x30
	tagAddress      = 0x40 // IpAddress
	tagCounter      = 0x41
	tagGauge        = 0x42
	tagTicks        = 0x43
	tagOpaque       = 0x44
	tagCounter64    = 0x46
	tagUnsigned     = 0x47 // UInteger32 of RFC 1442
	tagNoObject     = 0x80
	tagNoInstance   = 0x81
	tagEndOfView    = 0x82
	tagGetNext      = 0xa1
	tagResponse     = 0xa2
	tagGetBulk      = 0xa5
	longestIntegral = 9 // octets: 64 bits, and one that says they are not negative
)

// A packing is a message being written from its end to its beginning, so that the
// length of everything is known before it is put in front.
type packing struct{ reversed []byte }

// message returns what was written, in the right order.
func (p *packing) message() []byte {
	slices.Reverse(p.reversed)
	return p.reversed
}

// wrap puts the tag and the length of all that was written since size was.
func (p *packing) wrap(tag byte, size int) {
	length := len(p.reversed) - size
	switch {
	case length < 0x80:
		p.reversed = append(p.reversed, byte(length), tag)
	case length < 0x100:
		p.reversed = append(p.reversed, byte(length), 0x81, tag)
	default:
		p.reversed = append(p.reversed, byte(length), byte(length>>8), 0x82, tag)
	}
}

// number writes an INTEGER that is not negative.
func (p *packing) number(n uint32) {
	size := len(p.reversed)
	for more := true; more; more = n > 0 {
		p.reversed = append(p.reversed, byte(n))
		n >>= 8
	}
	if p.reversed[len(p.reversed)-1] >= 0x80 {
		p.reversed = append(p.reversed, 0)
	}
	p.wrap(tagInteger, size)
}

func (p *packing) octets(text string) {
	size := len(p.reversed)
	for i := len(text) - 1; i >= 0; i-- {
		p.reversed = append(p.reversed, text[i])
	}
	p.wrap(tagOctets, size)
}

var errName = errors.New("not an object identifier")

// name writes an object identifier, which must be as parseOID has it.
func (p *packing) name(name string) error {
	size := len(p.reversed)
	first, rest, _ := strings.Cut(name, ".")
	for {
		dot := strings.LastIndexByte(rest, '.')
		n, err := strconv.ParseUint(rest[dot+1:], 10, 32)
		if err != nil {
			return errName
		}
		if dot < 0 { // the first two numbers are one
			if len(first) != 1 || first[0] > '2' || first[0] < '2' && n >= 40 {
				return errName
			}
			n += 40 * uint64(first[0]-'0')
		}
		p.reversed = append(p.reversed, byte(n&0x7f))
		for n >>= 7; n > 0; n >>= 7 {
			p.reversed = append(p.reversed, byte(n)|0x80)
		}
		if dot < 0 {
			p.wrap(tagIdentifier, size)
			return nil
		}
		rest = rest[:dot]
	}
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

// any returns the tag and the contents of the next element.
func (e *elements) any() (tag byte, contents []byte) {
	if len(e.rest) == 0 {
		e.bad = true
		return 0, nil
	}
	tag = e.rest[0]
	return tag, e.next(tag)
}

// count is how many elements there are. It takes none of them off.
func (e elements) count() (n int) {
	for len(e.rest) > 0 && !e.bad {
		e.any()
		n++
	}
	return n
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

// signed is the contents of an INTEGER.
func signed(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	n = int64(int8(b[0]))
	for _, c := range b[1:] {
		n = n<<8 | int64(c)
	}
	return n, true
}

// unsigned is the contents of a counter, a gauge or a time. Some devices leave out the
// octet that says it is not negative.
func unsigned(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > longestIntegral || len(b) == longestIntegral && b[0] != 0 {
		return 0, false
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, true
}

// appendName adds the contents of an OBJECT IDENTIFIER as text.
func appendName(text, b []byte) ([]byte, bool) {
	var n uint64
	numbers := 0
	for _, c := range b {
		n = n<<7 | uint64(c&0x7f)
		if n > math.MaxUint32 {
			return text, false
		}
		if c >= 0x80 {
			continue
		}
		if numbers == 0 { // the first two numbers are one
			first := min(n/40, 2)
			text = strconv.AppendUint(text, first, 10)
			n -= 40 * first
			numbers++
		}
		text = strconv.AppendUint(append(text, '.'), n, 10)
		numbers++
		n = 0
	}
	return text, numbers > 0 && numbers <= maxSubIDs && b[len(b)-1] < 0x80
}
