package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxReason bounds a destination's words, in bytes.
const maxReason = 16 << 10

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
// and number, at most max records.
func (s *Store) Quarantine(dest string, max int) ([]Quarantined, error) {
	var prefix []byte
	if dest != "" {
		prefix = join(dest, "")
	}
	var list []Quarantined
	err := s.View(func(t *Tx) error {
		for k, v := range scan(t.bucket(quarantineBucket), prefix, nil) {
			if len(list) >= max {
				break
			}
			if q, ok := parseQuarantined(k, v); ok {
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
	key := shelfKey(q.Destination, q.Record.identity())
	_, _, value, err := parseRefusal(key, t.bucket(quarantineBucket).Get(key))
	if err == nil {
		err = t.checkDestination(q.Destination)
	}
	if r := q.Record; err == nil && r.decode(value) != nil {
		err = errors.New("it is damaged on disk")
	}
	if err == nil {
		err = t.bucket(returnedBucket).Put(key, slices.Clone(value))
	}
	if err != nil {
		return fmt.Errorf("retry %s %d for %s: %w", q.Record.Lane, q.Record.Seq, q.Destination, err)
	}
	return t.Drop(q)
}

// Drop deletes a record from quarantine. If it is not there, nothing happens.
func (t *Tx) Drop(q Quarantined) error {
	err := t.bucket(quarantineBucket).Delete(shelfKey(q.Destination, q.Record.identity()))
	if err != nil {
		return fmt.Errorf("drop %s %d for %s: %w", q.Record.Lane, q.Record.Seq, q.Destination, err)
	}
	return nil
}

// quarantine keeps a record as it is stored, with the reason.
func (t *Tx) quarantine(dest string, id identity, reason json.RawMessage, value []byte) error {
	reason = bounded(reason)
	payload := binary.AppendVarint(nil, time.Now().UnixMicro())
	payload = binary.AppendUvarint(payload, uint64(len(reason)))
	payload = append(append(payload, reason...), value...)
	key := shelfKey(dest, id)
	return t.bucket(quarantineBucket).Put(key, seal(key, payload))
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
func parseQuarantined(key, value []byte) (q Quarantined, ok bool) {
	q.Destination, q.Record, ok = parseShelfKey(key)
	at, reason, stored, err := parseRefusal(key, value)
	if err != nil {
		q.Damaged, q.Reason = true, damagedReason()
		return q, ok
	}
	q.At, q.Reason = at, reason
	q.Damaged = q.Record.decode(stored) != nil
	return q, ok
}

// parseRefusal takes apart what quarantine put together; reason is a copy.
func parseRefusal(key, value []byte) (at time.Time, reason, record []byte, err error) {
	if value == nil {
		return time.Time{}, nil, nil, errors.New("it is not in quarantine")
	}
	payload, err := unseal(key, value)
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

// shelfKey is the key in quarantine and in returned.
func shelfKey(dest string, id identity) []byte {
	return append(join(dest, id.lane, id.stream, ""), number(id.seq)...)
}

// parseShelfKey returns the destination and a record with its identity.
func parseShelfKey(key []byte) (dest string, r Record, ok bool) {
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
