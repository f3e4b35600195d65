package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
)

const (
	maxReason = 16 << 10 // bytes of a destination's words
	maxListed = 10_000   // records
)

// Quarantined is a record that one destination refused. It is out of the way of
// the others, and kept until a person decides.
type Quarantined struct {
	Destination string
	Reason      json.RawMessage
	At          time.Time // when it was refused, by this machine's clock, UTC
	Record      Record    // only the identity, if Damaged
	Damaged     bool      // what is on disk is not what was written: it can only be dropped
}

// Quarantine lists what dest refused, or every destination if dest is "", by lane
// and number, but not more than 10,000 records.
func (s *Store) Quarantine(dest string) ([]Quarantined, error) {
	var prefix []byte
	if dest != "" {
		prefix = join(dest, "")
	}
	var list []Quarantined
	err := s.View(func(t *Tx) error {
		for k, v := range scan(t.bucket(quarantineBucket), prefix, nil) {
			if len(list) == maxListed {
				break
			}
			if q, ok := t.parseQuarantined(k, v); ok {
				q.Record.Body = bytes.Clone(q.Record.Body)
				list = append(list, q)
			}
		}
		return nil
	})
	return list, err
}

// Retry takes a record out of quarantine to be sent again, as it was, before what
// waits in its lane. Its destination must be configured.
func (t *Tx) Retry(q Quarantined) error {
	if err := t.retry(q.Destination, q.Record); err != nil {
		return fmt.Errorf("retry %s %d for %s: %w", q.Record.Lane, q.Record.Seq, q.Destination, err)
	}
	return t.Drop(q)
}

func (t *Tx) retry(dest string, r Record) error {
	if err := t.check(dest, r.Lane); err != nil {
		return err
	}
	key := quarantineKey(dest, r)
	_, _, value, err := parseRefusal(key, t.bucket(quarantineBucket).Get(key))
	if err != nil {
		return err
	}
	if r.decode(&t.store.packer, value) != nil {
		return errors.New("it is damaged on disk")
	}
	return t.sendAgain(dest, r, value)
}

// sendAgain puts a record, as it is stored, behind those that dest shall get again.
func (t *Tx) sendAgain(dest string, r Record, value []byte) error {
	returned := t.bucket(returnedBucket)
	place, err := returned.NextSequence()
	if err != nil {
		return err
	}
	key := append(join(dest, r.Lane, ""), number(place)...)
	payload := appendText(nil, r.Stream)
	payload = append(append(payload, number(r.Seq)...), value...)
	return returned.Put(key, seal(returnedBucket, key, 0, payload))
}

// Drop deletes a record from quarantine. If it is not there, nothing happens.
func (t *Tx) Drop(q Quarantined) error {
	err := t.bucket(quarantineBucket).Delete(quarantineKey(q.Destination, q.Record))
	if err != nil {
		return fmt.Errorf("drop %s %d for %s: %w", q.Record.Lane, q.Record.Seq, q.Destination, err)
	}
	return nil
}

// returned yields what dest shall get again, in the order people said so: each
// record's identity and its stored value.
func (t *Tx) returned(dest, lane string) iter.Seq2[Record, []byte] {
	return func(yield func(Record, []byte) bool) {
		for k, v := range scan(t.bucket(returnedBucket), join(dest, lane, ""), nil) {
			if r, value, ok := parseReturned(lane, k, v); ok && !yield(r, value) {
				return
			}
		}
	}
}

// parseReturned takes apart what retry put together.
func parseReturned(lane string, key, value []byte) (r Record, record []byte, ok bool) {
	payload, err := unsealPlain(returnedBucket, key, value)
	if err != nil {
		return Record{}, nil, false
	}
	stream, rest, ok := cutText(payload, maxName)
	if !ok || len(rest) < 8 {
		return Record{}, nil, false
	}
	seq, ok := parseNumber(rest[:8])
	return Record{Stream: stream, Lane: lane, Seq: seq}, rest[8:], ok
}

// quarantine keeps a record as it is stored, with the reason.
func (t *Tx) quarantine(dest string, r Record, reason json.RawMessage, value []byte) error {
	reason = bounded(reason)
	payload := binary.AppendVarint(nil, time.Now().UnixMicro())
	payload = appendText(payload, string(reason))
	payload = append(payload, value...)
	key := quarantineKey(dest, r)
	return t.bucket(quarantineBucket).Put(key, seal(quarantineBucket, key, 0, payload))
}

// bounded makes valid JSON of what came over the network.
func bounded(reason json.RawMessage) json.RawMessage {
	if len(reason) <= maxReason && json.Valid(reason) {
		return reason
	}
	text, err := json.Marshal(string(reason[:min(len(reason), maxReason/8)]))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return text
}

func damagedReason() json.RawMessage {
	return json.RawMessage(`{"title":"the record is damaged on disk and was not sent"}`)
}

// parseQuarantined is not ok if not even the key can be read.
func (t *Tx) parseQuarantined(key, value []byte) (q Quarantined, ok bool) {
	q.Destination, q.Record, ok = parseQuarantineKey(key)
	at, reason, stored, err := parseRefusal(key, value)
	if err != nil {
		q.Damaged, q.Reason = true, damagedReason()
		return q, ok
	}
	q.At, q.Reason = at, reason
	q.Damaged = q.Record.decode(&t.store.packer, stored) != nil
	return q, ok
}

// parseRefusal takes apart what quarantine put together; reason is a copy.
func parseRefusal(key, value []byte) (at time.Time, reason, record []byte, err error) {
	if value == nil {
		return time.Time{}, nil, nil, errors.New("it is not in quarantine")
	}
	payload, err := unsealPlain(quarantineBucket, key, value)
	if err != nil {
		return time.Time{}, nil, nil, err
	}
	micros, n := binary.Varint(payload)
	if n <= 0 {
		return time.Time{}, nil, nil, errors.New("time is cut short")
	}
	text, rest, ok := cutText(payload[n:], maxReason)
	if !ok {
		return time.Time{}, nil, nil, errors.New("reason is cut short")
	}
	return time.UnixMicro(micros).UTC(), []byte(text), rest, nil
}

func quarantineKey(dest string, r Record) []byte {
	return append(join(dest, r.Lane, r.Stream, ""), number(r.Seq)...)
}

func parseQuarantineKey(key []byte) (dest string, r Record, ok bool) {
	names := bytes.SplitN(key, []byte{0}, 4)
	if len(names) < 4 {
		return "", Record{}, false
	}
	seq, ok := parseNumber(names[3])
	return string(names[0]), Record{Lane: string(names[1]), Stream: string(names[2]), Seq: seq}, ok
}

// firstName is the destination in a key.
func firstName(key []byte) string {
	name, _, _ := bytes.Cut(key, []byte{0})
	return string(name)
}
