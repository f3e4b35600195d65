package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const (
	sealKeyOnly = 1 // format 1: the checksum covers key and value
	sealVersion = 2 // the checksum covers the bucket's name, too
	sealSize    = 6 // version, flags, checksum
)

// Flags of a sealed value.
const (
	deflated = 1 // its body is packed, as formats 2 and 3 did it (RFC 1951)
	dated    = 2 // it begins with the number of an era
	zipped   = 4 // its body is packed (RFC 8878)
)

var errSeal = errors.New("checksum does not match")

// seal puts a payload into the form in which every value is stored. The checksum
// covers the bucket's name and the key, so that a value that turns up in another
// place is noticed, and one whose place is lost can be recognised.
func seal(bucket string, key []byte, flags byte, payload []byte) []byte {
	return sealed(bucket, key, flags, append(make([]byte, sealSize, sealSize+len(payload)), payload...))
}

// sealed is seal of a payload that has room for the seal before it.
func sealed(bucket string, key []byte, flags byte, value []byte) []byte {
	value[0], value[1] = sealVersion, flags
	binary.BigEndian.PutUint32(value[2:], checksum(bucket, key, value))
	return value
}

// unseal returns the payload, which is part of value, and the flags.
func unseal(bucket string, key, value []byte) (flags byte, payload []byte, err error) {
	switch {
	case len(value) < sealSize || binary.BigEndian.Uint32(value[2:]) != checksum(bucket, key, value):
		return 0, nil, errSeal
	case value[0] > sealVersion || value[1]&^(deflated|dated|zipped) != 0:
		return 0, nil, errors.New("encoding is unknown")
	}
	return value[1], value[sealSize:], nil
}

// unsealPlain is unseal for what is never packed.
func unsealPlain(bucket string, key, value []byte) ([]byte, error) {
	flags, payload, err := unseal(bucket, key, value)
	if err == nil && flags != 0 {
		err = errors.New("encoding is unknown")
	}
	return payload, err
}

func checksum(bucket string, key, value []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli) // made once by the library
	var sum uint32
	if value[0] != sealKeyOnly {
		sum = crc32.Update(0, castagnoli, append([]byte(bucket), 0))
	}
	sum = crc32.Update(sum, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, value[:2])
	return crc32.Update(sum, castagnoli, value[sealSize:])
}

// number is how sequence numbers are stored: as a key, numbers sort by value.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func parseNumber(b []byte) (uint64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}
