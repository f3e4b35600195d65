package collector

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// How a plan is written: a version, the facts, the questions of each scope, then column
// by column the objects. Names are written as what differs from the name before, integers
// as varints. A checksum ends it, since a file can be torn.
const planVersion = 2

// maxPlan is the longest plan, in octets. A device with more to say is read in full
// each time.
const maxPlan = 32 << 10

// write makes octets of a plan; nil if they would be too many.
func (p *plan) write() Plan {
	b := make([]byte, 0, 2048)
	b = append(b, planVersion)
	b = binary.BigEndian.AppendUint64(b, p.print)
	b = binary.AppendVarint(b, p.learnt.UnixMilli())
	b = binary.AppendVarint(b, p.uptime)
	b = append(b, byte(p.version), byte(p.place), byte(p.limits.names), byte(p.limits.values))
	b = appendFlag(b, p.limits.rowWise)
	b = appendText(b, p.profile)
	for _, written := range p.questions {
		b = append(binary.AppendUvarint(b, uint64(len(written))), written...)
	}
	b = binary.AppendUvarint(b, uint64(p.letters()))
	b = binary.AppendUvarint(b, uint64(len(p.columns)))
	b = binary.AppendUvarint(b, uint64(len(p.objects)))
	column, object := "", ""
	for _, c := range p.columns {
		b = appendDifference(b, column, c.name)
		b = binary.AppendUvarint(b, uint64(c.to-c.from))
		column = c.name
		for i := c.from; i < c.to; i++ {
			b = p.writeObject(b, i, object)
			object = p.objects[i].name
		}
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if len(b) > maxPlan {
		return nil
	}
	return slices.Clone(b) // thousands are kept, so without room to grow
}

// letters is how long all names and texts are together, at most.
func (p *contents) letters() (n int) {
	for _, c := range p.columns {
		n += len(c.name)
	}
	for i := range p.objects {
		n += len(p.objects[i].name) + len(p.objects[i].text)
	}
	return n
}

// writeObject adds an object that comes after another object.
func (p *plan) writeObject(b []byte, i int, before string) []byte {
	o, m := &p.objects[i], &p.marks[i]
	b = append(b, byte(m.role)|byte(o.kind)<<3)
	b = appendDifference(b, before, o.name)
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

// writeQuestions writes questions one after the other.
func writeQuestions(questions []plannedQuestion) []byte {
	b := binary.AppendUvarint(nil, uint64(len(questions)))
	for _, q := range questions {
		b = binary.AppendUvarint(b, uint64(len(q.names)))
		before := ""
		for _, name := range q.names {
			b = appendDifference(b, before, name)
			before = name
		}
		b = append(b, byte(q.nonRepeaters), byte(q.repetitions))
		for _, object := range q.objects {
			b = binary.AppendUvarint(b, uint64(object+1)) // 0 is none
		}
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

// parsePlan reads the beginning of a plan: unfold reads the rest. It is nil if there is
// none, or it is damaged, or of another version.
func parsePlan(written Plan) *plan {
	if len(written) < 5 || written[0] != planVersion {
		return nil
	}
	body, sum := written[1:len(written)-4], written[len(written)-4:]
	if crc32.ChecksumIEEE(written[:len(written)-4]) != binary.BigEndian.Uint32(sum) {
		return nil
	}
	r := planReader{rest: body}
	p := &plan{print: r.print(), learnt: time.UnixMilli(r.varint()), uptime: r.varint()}
	p.version, p.place = Version(r.octet()), int(r.octet())
	p.limits = limits{names: int(r.octet()), values: int(r.octet())}
	p.limits.rowWise = r.octet() != 0
	p.profile = r.text()
	for s := range p.questions {
		p.questions[s] = r.take(r.uvarint())
	}
	p.folded = r.rest
	if r.bad || p.limits.names == 0 || p.limits.values == 0 {
		return nil
	}
	return p
}

// ask reads the questions of a scope. It returns false if they make no sense, or there are
// none.
func (p *plan) ask(s Scope) ([]plannedQuestion, bool) {
	r := planReader{rest: p.questions[s]}
	r.texts.Grow(namesGrow * len(r.rest))
	list := make([]plannedQuestion, r.count())
	for i := range list {
		list[i] = r.question()
		p.highest = max(p.highest, slices.Max(append(list[i].objects, 0)))
	}
	return list, !r.bad && len(list) > 0
}

// question reads a question. To each of its names there must be an object, and to what
// follows an object, too.
func (r *planReader) question() (q plannedQuestion) {
	q.names = make([]string, r.count())
	before := ""
	for i := range q.names {
		q.names[i] = r.name(before)
		before = q.names[i]
	}
	q.nonRepeaters, q.repetitions = int(r.octet()), int(r.octet())
	if r.bad || len(q.names) == 0 || q.nonRepeaters > len(q.names) || q.values() > len(r.rest) {
		r.bad = true
		return q
	}
	q.objects = make([]int, q.values())
	for i := range q.objects {
		q.objects[i] = int(r.uvarint()&(1<<31-1)) - 1
		follows := i - (len(q.names) - q.nonRepeaters)
		r.bad = r.bad || i < len(q.names) && q.objects[i] < 0 || i >= len(q.names) && q.objects[i] >= 0 && q.objects[follows] < 0
	}
	return q
}

// unfold reads the contents, if that was not done yet, into a room, which may be nil. It
// returns false if they make no sense.
func (p *plan) unfold(in func() *room) bool {
	if p.contents != nil {
		return true
	}
	r := planReader{rest: p.folded}
	r.texts.Grow(int(min(r.uvarint(), maxPlan)))
	p.contents = new(contents)
	if in != nil {
		p.contents = &in().contents
	}
	r.columns(p.contents)
	return !r.bad && p.highest < len(p.objects)
}

// columns reads the columns with their objects, in place of what was in p.
func (r *planReader) columns(p *contents) {
	columns, objects := r.count(), r.count()
	p.columns = slices.Grow(p.columns[:0], columns)
	p.objects, p.marks = slices.Grow(p.objects[:0], objects), slices.Grow(p.marks[:0], objects)
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

// namesGrow is about by how much the names of a question are longer than what is written of
// them.
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
	o.kind, m.role = kind(head>>3), role(head&7)
	o.name = r.name(before)
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
		m.role != absent && !under(column, o.name)
	return o, m
}
