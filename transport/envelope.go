package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
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

// write writes the JSON array of all messages, which have passed check. The bodies go in
// as they are.
func (e envelope) write(w io.Writer, messages []Message) error {
	var event []byte
	begin := byte('[')
	for _, m := range messages {
		event = e.event(append(event[:0], begin), m)
		if _, err := w.Write(event); err != nil {
			return err
		}
		begin = ','
	}
	end := "]"
	if len(messages) == 0 {
		end = "[]"
	}
	_, err := io.WriteString(w, end)
	return err
}

// event appends one message. CloudEvents wants no attribute to be empty, and the
// sequence to sort as text: uint64 has 20 digits at most.
func (e envelope) event(b []byte, m Message) []byte {
	b = append(b, `{"specversion":"1.0","id":`...)
	b = appendQuoted(b, m.ID())
	b = append(b, e.source...)
	b = append(append(append(b, `,"type":"meteragent.`...), m.Kind...), `.v1"`...)
	if m.Subject != "" {
		b = appendQuoted(append(b, `,"subject":`...), m.Subject)
		b = appendQuoted(append(b, `,"partitionkey":`...), m.Subject)
	}
	b = m.At.UTC().AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano)
	b = fmt.Appendf(b, `","sequence":"%020d"`, m.Seq)
	b = append(b, e.customer...)
	b = append(b, `,"datacontenttype":"application/json","data":`...)
	return append(append(b, m.Body...), '}')
}

// sendable parts a batch into what can be sent and what can not, which is refused record by
// record: it would break the batch for the records beside it, or could not be named in a
// receipt.
func sendable(batch []Message) (good []Message, refused []Rejection) {
	for i, m := range batch {
		err := check(m)
		switch {
		case err != nil && good == nil:
			good = append(make([]Message, 0, len(batch)), batch[:i]...)
			fallthrough
		case err != nil:
			refused = append(refused, unsendable(m, err))
		case good != nil:
			good = append(good, m)
		}
	}
	if good == nil {
		return batch, nil
	}
	return good, refused
}

func unsendable(m Message, why error) Rejection {
	return Rejection{m.ID(), Problem{Title: "the record cannot be sent", Detail: why.Error()}}
}

// check looks at the ends of a body only: that it is JSON all through was made sure of when
// it was stored, and the store's checksum says that it still is. To parse it again would
// cost more than everything else that is done to send it.
func check(m Message) error {
	switch {
	case m.Stream == "" || m.Lane == "" || m.Seq == 0:
		return errors.New("it has no identity")
	case !kindName.MatchString(m.Kind):
		return fmt.Errorf("kind %q is not a word of lower-case letters and digits", m.Kind)
	case m.At.Year() < 1 || m.At.Year() > 9999:
		return errors.New("its time cannot be written")
	case len(m.Body) > largestBody:
		return fmt.Errorf("body of %d bytes is over the limit of %d", len(m.Body), largestBody)
	case !isObject(m.Body):
		return errors.New("body is not a JSON object")
	}
	return nil
}

func isObject(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) >= 2 && body[0] == '{' && body[len(body)-1] == '}'
}

// member returns `,"name":"value"`.
func member(name, value string) []byte {
	return appendQuoted([]byte(`,"`+name+`":`), value)
}

// appendQuoted appends s as a JSON string; what is not UTF-8 in it is replaced.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			quoted, _ := json.Marshal(s) // marshalling a string cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
