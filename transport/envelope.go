package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// largestBody bounds the body of one message, in bytes.
const largestBody = 1 << 20

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// An envelope writes messages as a CloudEvents 1.0 JSON batch.
type envelope struct {
	source   []byte // as JSON, with its comma
	customer []byte // as JSON, with its comma; empty if there is none
}

func newEnvelope(agent, customer string) envelope {
	e := envelope{source: member("source", "urn:uuid:"+agent)}
	if customer != "" {
		e.customer = member("customer", customer)
	}
	return e
}

// batch returns the JSON array of all messages. The bodies go in as they are.
func (e envelope) batch(messages []Message) ([]byte, error) {
	size := 2
	for _, m := range messages {
		size += len(m.Body) + 512
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteByte('[')
	for i, m := range messages {
		if err := check(m); err != nil {
			return nil, &Error{Kind: ErrRefused, Cause: fmt.Errorf("record %s: %w", m.ID(), err)}
		}
		if i > 0 {
			b.WriteByte(',')
		}
		e.event(&b, m)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// event appends one message. CloudEvents wants no attribute to be empty, and the
// sequence to sort as text: uint64 has 20 digits at most.
func (e envelope) event(b *bytes.Buffer, m Message) {
	fmt.Fprintf(b, `{"specversion":"1.0","id":%s`, quote(m.ID()))
	b.Write(e.source)
	fmt.Fprintf(b, `,"type":"meteragent.%s.v1"`, m.Kind)
	if m.Subject != "" {
		b.Write(member("subject", m.Subject))
		b.Write(member("partitionkey", m.Subject))
	}
	fmt.Fprintf(b, `,"time":%q,"sequence":"%020d"`, m.At.UTC().Format(time.RFC3339Nano), m.Seq)
	b.Write(e.customer)
	b.WriteString(`,"datacontenttype":"application/json","data":`)
	b.Write(m.Body)
	b.WriteByte('}')
}

// check refuses what would break the batch for the records beside it, or could not
// be named in a receipt.
func check(m Message) error {
	switch {
	case m.Stream == "" || m.Lane == "" || m.Seq == 0:
		return errors.New("has no identity")
	case !kindName.MatchString(m.Kind):
		return fmt.Errorf("kind %q is not a word of lower-case letters and digits", m.Kind)
	case m.At.Year() < 1 || m.At.Year() > 9999:
		return errors.New("time cannot be written")
	case len(m.Body) > largestBody:
		return fmt.Errorf("body of %d bytes is over the limit of %d", len(m.Body), largestBody)
	case !bytes.HasPrefix(bytes.TrimLeft(m.Body, " \t\r\n"), []byte("{")) || !json.Valid(m.Body):
		return errors.New("body is not a JSON object")
	}
	return nil
}

// member returns `,"name":"value"`.
func member(name, value string) []byte {
	return append([]byte(`,"`+name+`":`), quote(value)...)
}

// quote returns s as a JSON string; what is not UTF-8 in it is replaced.
func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // marshalling a string cannot fail
	return quoted
}
