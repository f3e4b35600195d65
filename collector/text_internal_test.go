package collector

import (
	"strings"
	"testing"
)

func TestPlainText(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		charset   int64
		want      string
	}{
		{"ASCII", "Black Toner", 106, "Black Toner"},
		{"trimmed", "  Ready \x00\x00", 106, "Ready"},
		{"NUL inside", "a\x00b", 0, "ab"},
		{"controls", "\x1b[1mJam\x07\x7f", 0, "[1mJam"},
		{"lines", "Fuser\r\n(unit)\tnew", 0, "Fuser (unit) new"},
		{"UTF-8 declared as something else", "黑色碳粉", 5, "黑色碳粉"},
		{"UTF-8 with a direction mark", "a\u202eb", 106, "ab"},
		{"Latin-1 undeclared", "Z\xfcrich", 0, "Zürich"},
		{"Latin-1 declared as UTF-8", "Z\xfcrich", 106, "Zürich"},
		{"ISO-8859-2", "\xb3\xf3d\xbc", 5, "łódź"},
		{"ISO-8859-15", "5 \xa4", 111, "5 €"},
		{"windows-1250", "\x9elut\xe1", 2250, "žlutá"},
		{"windows-1251", "\xd2\xee\xed\xe5\xf0", 2251, "Тонер"},
		{"Shift_JIS", "\x8d\x95", 17, "黒"},
		{"Windows-31J", "\x83g\x83i\x81[", 2024, "トナー"},
		{"EUC-JP", "\xa5\xc8\xa5\xca\xa1\xbc", 18, "トナー"},
		{"IBM850", "gr\x81n", 2009, "grün"},
		{"IBM437", "gr\x81n", 2011, "grün"},
		{"IBM852", "\xa7lut\xa0", 2010, "žlutá"},
		{"IBM866", "\x92\xae\xad\xa5\xe0", 2086, "Тонер"},
		{"KOI8-R", "\xf4\xcf\xce\xc5\xd2", 2084, "Тонер"},
		{"windows-874", "\xcb\xc1\xd6\xa1", 2109, "หมึก"},
		{"UTF-16BE", "\x00T\x00\xfc\x30\xc8", 1013, "Tüト"},
		{"UTF-16LE", "T\x00\xfc\x00", 1014, "Tü"},
		{"ASCII as UTF-16", "\x00T\x00o\x00n\x00e\x00r", 106, "Toner"},
		{"not even Shift_JIS", "\xff\xfe\xe9", 17, "ÿþé"},
		{"unknown character set", "caf\xe9", 9999, "café"},
		{"HP Roman-8", "f\xcfr \xd8\xc5rger\xff", 2004, "für Äérger\ufffd"},
		{"empty", "", 106, ""},
	} {
		if got := plainText(c.raw, c.charset); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDescription(t *testing.T) {
	for raw, want := range map[string]string{
		"546F6E657220426C61636B":           "Toner Black",
		"54 6F 6E 65 72":                   "Toner",
		"4D61696E74656E616E636520426F7800": "Maintenance Box",
		"43324421":                         "43324421", // a part number
		"4332 4421":                        "4332 4421",
		"DEADBEEF":                         "DEADBEEF",
		"ABCDEF01":                         "ABCDEF01",
		"0C 0D 0E 0F":                      "0C 0D 0E 0F",
		"TK-8517C":                         "TK-8517C",
		"":                                 "",
	} {
		if got := description(raw, 106); got != want {
			t.Errorf("description(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestPartAndSerialNumber(t *testing.T) {
	for text, want := range map[string][2]string{
		"Black Toner, PN 006R00001;SN0123456789A": {"006R00001", "0123456789A"},
		"Fuser, PN unknown;SNunknown":             {"", ""},
		"Toner S/N:CRUM-0123":                     {"", "CRUM-0123"},
		"Toner, PN 006R00001;SN12345b80e00004d6":  {"006R00001", "12345b80e00004d6"},
		"Toner SN123 full":                        {"", "123"},
		"Cyan Cartridge HP CF000X":                {"CF000X", ""},
		"P/N: 99-1 S/N 7":                         {"99-1", "7"},
		"SPN1 toner":                              {"", ""},
		"HP LaserJet":                             {"", ""},
		"":                                        {"", ""},
	} {
		got := [2]string{partNumber(text), serialNumber(text)}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	rec, err := ParseRecording(strings.NewReader("1.3.6.1.2.1.1.1.0|4|" + strings.Repeat("x", 60000)))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(rec.variables[0].text); got != maxOctets {
		t.Errorf("got %d octets, want %d", got, maxOctets)
	}
}
