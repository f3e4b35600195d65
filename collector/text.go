package collector

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	utf16 "golang.org/x/text/encoding/unicode"
)

// plainText turns the octets of a string object into text for people: decoded,
// without NULs and control characters, on one line, trimmed. charset is the
// MIBenum of prtLocalizationCharacterSet, 0 if the device told none.
//
// What is valid UTF-8 is taken for it whatever the device says, since text in
// another character set is hardly ever valid UTF-8 by chance. What no character
// set decodes is taken for Latin-1, of which every octet is a character.
func plainText(raw string, charset int64) string {
	if charset == hpRoman8 && !utf8.ValidString(raw) {
		raw = roman8(raw)
	}
	if !utf8.ValidString(raw) {
		decoded, err := characters(charset).NewDecoder().String(raw)
		if err != nil || strings.ContainsRune(decoded, utf8.RuneError) {
			decoded, _ = charmap.ISO8859_1.NewDecoder().String(raw)
		}
		raw = decoded
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case r != '\r' && unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, raw)
	return strings.TrimSpace(text)
}

// hpRoman8 is the MIBenum of the character set of HP's devices.
const hpRoman8 = 2004

// roman8 decodes HP's Roman-8 (RFC 1345, hp-roman8).
func roman8(raw string) string {
	const upper = "\u00a0ÀÂÈÊËÎÏ´ˋˆ¨˜ÙÛ₤¯Ýý°ÇçÑñ¡¿¤£¥§ƒ¢âêôûáéóúàèòùäëöüÅîØÆåíøæÄìÖÜÉïßÔ" +
		"ÁÃãÐðÍÌÓÒÕõŠšÚŸÿÞþ·µ¶¾—¼½ªº«■»±\ufffd" // from 160 on
	letters := []rune(upper)
	var b strings.Builder
	for _, octet := range []byte(raw) {
		if octet < 0xa0 {
			b.WriteByte(octet & 0x7f)
			continue
		}
		b.WriteRune(letters[octet-0xa0])
	}
	return b.String()
}

// characters returns the character set with a MIBenum of the IANA registry.
func characters(mibEnum int64) encoding.Encoding {
	latin := []encoding.Encoding{ // ISO-8859-2 to -10 are 5 to 13
		charmap.ISO8859_2, charmap.ISO8859_3, charmap.ISO8859_4, charmap.ISO8859_5, charmap.ISO8859_6,
		charmap.ISO8859_7, charmap.ISO8859_8, charmap.ISO8859_9, charmap.ISO8859_10,
	}
	windows := []encoding.Encoding{ // windows-1250 to -1258 are 2250 to 2258
		charmap.Windows1250, charmap.Windows1251, charmap.Windows1252, charmap.Windows1253, charmap.Windows1254,
		charmap.Windows1255, charmap.Windows1256, charmap.Windows1257, charmap.Windows1258,
	}
	switch {
	case mibEnum >= 5 && mibEnum <= 13:
		return latin[mibEnum-5]
	case mibEnum >= 2250 && mibEnum <= 2258:
		return windows[mibEnum-2250]
	}
	switch mibEnum {
	case 17, 2024: // Shift_JIS, Windows-31J
		return japanese.ShiftJIS
	case 18:
		return japanese.EUCJP
	case 109:
		return charmap.ISO8859_13
	case 110:
		return charmap.ISO8859_14
	case 111:
		return charmap.ISO8859_15
	case 112:
		return charmap.ISO8859_16
	case 1000, 1013, 1015: // ISO-10646-UCS-2, UTF-16BE, UTF-16
		return utf16.UTF16(utf16.BigEndian, utf16.UseBOM)
	case 1014: // UTF-16LE
		return utf16.UTF16(utf16.LittleEndian, utf16.UseBOM)
	case 2009, 2089: // IBM850, IBM00858
		return charmap.CodePage858
	case 2010:
		return charmap.CodePage852
	case 2011:
		return charmap.CodePage437
	case 2084:
		return charmap.KOI8R
	case 2086:
		return charmap.CodePage866
	case 2109:
		return charmap.Windows874
	}
	return charmap.ISO8859_1
}

// description is plainText for a supply's description, which some devices send as
// the hexadecimal digits of the text: "546F6E6572" or "54 6F 6E 65 72". A number
// that only looks so, such as a part number, stays as it is: without blanks at
// least one digit must be a letter, and what comes out must be letters in the main.
func description(raw string, charset int64) string {
	text := plainText(raw, charset)
	digits := strings.ReplaceAll(text, " ", "")
	spaced := len(text) == len(digits)/2*3-1
	if len(digits) < 8 || !spaced && (len(digits) != len(text) || !strings.ContainsAny(digits, "abcdefABCDEF")) {
		return text
	}
	octets, err := hex.DecodeString(digits)
	if err != nil || !utf8.Valid(octets) {
		return text
	}
	letters := 0
	for _, c := range octets {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf || c == ' ':
			letters++
		case c < ' ' && c != 0 || c == 0x7f:
			return text
		}
	}
	if letters*3 < len(octets)*2 {
		return text
	}
	return plainText(string(octets), charset)
}

// partNumber and serialNumber return what a supply's description tells of them, as in
// "Black Toner, PN 006R00001;SN0123456789", "Toner S/N:CRUM-0123" and "Cyan Cartridge HP CF000X".
// RFC 3805 has no objects for them.
func partNumber(description string) string   { return numberAfter(description, "", "PN", "P/N", "HP ") }
func serialNumber(description string) string { return numberAfter(description, "abcdef", "SN", "S/N") }

// numberAfter returns the number after one of the marks, "" if there is none. It is of
// capitals, digits, dashes and some small letters, such as those of Xerox's hexadecimal
// serial numbers, with a digit at least.
func numberAfter(text, small string, marks ...string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, mark := range marks {
		before, rest, _ := strings.Cut(text, mark)
		if before != strings.TrimRight(before, letters) {
			continue // the end of a longer word
		}
		rest = strings.TrimLeft(rest, ": ")
		number := rest[:len(rest)-len(strings.TrimLeft(rest, letters+small+"0123456789-"))]
		if strings.ContainsAny(number, "0123456789") {
			return number
		}
	}
	return ""
}
