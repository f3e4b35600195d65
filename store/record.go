package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The lanes. Each is a queue with its own numbers; a destination gets both.
const (
	Urgent = "urgent" // orders, service alerts, replacements: what must not wait behind a backlog
	Bulk   = "bulk"   // readings, inventory, heartbeats
)

func lanes() []string { return []string{Urgent, Bulk} }

// MaxBody is the size of the largest body, and of the largest keyed value, in bytes.
const MaxBody = 1 << 20

const (
	maxName    = 64   // bytes: destination, stream, kind, bucket
	maxSubject = 255  // bytes
	maxKey     = 1024 // bytes: key of a keyed value
)

// A Record is one message to the world: what it is about and a JSON body that
// nobody changes any more. Stream, Lane and Seq together are its identity.
type Record struct {
	Stream  string    // id of the file that numbered it
	Lane    string    // Urgent or Bulk
	Seq     uint64    // from 1, without holes in one stream and lane
	Kind    string    // what Body is, such as "reading.v1"; at most 64 bytes
	Subject string    // what it is about, such as a serial number; may be empty; at most 255 bytes
	At      time.Time // when it happened; kept to the microsecond, in UTC
	Era     uint64    // whatever the caller counts, such as how often the clock was set; see Store.SetEra
	Body    []byte    // JSON, at most MaxBody bytes
}

// A Packed is a record whose body is still as it lies in the file. To unpack it takes most
// of the time of reading, and so is left to whoever needs it, when that is.
type Packed struct {
	Record        // without Body
	Again  bool   // it was passed already, and is to be sent again
	stored []byte // the body
	flags  byte
	size   int
	packer *packer
}

// Size is how long the body is, in bytes: about, if a version before format 4 packed it.
func (p Packed) Size() int { return p.size }

// Held is how much of it lies in memory as long as it is packed, in bytes.
func (p Packed) Held() int { return len(p.stored) }

// AppendBody appends the body. It fails if that cannot be unpacked; then the record is not
// to be settled with the others, and so ends in quarantine.
func (p Packed) AppendBody(to []byte) ([]byte, error) {
	return p.packer.unpack(to, p.stored, p.flags)
}

// check says what is wrong with a record that comes from a caller, but for its body's JSON.
func (r Record) check() error {
	switch {
	case r.Lane != Urgent && r.Lane != Bulk:
		return fmt.Errorf("there is no lane %q", r.Lane)
	case !isName(r.Kind):
		return fmt.Errorf("kind %q is not a name", r.Kind)
	case len(r.Subject) > maxSubject || !utf8.ValidString(r.Subject):
		return fmt.Errorf("subject %q is not a text of at most %d bytes", r.Subject, maxSubject)
	case len(r.Body) > MaxBody:
		return fmt.Errorf("body has %d bytes, more than %d", len(r.Body), MaxBody)
	}
	return nil
}

// isName reports whether s can stand in a key, which is taken apart at zero bytes,
// and in the name of a bucket, which is taken apart at slashes.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) &&
		!strings.ContainsRune(s, '/') && !strings.ContainsFunc(s, unicode.IsControl)
}

// encode makes the stored value. Stream, Lane and Seq are not in it, but its checksum
// covers them: they are where it lies.
func (r Record) encode(p *packer) []byte {
	value := make([]byte, sealSize, sealSize+4*binary.MaxVarintLen64+len(r.Kind)+len(r.Subject)+min(len(r.Body), packFrom))
	var flags byte
	if r.Era != 0 {
		flags = dated
		value = binary.AppendUvarint(value, r.Era)
	}
	value = binary.AppendVarint(value, r.At.UnixMicro())
	value = appendText(value, r.Kind)
	value = appendText(value, r.Subject)
	value, packed := p.pack(value, r.Body)
	return sealed(laneBucket(r.Lane, r.Stream), number(r.Seq), flags|packed, value)
}

// decode fills in what encode stored; the identity must be set.
func (r *Record) decode(p *packer, value []byte) error {
	flags, err := r.decodeHead(value)
	if err == nil {
		r.Body, err = p.unpack(nil, r.Body, flags)
	}
	return err
}

// decodeHead is decode, but Body stays as it is stored, in the way flags say: part of
// value, which is valid only within the transaction.
func (r *Record) decodeHead(value []byte) (flags byte, err error) {
	flags, payload, err := unseal(laneBucket(r.Lane, r.Stream), number(r.Seq), value)
	if err != nil {
		return 0, err
	}
	era, payload, ok := cutEra(flags, payload)
	if !ok {
		return 0, errors.New("era is cut short")
	}
	micros, n := binary.Varint(payload)
	if n <= 0 {
		return 0, errors.New("time is cut short")
	}
	kind, rest, ok := cutText(payload[n:], maxName)
	if !ok {
		return 0, errors.New("kind is cut short")
	}
	subject, rest, ok := cutText(rest, maxSubject)
	if !ok {
		return 0, errors.New("subject is cut short")
	}
	r.At, r.Kind, r.Subject, r.Body, r.Era = time.UnixMicro(micros).UTC(), kind, subject, rest, era
	return flags, nil
}

// recordTime is the time of a stored record whose checksum is right, as far as it can
// be told.
func recordTime(value []byte) time.Time {
	if len(value) < sealSize {
		return time.UnixMicro(0)
	}
	_, payload, _ := cutEra(value[1], value[sealSize:])
	micros, _ := binary.Varint(payload)
	return time.UnixMicro(micros)
}

// cutEra takes the number of the era off a payload, if it has one.
func cutEra(flags byte, payload []byte) (era uint64, rest []byte, ok bool) {
	if flags&dated == 0 {
		return 0, payload, true
	}
	era, n := binary.Uvarint(payload)
	if n <= 0 {
		return 0, nil, false
	}
	return era, payload[n:], true
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutText(b []byte, limit uint64) (text string, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > limit || size > uint64(len(b)-n) {
		return "", nil, false
	}
	end := n + int(size)
	return string(b[n:end]), b[end:], true
}
