package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const (
	sealVersion = 1
	sealSize    = 6 // version, flags, checksum
)

var errSeal = errors.New("checksum does not match")

// seal puts a payload into the form in which every value is stored. The checksum
// covers the key, so that a value that turns up under another key is noticed.
func seal(key, payload []byte) []byte {
	value := make([]byte, sealSize, sealSize+len(payload))
	value[0] = sealVersion
	value = append(value, payload...)
	binary.BigEndian.PutUint32(value[2:], checksum(key, value))
	return value
}

// unseal returns the payload, which is part of value.
func unseal(key, value []byte) ([]byte, error) {
	switch {
	case len(value) < sealSize || binary.BigEndian.Uint32(value[2:]) != checksum(key, value):
		return nil, errSeal
	case value[0] != sealVersion || value[1] != 0:
		return nil, errors.New("encoding is unknown")
	}
	return value[sealSize:], nil
}

func checksum(key, value []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli) // made once by the library
	sum := crc32.Update(0, castagnoli, key)
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
