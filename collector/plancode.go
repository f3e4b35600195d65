package collector

import (
	"encoding/binary"
	"hash/crc32"
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

// parsePlan reads a plan; nil if it is none, or damaged, or of another version.
func parsePlan(written Plan) *plan {
	if len(written) < 5 || written[0] != planVersion {
		return nil
	}
	body, sum := written[1:len(written)-4], written[len(written)-4:]
	if crc32.ChecksumIEEE(written[:len(written)-4]) != binary.BigEndian.Uint32(sum) {
		return nil
	}
	r := planReader{rest: string(body), names: make([]byte, 0, 4*len(written))}
	p := &plan{print: r.print(), learnt: time.UnixMilli(r.varint()), uptime: r.varint()}
	p.version, p.place = Version(r.octet()), int(r.octet())
	p.limits = limits{names: int(r.octet()), values: int(r.octet())}
	p.repetitions = [...]int{Full: int(r.octet()), Supplies: int(r.octet())}
	p.limits.rowWise = r.octet() != 0
	p.profile = r.text()
	r.columns(p)
	sensible := p.limits.names > 0 && p.limits.values > 0 && max(p.repetitions[Full], p.repetitions[Supplies]) <= maxRepetitions
	if r.bad || !sensible {
		return nil
	}
	return p
}

// columns reads the columns with their objects.
func (r *planReader) columns(p *plan) {
	columns, objects := r.count(), r.count()
	p.columns = make([]planColumn, 0, columns)
	p.objects, p.marks = make([]variable, 0, objects), make([]planMark, 0, objects)
	parts := make([]part, 0, columns+2*objects) // of the columns and objects as they come
	var column, before part
	for range columns {
		column = r.name(column)
		parts = append(parts, column)
		c := planColumn{from: len(p.objects)}
		for range r.count() {
			before = r.object(p, &parts, column, before)
		}
		c.to = len(p.objects)
		p.columns = append(p.columns, c)
	}
	if r.bad {
		return
	}
	names := string(r.names)
	for i := range p.columns {
		c := &p.columns[i]
		c.name, parts = parts[0].of(names), parts[1:]
		for j := c.from; j < c.to; j++ {
			o, role := &p.objects[j], p.marks[j].role
			o.name, o.after, parts = parts[0].of(names), parts[1].of(names), parts[2:]
			r.bad = r.bad || role != absent && !under(c.name, o.name) || role != fixed && o.after == ""
		}
	}
}

// A planReader takes a plan apart. Once something is not as expected, it is bad and
// gives nothing any more.
type planReader struct {
	rest  string
	names []byte // all names, one after the other
	bad   bool
}

// A part is where a name is among all names.
type part struct{ from, to int }

func (p part) of(names string) string { return names[p.from:p.to] }

func (r *planReader) take(n uint64) string {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *planReader) octet() byte {
	if b := r.take(1); b != "" {
		return b[0]
	}
	return 0
}

func (r *planReader) print() uint64 {
	if b := r.take(8); b != "" {
		return binary.BigEndian.Uint64([]byte(b))
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

func (r *planReader) text() string { return r.take(r.uvarint()) }

// name reads a name of which the beginning may be another's.
func (r *planReader) name(other part) part {
	same := int(r.octet())
	if same > other.to-other.from {
		r.bad = true
		return part{}
	}
	from := len(r.names)
	r.names = append(r.names, r.names[other.from:other.from+same]...)
	r.names = append(r.names, r.text()...)
	return part{from, len(r.names)}
}

// object reads an object and where its name and that of what it follows are. It returns
// the former.
func (r *planReader) object(p *plan, parts *[]part, column, before part) part {
	head := r.octet()
	o, m := variable{kind: kind(head >> 3 & 7)}, planMark{role: role(head & 7)}
	name, after := r.name(before), part{}
	switch follows := head >> 6; {
	case m.role == fixed:
	case follows == afterObject:
		after = before
	case follows == afterColumn:
		after = column
	default:
		after = r.name(name)
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
	r.bad = r.bad || m.role >= roles || o.kind > identifier || m.role == sinking && o.kind != integer
	p.objects, p.marks, *parts = append(p.objects, o), append(p.marks, m), append(*parts, name, after)
	return name
}
