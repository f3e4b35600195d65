package config

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// plain turns what Windows editors write into UTF-8 without a byte order mark. The
// numbers are those of the lines that are in some other encoding; their odd bytes
// are replaced.
func plain(data []byte) (clean []byte, odd []int) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		data = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		data = fromUTF16(data[2:], binary.BigEndian)
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) || bytes.ContainsFunc(line, isControl) {
			odd = append(odd, i+1)
		}
	}
	if odd != nil {
		data = bytes.Map(func(r rune) rune {
			if isControl(r) && r != '\n' {
				return -1
			}
			return r
		}, data) // which also replaces what is not UTF-8
	}
	return data, odd
}

// isControl says whether a character is none that anybody types into a line.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}
