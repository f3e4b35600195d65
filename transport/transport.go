// Package transport delivers numbered JSON messages to a portal, over HTTPS or
// MQTT, and says what the portal's answer means.
//
// [Dial] checks a [Config] and returns a [Link]; [Link.Send] connects when it has
// to, delivers one batch, waits for the portal's word on every record of it, and
// leaves the decision what to do next to its caller. [Backoff] says how long to wait
// after an error.
//
// The package does not know what a message is about: no copiers, no readings, no
// orders beyond the word a portal says on them. It keeps nothing: a message that was
// not settled by a [Receipt] is the caller's, and is sent again.
package transport

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// A Message is one record as the store keeps it.
type Message struct {
	Stream  string    // identity of the database the record was born in
	Lane    string    // "urgent" or "bulk"; lanes are numbered separately
	Seq     uint64    // number in its lane, from 1, without holes
	Kind    string    // "reading", "order", ...: lower-case letters and digits
	Subject string    // identity of the device; "" if the record is about no device
	At      time.Time // when the record was made
	Body    []byte    // a JSON object, sent byte for byte
}

// ID returns the identity of the record within its agent, the same for ever:
// <stream>-<lane>-<seq>.
func (m Message) ID() string {
	return m.Stream + "-" + m.Lane + "-" + strconv.FormatUint(m.Seq, 10)
}

// A Link delivers batches to one portal. It is safe for concurrent use.
type Link interface {
	// Send delivers a batch and returns the portal's word on it. If it returns an
	// error, nothing of the batch is settled and all of it is to be sent again, since
	// the portal drops what it has already. It returns at the latest when ctx or
	// Config.Timeout ends, and keeps nothing of the batch.
	//
	// A caller needs to tell three kinds of error apart: those that wrap ErrRefused
	// (sending the same batch again is useless: halve it, and set a single record
	// aside), those that wrap ErrUnauthorized (keep everything and slow down), and all
	// others (keep everything and try again after a while, see Backoff). After
	// ErrNoReceipt it does well to send less at a time.
	//
	// An empty batch delivers nothing and asks only whether the portal can be reached
	// and lets us in.
	Send(ctx context.Context, batch []Message) (Receipt, error)

	// Close ends what is being sent and releases the connection. Every later Send
	// returns ErrClosed.
	Close() error
}

// A Receipt is the portal's word on one batch: what is not in Rejected is accepted,
// or was there already.
type Receipt struct {
	Accepted   int // records new to the portal
	Duplicates int // records the portal had already
	Rejected   []Rejection
	Orders     []OrderState // what became of orders, of this batch or of earlier ones
}

// A Rejection says why the portal does not take one record. Sending it again is
// useless until somebody has changed something.
type Rejection struct {
	ID      string // Message.ID
	Problem Problem
}

// An OrderState is the portal's word on one order. A state may be repeated.
type OrderState struct {
	ID    string `json:"id"`    // the order's own id, from its body
	State string `json:"state"` // "accepted", "shipped", "cancelled"; others may come
}

// Secret is text that must not appear in logs, errors or pages.
type Secret string

// String returns "(secret)", so that %v and %s print no secret.
func (s Secret) String() string { return "(secret)" }

// GoString returns "(secret)", so that %#v prints no secret.
func (s Secret) GoString() string { return "(secret)" }

// LogValue returns "(secret)", for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }

// MarshalText returns "(secret)", for JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }
