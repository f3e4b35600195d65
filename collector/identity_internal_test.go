package collector

import (
	"strings"
	"testing"
)

// parse makes a harvest of recorded lines: all of what RFC 3805 knows of them.
func parse(t *testing.T, lines ...string) harvest {
	t.Helper()
	rec, err := ParseRecording(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	found, l := harvest{}, startingLimits()
	if err := walkAll(t.Context(), rec, usualSpans(), found, &l, nil); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestManufacturerAndModel(t *testing.T) {
	const ricoh, kyocera, hp, epson, brother, lexmark = "1.3.6.1.4.1.367.1.1", "1.3.6.1.4.1.1347.41", "1.3.6.1.4.1.11.2.3.9.1",
		"1.3.6.1.4.1.1248.1.1.2.1", "1.3.6.1.4.1.2435.2.3.9.1", "1.3.6.1.4.1.641.2.1"
	for _, c := range []struct {
		id                  identity
		manufacturer, model string
	}{
		{identity{sysDescr: "Canon iR-ADV C9001 /P", sysObjectID: "1.3.6.1.4.1.1602.4.7"}, "Canon", "iR-ADV C9001"},
		{identity{sysDescr: "Canon iR-ADV C9001 /P, FW 1.2", hrDescr: "Canon iR-ADV C9001"}, "Canon", "iR-ADV C9001"},
		{identity{sysDescr: "RICOH MP C9003 1.35 / RICOH Network Printer C model / RICOH Network Scanner C model", sysObjectID: ricoh}, "Ricoh", "MP C9003"},
		{identity{sysDescr: "LANIER MP C9001/LD999C 2.01 / LANIER Network Printer C model", sysObjectID: ricoh}, "Lanier", "MP C9001/LD999C"},
		{identity{sysDescr: "KYOCERA Document Solutions Printing System", hrDescr: "ECOSYS P9040dn", sysObjectID: kyocera}, "Kyocera", "ECOSYS P9040dn"},
		{identity{sysDescr: "HP ETHERNET MULTI-ENVIRONMENT,ROM J.sp.00,JETDIRECT EX", sysObjectID: kyocera}, "Kyocera", ""},
		{identity{sysDescr: "HP ETHERNET MULTI-ENVIRONMENT,SN:X,FN:Y,SVCID:1,PID:HP Color LaserJet M999", sysObjectID: hp}, "HP", "Color LaserJet M999"},
		{identity{sysDescr: "HP ETHERNET MULTI-ENVIRONMENT"}, "HP", ""},
		{identity{sysDescr: "EPSON Built-in 11b/g/n & 10/100 Print Server", hrDescr: "EPSON WF-C99000 Series", sysObjectID: epson}, "Epson", "WF-C99000"},
		{identity{sysDescr: "EPSON Built-in 11b/g/n & 10/100 Print Server", name: "WF-C99000 Series", sysObjectID: epson}, "Epson", "WF-C99000"},
		{identity{sysDescr: "Brother NC-9999w, Firmware Ver.Y", hrDescr: "Brother HL-L9999CDW series", sysObjectID: brother}, "Brother", "HL-L9999CDW"},
		{identity{sysDescr: "OKI OkiLAN 8500e Rev.01 10/100BASE Ethernet PrintServer: Attached to MC999 Rev.02 : Copyright"}, "OKI", "MC999"},
		{identity{sysDescr: "TOSHIBA e-STUDIO999CS version NH63 kernel 3.0.0", sysObjectID: lexmark}, "Toshiba", "e-STUDIO999CS"},
		{identity{sysDescr: "Xerox Testcentre 9900; System 1.2", sysObjectID: "1.3.6.1.4.1.253.8.62.1"}, "Xerox", "Testcentre 9900"},
		{identity{sysDescr: "Samsung ML-9850 Series OS 1.01 02-10-2010;Engine 1.0"}, "Samsung", "ML-9850"},
		{identity{sysDescr: "TA_UTAX Printing System", hrDescr: "P-9999DN", sysObjectID: kyocera}, "Kyocera", "P-9999DN"},
		{identity{sysDescr: "KONICA MINOLTA bizhub C999i", name: "front desk"}, "Konica Minolta", "bizhub C999i"},
		{identity{sysDescr: "Hewlett-Packard LaserJet 9"}, "HP", "LaserJet 9"},
		{identity{sysDescr: "KONICA MINOLTA bizhub C9110", hrDescr: "Generic 99C-1"}, "Konica Minolta", "bizhub C9110"},
		{identity{sysDescr: "Acme Print Server", hrDescr: "Generic 99C-1", name: "front desk"}, "", "Generic 99C-1"},
		{identity{hrDescr: "OKI DATA CORP B999", sysObjectID: "1.3.6.1.4.1.2001.1.1.1.297.93.1"}, "OKI", "B999"},
		{identity{hrDescr: "Kyocera Mita FS-9999DN"}, "Kyocera", "FS-9999DN"},
		{identity{hrDescr: "TA Triumph-Adler DCC 2999"}, "Triumph-Adler", "DCC 2999"},
		{identity{hrDescr: "UTAX_TA 9999ci"}, "Utax", "9999ci"},
		{identity{sysDescr: "Lexmark International MX999 version 1"}, "Lexmark", "MX999"},
		{identity{sysDescr: "HPX 3000"}, "", "HPX 3000"},
		{identity{name: "front desk"}, "", "front desk"},
		{identity{}, "", ""},
	} {
		if got := c.id.manufacturer(); got != c.manufacturer {
			t.Errorf("%+v: manufacturer %q, want %q", c.id, got, c.manufacturer)
		}
		if got := c.id.model(); got != c.model {
			t.Errorf("%+v: model %q, want %q", c.id, got, c.model)
		}
	}
}

func TestMAC(t *testing.T) {
	const typ, address = ifType + ".", ifPhysAddress + "."
	for _, c := range []struct {
		want  string
		lines []string
	}{
		{"02:00:5e:10:00:01", []string{typ + "1|2|6", address + "1|4x|02005e100001"}},
		{"aa:bb:cc:dd:ee:ff", []string{address + "1|4x|aabbccddeeff"}},
		{"02:00:5e:10:00:02", []string{typ + "1|2|24", typ + "2|2|6", address + "1|4x|02005e100001", address + "2|4x|02005e100002"}},
		{"02:00:5e:10:00:03", []string{address + "1|4|", address + "2|4x|000000000000", address + "3|4x|ffffffffffff", address + "7|4x|02005e100003"}},
		{"88:51:fb:00:00:01", []string{address + "2|4|88:51:FB:00:00:01"}},
		{"", []string{address + "1|4|eth0", address + "2|4x|0102", address + "3|2|5"}},
		{"", []string{sysDescr + ".0|4|copier"}},
	} {
		if got := parse(t, c.lines...).mac(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.lines, got, c.want)
		}
	}
}

func TestSerial(t *testing.T) {
	for text, want := range map[string]string{
		"tst00001": "TST00001", "0042": "0042", "": "", "0000000000": "", "XXXXXXXX": "", "unknown": "", "N/A": "", "----": "", "X1": "X1",
		"Not available": "", "(null)": "", "11111111": "", "abc12345ÿÿÿÿ": "ABC12345", "ÿÿÿÿ": "", "00ABC": "00ABC",
		"S/N: abc 123": "ABC 123", "SN:X7": "X7", "Serial No. 55A": "55A", "SN12345": "SN12345", "S/N": "",
	} {
		if got := serial(text); got != want {
			t.Errorf("serial(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDeviceID(t *testing.T) {
	for want, d := range map[string]Device{
		"TST00001":                   {Serial: "TST00001", Manufacturer: "Canon", MAC: "02:00:5e:10:00:01"},
		"Canon:C1:02:00:5e:10:00:01": {Manufacturer: "Canon", Model: "C1", MAC: "02:00:5e:10:00:01"},
		"":                           {Manufacturer: "Canon", Model: "C1"},
	} {
		if got := deviceID(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
