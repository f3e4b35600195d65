package collector

import (
	"context"
	"errors"
)

// A session is one device that can be asked. There are two: a device on the
// network, and a recording of one.
type session interface {
	// ask puts one question and waits for its answer. A question that is not answered,
	// after all tries, is errSilent, or errPassedOver if the device still answers another
	// one; an answer that cannot be decoded is errGarbled; anything else, and errSilent,
	// means that no further question is worth asking.
	ask(ctx context.Context, q question) (answer, error)
	// bulk says whether the device understands GETBULK.
	bulk() bool
}

var (
	errSilent     = errors.New("silent")
	errPassedOver = errors.New("silent about a question")
	errGarbled    = errors.New("an answer that cannot be decoded")
)

// A question is a GETNEXT, or a GETBULK if repetitions is more than zero.
type question struct {
	names        []string // each asks for the first object after it
	nonRepeaters int      // of GETBULK: the first so many names are asked for once
	repetitions  int      // of GETBULK: how often the other names are followed on
}

// values is how many variables a full answer has.
func (q question) values() int {
	if q.repetitions == 0 {
		return len(q.names)
	}
	return q.nonRepeaters + q.repetitions*(len(q.names)-q.nonRepeaters)
}

// An answer is what came back. With a status other than noError the variables
// mean nothing, and index says which name of the question is to blame, from 1; 0
// for none of them.
type answer struct {
	status    status
	index     int
	variables []variable
}

// A status is an error status of RFC 3416 section 3.
type status int

const (
	noError    status = 0
	tooBig     status = 1
	noSuchName status = 2 // version 1: there is no such object, or none after it
)

// A variable is one object as the device told it.
type variable struct {
	name string
	kind kind
	num  int64  // of an integer
	text string // the octets of octets, or an object identifier without a leading dot

	// after is the name that was asked for what follows it, when a walk found this.
	after string
}

// A kind is as much of an SNMP type as matters here.
type kind uint8

const (
	nothing    kind = iota // no variable, NULL, or a type that has no use here
	end                    // endOfMibView: nothing comes after the name
	integer                // every integer, counter, gauge and time
	octets                 // OCTET STRING, Opaque and IpAddress
	identifier             // OBJECT IDENTIFIER
)

// maxOctets is how much of a string is kept. The objects read here have at most
// 255 octets (RFC 3805); devices that send more are cut.
const maxOctets = 2048
