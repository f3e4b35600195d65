package collector

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// How a plan is written: a version, the facts, then column by column its objects,
// names as what differs from the name before. Integers are varints. A checksum ends
// it, since a file can be torn.
const planVersion = 1

// maxPlan is the longest plan, in octets. A device with more to say is read in full
// each time.
const maxPlan = 32 << 10

// What an object follows, in two bits beside its role and kind.
const (
	afterObject = iota // the object before it
	afterColumn        // its column
	afterOther         // a name that is written
)

// write makes octets of a plan; nil if they would be too many.
func (p *plan) write() Plan {
	b := make([]byte, 0, 2048)
	b = append(b, planVersion)
	b = binary.BigEndian.AppendUint64(b, p.print)
	b = binary.AppendVarint(b, p.learnt.UnixMilli())
	b = binary.AppendVarint(b, p.uptime)
	b = append(b, byte(p.version), byte(p.place), byte(p.limits.names), byte(p.limits.values))
	b = append(b, byte(p.repetitions[Full]), byte(p.repetitions[Supplies]))
	b = appendFlag(b, p.limits.rowWise)
	b = appendText(b, p.profile)
	b = binary.AppendUvarint(b, uint64(len(p.columns)))
	b = binary.AppendUvarint(b, uint64(len(p.objects)))
	column, object := "", ""
	for _, c := range p.columns {
		b = appendDifference(b, column, c.name)
		b = binary.AppendUvarint(b, uint64(c.to-c.from))
		column = c.name
		for i := c.from; i < c.to; i++ {
			b = p.writeObject(b, i, column, object)
			object = p.objects[i].name
		}
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if len(b) > maxPlan {
		return nil
	}
	return b
}

// writeObject adds an object that is in a column and comes after another object.
func (p *plan) writeObject(b []byte, i int, column, before string) []byte {
	o, m := &p.objects[i], &p.marks[i]
	after := afterOther
	switch o.after {
	case before:
		after = afterObject
	case column:
		after = afterColumn
	}
	b = append(b, byte(m.role)|byte(o.kind)<<3|byte(after)<<6)
	b = appendDifference(b, before, o.name)
	if m.role != fixed && after == afterOther {
		b = appendDifference(b, o.name, o.after)
	}
	switch {
	case m.role == sinking:
		return binary.AppendVarint(binary.AppendUvarint(b, uint64(m.step)), m.low)
	case m.role == absent || m.role == varying && o.kind == integer:
	case o.kind == integer:
		b = binary.AppendVarint(b, o.num)
	case o.kind == octets || o.kind == identifier:
		b = appendText(b, o.text)
	}
	return b
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// appendDifference writes how much a name has in common with another, and the rest.
func appendDifference(b []byte, other, name string) []byte {
	same := 0
	for same < min(len(other), len(name), 255) && other[same] == name[same] {
		same++
	}
	return appendText(append(b, byte(same)), name[same:])
}

// parse reads a plan into p, in place of what was in it. It returns false if it is none,
// or damaged, or of another version.
func (p *plan) parse(written Plan) bool {
	if len(written) < 5 || written[0] != planVersion {
		return false
	}
	body, sum := written[1:len(written)-4], written[len(written)-4:]
	if crc32.ChecksumIEEE(written[:len(written)-4]) != binary.BigEndian.Uint32(sum) {
		return false
	}
	r := planReader{rest: body}
	r.texts.Grow(namesGrow * len(body))
	*p = plan{print: r.print(), learnt: time.UnixMilli(r.varint()), uptime: r.varint(), columns: p.columns[:0], objects: p.objects[:0], marks: p.marks[:0]}
	p.version, p.place = Version(r.octet()), int(r.octet())
	p.limits = limits{names: int(r.octet()), values: int(r.octet())}
	p.repetitions = [...]int{Full: int(r.octet()), Supplies: int(r.octet())}
	p.limits.rowWise = r.octet() != 0
	p.profile = r.text()
	r.columns(p)
	sensible := p.limits.names > 0 && p.limits.values > 0 && max(p.repetitions[Full], p.repetitions[Supplies]) <= maxRepetitions
	return !r.bad && sensible
}

// columns reads the columns with their objects.
func (r *planReader) columns(p *plan) {
	columns, objects := r.count(), r.count()
	p.columns = slices.Grow(p.columns, columns)
	p.objects, p.marks = slices.Grow(p.objects, objects), slices.Grow(p.marks, objects)
	column, before := "", ""
	for range columns {
		column = r.name(column)
		c := planColumn{name: column, from: len(p.objects)}
		for range r.count() {
			o, m := r.object(column, before)
			p.objects, p.marks = append(p.objects, o), append(p.marks, m)
			before = o.name
		}
		c.to = len(p.objects)
		p.columns = append(p.columns, c)
	}
}

// A planReader takes a plan apart. Once something is not as expected, it is bad and
// gives nothing any more.
type planReader struct {
	rest  []byte
	texts strings.Builder // all names and texts, one after the other
	bad   bool
}

// namesGrow is about by how much names are longer than what is written of them.
const namesGrow = 3

func (r *planReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *planReader) octet() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *planReader) print() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *planReader) uvarint() (n uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := r.octet()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.bad = true
	return 0
}

func (r *planReader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// count is how many parts follow, each of which takes an octet at least.
func (r *planReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *planReader) text() string { return r.textAfter("") }

// name reads a name of which the beginning may be another's.
func (r *planReader) name(other string) string {
	same := int(r.octet())
	if same > len(other) {
		r.bad = true
		return ""
	}
	return r.textAfter(other[:same])
}

// textAfter reads a text and puts what is known of it before it.
func (r *planReader) textAfter(known string) string {
	from := r.texts.Len()
	r.texts.WriteString(known)
	r.texts.Write(r.take(r.uvarint()))
	return r.texts.String()[from:]
}

// object reads an object that is in a column and comes after another object.
func (r *planReader) object(column, before string) (o variable, m planMark) {
	head := r.octet()
	o.kind, m.role = kind(head>>3&7), role(head&7)
	o.name = r.name(before)
	switch follows := head >> 6; {
	case m.role == fixed:
	case follows == afterObject:
		o.after = before
	case follows == afterColumn:
		o.after = column
	default:
		o.after = r.name(o.name)
	}
	switch {
	case m.role == sinking:
		m.step, m.low = int64(r.uvarint()&(1<<62-1)), r.varint()
	case m.role == absent || m.role == varying && o.kind == integer:
	case o.kind == integer:
		o.num = r.varint()
	case o.kind == octets || o.kind == identifier:
		o.text = r.text()
	}
	r.bad = r.bad || m.role >= roles || o.kind > identifier || m.role == sinking && o.kind != integer ||
		m.role != absent && !under(column, o.name) || m.role != fixed && o.after == ""
	return o, m
}
