package simulator

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// The tags of SNMP's subset of ASN.1 (RFC 1157 section 4, RFC 3416 section 3).
const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagNull     = 0x05
	tagOID      = 0x06
	tagSequence = 0x30

	tagAddress   = 0x40 // IpAddress
	tagCounter32 = 0x41
	tagGauge32   = 0x42
	tagTicks     = 0x43 // TimeTicks, hundredths of a second
	tagCounter64 = 0x46

	tagNoObject   = 0x80 // noSuchObject
	tagNoInstance = 0x81 // noSuchInstance
	tagEndOfMIB   = 0x82 // endOfMibView

	tagGet      = 0xA0
	tagGetNext  = 0xA1
	tagResponse = 0xA2
	tagSet      = 0xA3
	tagGetBulk  = 0xA5
	tagReport   = 0xA8
)

// maxArcs is the most sub-identifiers an object name may have (RFC 3416 section 4.1).
const maxArcs = 128

var errBER = errors.New("not well-formed BER")

// A value is what an object holds, as a whole BER element: tag, length, contents.
type value []byte

func integer(n int) value     { return appendInteger(nil, tagInteger, int64(n)) }
func counter(n int) value     { return appendInteger(nil, tagCounter32, int64(uint32(n))) }
func gauge(n int) value       { return appendInteger(nil, tagGauge32, int64(uint32(n))) }
func ticks(n int64) value     { return appendInteger(nil, tagTicks, int64(uint32(n))) }
func text(s string) value     { return appendElement(nil, tagOctets, s) }
func objectID(s string) value { return appendElement(nil, tagOID, arcs(s).contents()) }
func nothing(tag byte) value  { return value{tag, 0} }

// An oid is the name of an object, arc by arc.
type oid []uint32

// parseOID reads dotted decimal notation, with or without a leading dot.
func parseOID(s string) (oid, error) {
	parts := strings.Split(strings.TrimPrefix(s, "."), ".")
	if len(parts) < 2 || len(parts) > maxArcs {
		return nil, errors.New("an object name has 2 to 128 numbers")
	}
	o := make(oid, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, errors.New("an object name is made of numbers and dots")
		}
		o[i] = uint32(n)
	}
	if o[0] > 2 || o[0] < 2 && o[1] > 39 {
		return nil, errors.New("an object name begins with 0, 1 or 2, and its second number is below 40")
	}
	return o, nil
}

// arcs is parseOID for the names written in this package.
func arcs(s string) oid {
	o, err := parseOID(s)
	if err != nil {
		panic("simulator: " + s + ": " + err.Error())
	}
	return o
}

func (o oid) String() string {
	var b []byte
	for i, arc := range o {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(arc), 10)
	}
	return string(b)
}

// below says whether o is root or lies in the subtree under it.
func (o oid) below(root oid) bool {
	return len(o) >= len(root) && slices.Equal(o[:len(root)], root)
}

// contents encodes the name without tag and length (X.690 section 8.19).
func (o oid) contents() []byte {
	b := appendArc(make([]byte, 0, len(o)+8), uint64(o[0])*40+uint64(o[1]))
	for _, arc := range o[2:] {
		b = appendArc(b, uint64(arc))
	}
	return b
}

func appendArc(b []byte, n uint64) []byte {
	shift := 0
	for n>>shift > 127 {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		b = append(b, byte(n>>shift)|0x80)
	}
	return append(b, byte(n)&0x7f)
}

// decodeOID reads the contents of an OBJECT IDENTIFIER.
func decodeOID(b []byte) (oid, error) {
	if len(b) == 0 || b[len(b)-1]&0x80 != 0 {
		return nil, errBER
	}
	o := make(oid, 1, len(b)+1)
	var n uint64
	for i, c := range b {
		if n == 0 && c == 0x80 && (i == 0 || b[i-1]&0x80 == 0) {
			return nil, errBER // an arc is written as short as possible
		}
		n = n<<7 | uint64(c&0x7f)
		if n > 1<<32-1 && (len(o) > 1 || n > 1<<32+79) {
			return nil, errBER
		}
		if c&0x80 != 0 {
			continue
		}
		if len(o) == 1 {
			o[0] = uint32(min(n/40, 2))
			n -= uint64(o[0]) * 40
		}
		o = append(o, uint32(n))
		n = 0
	}
	if len(o) > maxArcs {
		return nil, errBER
	}
	return o, nil
}

// appendHeader appends a tag and the length of the contents that follow.
func appendHeader(b []byte, tag byte, length int) []byte {
	switch {
	case length < 0x80:
		return append(b, tag, byte(length))
	case length < 0x100:
		return append(b, tag, 0x81, byte(length))
	case length < 0x10000:
		return append(b, tag, 0x82, byte(length>>8), byte(length))
	}
	return append(b, tag, 0x83, byte(length>>16), byte(length>>8), byte(length))
}

func appendElement[T string | []byte](b []byte, tag byte, contents T) []byte {
	return append(appendHeader(b, tag, len(contents)), contents...)
}

// appendInteger appends n in as few octets as two's complement allows.
func appendInteger(b []byte, tag byte, n int64) []byte {
	size := 1
	for m := n >> 7; m != 0 && m != -1; m >>= 8 {
		size++
	}
	b = append(b, tag, byte(size))
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}

// appendCounter64 appends n; its upper half does not fit a signed integer.
func appendCounter64(b []byte, n uint64) []byte {
	if n>>63 == 0 {
		return appendInteger(b, tagCounter64, int64(n))
	}
	b = append(b, tagCounter64, 9, 0)
	for i := 7; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}

// element takes the first BER element off b.
func element(b []byte) (tag byte, contents, rest []byte, err error) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, nil, nil, errBER
	}
	length, from := int(b[1]), 2
	if length >= 0x80 {
		octets := length & 0x7f
		if octets == 0 || octets > 3 || len(b) < 2+octets {
			return 0, nil, nil, errBER // an indefinite length is not allowed in SNMP
		}
		length, from = 0, 2+octets
		for _, c := range b[2:from] {
			length = length<<8 | int(c)
		}
	}
	if length > len(b)-from {
		return 0, nil, nil, errBER
	}
	return b[0], b[from : from+length], b[from+length:], nil
}

// expect takes the first element off b, which must have this tag.
func expect(b []byte, tag byte) (contents, rest []byte, err error) {
	got, contents, rest, err := element(b)
	if err == nil && got != tag {
		err = errBER
	}
	return contents, rest, err
}

// expectInteger takes an INTEGER of at most 32 bits off b.
func expectInteger(b []byte) (n int, rest []byte, err error) {
	contents, rest, err := expect(b, tagInteger)
	if err != nil || len(contents) < 1 || len(contents) > 4 {
		return 0, nil, errBER
	}
	n = int(int8(contents[0]))
	for _, c := range contents[1:] {
		n = n<<8 | int(c)
	}
	return n, rest, nil
}
