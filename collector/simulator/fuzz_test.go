package simulator_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

// Whatever comes in, the device does not panic; what it sends is a well-formed
// response to that request, within its limit of length.
func FuzzAnswer(f *testing.F) {
	for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
		for _, kind := range []gosnmp.PDUType{gosnmp.GetRequest, gosnmp.GetNextRequest, gosnmp.GetBulkRequest, gosnmp.SetRequest} {
			f.Add(packet(f, version, "public", kind, sysDescr, supplies, absent))
		}
	}
	f.Add([]byte("\x30\x00"))
	f.Add([]byte("\x30\x84\x7f\xff\xff\xff\x02\x01\x00"))
	f.Add(bytes.Repeat([]byte{0x30, 0x80}, 500))
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Seed: 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, fault := range append(simulator.Faults(), simulator.None) {
			c.Misbehave(fault, 1)
			c.Answer(b)
		}
		answer := c.Answer(b)
		if answer == nil {
			return
		}
		if len(answer) > max(1472, len(b)+10) {
			t.Fatalf("an answer of %d bytes to %d", len(answer), len(b))
		}
		p, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(answer)
		if err != nil {
			t.Fatalf("%v in the answer %x", err, answer)
		}
		if p.PDUType != gosnmp.GetResponse || p.Community != "public" {
			t.Fatalf("answered %v for %q", p.PDUType, p.Community)
		}
	})
}

// A recording of any content is a device or an error.
func FuzzRecording(f *testing.F) {
	f.Add(recording)
	f.Add("1.3.6.1|4x|zz\n1.3|70|-1")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := simulator.FromRecording(strings.NewReader(text))
		if err != nil {
			return
		}
		if c.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetBulkRequest, ".0.0", ".1.3.6")) == nil {
			t.Fatal("no answer")
		}
	})
}
