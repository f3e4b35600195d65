package simulator

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Fault is a way in which an SNMP agent misbehaves. All of them were seen on
// devices, or follow from a network between.
type Fault int

// The faults.
const (
	None           Fault = iota
	Silent               // no answer
	Slow                 // the answer comes late, and so do those after it
	V1Only               // requests of version 2c are not answered
	NoSuchName           // noSuchName about the first name
	GenErr               // genErr about the first name
	TooBig               // tooBig
	LoopingGetNext       // after some objects GETNEXT and GETBULK begin again a few before
	Unordered            // of every column the first row comes first, the others from the last to the second
	EndlessTable         // every column has always one more row
	WrongName            // the answer is about other objects than those asked for
	WrongType            // numbers come as text, text as numbers
	GiantString          // the first value is text of 60,000 octets
	WrongRequestID       // the answer has another request's number
	Truncated            // half a packet
	Garbage              // a packet that is no SNMP
	Duplicate            // the same answer twice
	WrongSource          // the answer comes from another port
)

// Faults lists every fault but None.
func Faults() []Fault {
	var all []Fault
	for f := None + 1; f <= WrongSource; f++ {
		all = append(all, f)
	}
	return all
}

func (f Fault) String() string {
	names := [...]string{
		"none", "silent", "slow", "v1Only", "noSuchName", "genErr", "tooBig", "loopingGetNext", "unordered", "endlessTable", "wrongName",
		"wrongType", "giantString", "wrongRequestID", "truncated", "garbage", "duplicate", "wrongSource",
	}
	if f < 0 || int(f) >= len(names) {
		return fmt.Sprintf("fault %d", int(f))
	}
	return names[f]
}

// ParseFault is the fault with this name, as String writes it; case is ignored.
func ParseFault(name string) (Fault, error) {
	for f := None; f <= WrongSource; f++ {
		if strings.EqualFold(name, f.String()) {
			return f, nil
		}
	}
	return None, fmt.Errorf("fault %q: there is no such fault", name)
}

// A misbehaviour is a fault for a while.
type misbehaviour struct {
	fault Fault
	left  int // answers still to be spoilt; below 0 for ever
	under []string
}

// Misbehave spoils the next n answers, or all of them if n is below 0, and ends
// what was before. Under, if given, are the subtrees in which the device does so:
// a request that names nothing there is answered well, and not counted.
func (c *Copier) Misbehave(f Fault, n int, under ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = misbehaviour{f, n, under}
}

// take says what is wrong with the answer to q.
func (m *misbehaviour) take(q *request) Fault {
	inside := len(m.under) == 0 || slices.ContainsFunc(q.names, func(o oid) bool { return within(o.String(), m.under) })
	if m.fault == None || m.left == 0 || !inside || m.fault == V1Only && q.version == version1 {
		return None
	}
	if m.left > 0 {
		m.left--
	}
	return m.fault
}

// status is the error that the fault puts into every answer.
func (f Fault) status() int {
	switch f {
	case NoSuchName:
		return noSuchName
	case GenErr:
		return genErr
	case TooBig:
		return tooBig
	}
	return noError
}

// loop is how many objects LoopingGetNext goes back.
const loop = 8

// next is the object that a faulty device finds behind name, if the fault makes a
// difference.
func (f Fault) next(t tree, name oid) (object, bool) {
	i, here := t.find(name)
	switch {
	case f == LoopingGetNext && here && (i+1)%loop == 0:
		return t[i+1-loop], true
	case f == Unordered && here:
		return t.unordered(i)
	case f == EndlessTable && here:
		return t.oneMore(name, i)
	case f == EndlessTable && i > 0:
		return t.oneMore(name, i-1)
	}
	return object{}, false
}

// unordered is what comes behind the row at i: behind the first row of a column the last
// one, and then those between, down to the second.
func (t tree) unordered(i int) (object, bool) {
	column := t[i].name[:t[i].kind]
	inside := func(i int) bool { return i >= 0 && i < len(t) && t[i].name.below(column) }
	if inside(i - 2) {
		return t[i-1], true
	}
	for first := !inside(i - 1); inside(i + 1); i++ {
		if first && !inside(i+2) {
			return t[i+1], true
		}
	}
	if i+1 == len(t) {
		return object{}, false
	}
	return t[i+1], true
}

// oneMore is the instance after name, whether there is one or not. Invented ones
// hold what the object at i holds, the last real one of the column.
func (t tree) oneMore(name oid, i int) (object, bool) {
	last := len(name) - 1
	if len(t[i].name) != len(name) || !name.below(t[i].name[:last]) || name[last] == math.MaxUint32 {
		return object{}, false
	}
	name = slices.Clone(name)
	name[last]++
	if j, real := t.find(name); real {
		return t[j], true
	}
	return object{name: name, kind: t[i].kind, head: appendElement(nil, tagOID, name.contents()), cell: t[i].cell}, true
}

// spoil changes one binding, and says by how much it makes the answer longer than
// is allowed.
func (f Fault) spoil(head []byte, v value, first bool) ([]byte, value, int) {
	switch {
	case f == WrongName:
		return appendElement(nil, tagOID, arcs("1.3.6.1.4.1.8072.9999").contents()), v, 0
	case f == WrongType && v[0] == tagOctets:
		return head, integer(1), 0
	case f == WrongType:
		return head, text("text"), 0
	case f == GiantString && first:
		giant := text(strings.Repeat("A", 60_000))
		return head, giant, len(giant)
	}
	return head, v, 0
}

// damage encodes the answer, and spoils the packet as a whole.
func (f Fault) damage(q *request, r response, encode func(*request, response) []byte) []byte {
	if f == WrongRequestID {
		other := *q
		other.id ^= 1
		return encode(&other, r)
	}
	b := encode(q, r)
	switch f {
	case Truncated:
		return b[:len(b)/2]
	case Garbage:
		for i := range b {
			b[i] ^= 0xA5
		}
	}
	return b
}
