package simulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

// every tag, out of order, with Windows line ends, bars and blanks in a value
const recording = "# a comment\r\n" +
	"1.3.6.1.2.1.43.11.1.1.9.1.1|2|-3\r\n" +
	"1.3.6.1.2.1.1.1.0|4| a|b | c \r\n" +
	"\r\n" +
	"1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.1602.4.7\r\n" +
	"1.3.6.1.2.1.1.3.0|67|360000\r\n" +
	".1.3.6.1.2.1.1.5.0|4|\r\n" +
	"1.3.6.1.2.1.2.2.1.6.1|4x|00ff0a\r\n" +
	"1.3.6.1.2.1.2.2.1.10.1|65|4294967295\r\n" +
	"1.3.6.1.2.1.2.2.1.5.1|66|100\r\n" +
	"1.3.6.1.2.1.4.20.1.1.192.0.2.1|64|192.0.2.1\r\n" +
	"1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615\r\n" +
	"1.3.6.1.2.1.31.1.1.1.7.1|5|\r\n"

func TestRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := simulator.FromRecording(strings.NewReader(recording))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got := decode(t, c.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest,
			".1.3.6.1.2.1.1.1.0", ".1.3.6.1.2.1.1.2.0", ".1.3.6.1.2.1.1.3.0", ".1.3.6.1.2.1.1.5.0",
			".1.3.6.1.2.1.2.2.1.5.1", ".1.3.6.1.2.1.2.2.1.6.1", ".1.3.6.1.2.1.2.2.1.10.1",
			".1.3.6.1.2.1.4.20.1.1.192.0.2.1", ".1.3.6.1.2.1.31.1.1.1.6.1", ".1.3.6.1.2.1.31.1.1.1.7.1",
			".1.3.6.1.2.1.43.11.1.1.9.1.1", ".1.3.6.1.2.1.43.11.1.1.9.1.2")))
		type pdu struct {
			Type  gosnmp.Asn1BER
			Value any
		}
		var values []pdu
		for _, p := range got.Variables {
			values = append(values, pdu{p.Type, p.Value})
		}
		want := []pdu{
			{gosnmp.OctetString, []byte(" a|b | c ")},
			{gosnmp.ObjectIdentifier, ".1.3.6.1.4.1.1602.4.7"},
			{gosnmp.TimeTicks, uint32(366_000)}, // a minute later
			{gosnmp.OctetString, []byte{}},
			{gosnmp.Gauge32, uint(100)},
			{gosnmp.OctetString, []byte{0x00, 0xff, 0x0a}},
			{gosnmp.Counter32, uint(4294967295)},
			{gosnmp.IPAddress, "192.0.2.1"},
			{gosnmp.Counter64, uint64(18446744073709551615)},
			{gosnmp.Null, nil},
			{gosnmp.Integer, -3},
			{gosnmp.NoSuchInstance, nil},
		}
		if d := cmp.Diff(want, values); d != "" {
			t.Error(d)
		}
	})
}

// Version 1 has no Counter64: GETNEXT steps over it, GET does not find it.
func TestCounter64InVersion1(t *testing.T) {
	c, err := simulator.FromRecording(strings.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, c.Answer(packet(t, gosnmp.Version1, "public", gosnmp.GetNextRequest, ".1.3.6.1.2.1.31")))
	if got.Variables[0].Name != ".1.3.6.1.2.1.31.1.1.1.7.1" {
		t.Errorf("GETNEXT found %s", got.Variables[0].Name)
	}
	got = decode(t, c.Answer(packet(t, gosnmp.Version1, "public", gosnmp.GetRequest, ".1.3.6.1.2.1.31.1.1.1.6.1")))
	if got.Error != gosnmp.NoSuchName {
		t.Errorf("GET answers %v", got.Error)
	}
}

func TestBadRecordings(t *testing.T) {
	for text, want := range map[string]string{
		"1.3.6.1|4":                             `recording: line 1: it must be "OID|tag|value"`,
		"\n# x\n1.3.6.x|4|a":                    "recording: line 3: an object name is made of numbers and dots",
		"1|4|a":                                 "recording: line 1: an object name has 2 to 128 numbers",
		"1.40.1|4|a":                            "recording: line 1: an object name begins with 0, 1 or 2, and its second number is below 40",
		"1.3.6|7|a":                             `recording: line 1: tag "7" is not one of 2, 4, 4x, 5, 6, 64, 65, 66, 67, 70`,
		"1.3.6|64|::1":                          "recording: line 1: the value is no IPv4 address",
		"1.3.6|2|x":                             `recording: line 1: the value does not fit its tag: strconv.ParseInt: parsing "x": invalid syntax`,
		"1.3.6|4x|0":                            "recording: line 1: the value does not fit its tag: encoding/hex: odd length hex string",
		"1.3.6|4|a\n1.3.7|4|b\n1.3.6|4|c":       "recording: 1.3.6 is there twice",
		"1.3.6|4|" + strings.Repeat("a", 1<<20): "recording: bufio.Scanner: token too long",
		"1.3.6" + strings.Repeat(".1", 200) + "|4|": "recording: line 1: an object name has 2 to 128 numbers",
	} {
		_, err := simulator.FromRecording(strings.NewReader(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}

// A recording has no parts that could change, but answers all the same.
func TestRecordingDoesNotLive(t *testing.T) {
	c, err := simulator.FromRecording(strings.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	c.Reboot()
	c.Scan(simulator.Job{Pages: 1})
	if n := c.Print(simulator.Job{Pages: 1}); n != 0 || c.Total() != 0 {
		t.Errorf("a recording printed %d", n)
	}
	if len(c.Supplies()) != 0 || c.Serial() != "" || c.Model().Name != "" || c.SetLevel("black", 1) == nil {
		t.Error("a recording has supplies, a serial number or a model")
	}
	empty, err := simulator.FromRecording(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, empty.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetNextRequest, ".1.3")))
	if got.Variables[0].Type != gosnmp.EndOfMibView {
		t.Errorf("an empty recording answers %v", got.Variables)
	}
}
