package simulator_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

const (
	sysDescr  = ".1.3.6.1.2.1.1.1.0"
	sysUpTime = ".1.3.6.1.2.1.1.3.0"
	lifeCount = ".1.3.6.1.2.1.43.10.2.1.4.1.1"
	supplies  = ".1.3.6.1.2.1.43.11.1.1"
	absent    = ".1.3.6.1.2.1.99.1.0"
)

// serve puts the copier on loopback and returns its port.
func serve(t *testing.T, c *simulator.Copier) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, conn) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		conn.Close()
	})
	return uint16(conn.LocalAddr().(*net.UDPAddr).Port)
}

// dial makes a client of the copier, with patience for one answer and no retries.
func dial(t *testing.T, c *simulator.Copier, version gosnmp.SnmpVersion) *gosnmp.GoSNMP {
	t.Helper()
	g := &gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: serve(t, c), Community: "public", Version: version,
		Timeout: 10 * time.Second, MaxOids: 100, MaxRepetitions: 20,
	}
	if err := g.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Conn.Close() })
	return g
}

// show writes bindings as "name=value" without the common beginning of all names.
func show(pdus []gosnmp.SnmpPDU) []string {
	var all []string
	for _, p := range pdus {
		v := fmt.Sprint(p.Value)
		if b, ok := p.Value.([]byte); ok {
			v = string(b)
		}
		switch p.Type {
		case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
			v = p.Type.String()
		}
		all = append(all, strings.TrimPrefix(p.Name, ".1.3.6.1.")+"="+v)
	}
	return all
}

func TestGet(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Seed: 7})
	g := dial(t, c, gosnmp.Version2c)
	got, err := g.Get([]string{
		".1.3.6.1.2.1.43.5.1.1.17.1", ".1.3.6.1.4.1.1602.1.11.1.3.1.2.101",
		".1.3.6.1.2.1.1.1.1", ".1.3.6.1.2.1.1.1", ".1.3.6.1.2.1.43.11.1.1.9.1.77", ".1.3.6.1.2.1.1.9.0", absent,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2.1.43.5.1.1.17.1=SIM00007", "4.1.1602.1.11.1.3.1.2.101=Total 1",
		"2.1.1.1.1=NoSuchInstance", "2.1.1.1=NoSuchInstance", "2.1.43.11.1.1.9.1.77=NoSuchInstance",
		"2.1.1.9.0=NoSuchObject", "2.1.99.1.0=NoSuchObject",
	}
	if d := cmp.Diff(want, show(got.Variables)); d != "" {
		t.Error(d)
	}
}

// Version 1 knows no exceptions: one missing name fails the whole request.
func TestGetVersion1(t *testing.T) {
	g := dial(t, simulator.New(simulator.ColourMFP(), simulator.Options{}), gosnmp.Version1)
	got, err := g.Get([]string{sysDescr, lifeCount, absent, sysUpTime})
	if err != nil {
		t.Fatal(err)
	}
	if got.Error != gosnmp.NoSuchName || got.ErrorIndex != 3 || len(got.Variables) != 4 {
		t.Errorf("got %v at %d with %d variables, want NoSuchName at 3 with 4", got.Error, got.ErrorIndex, len(got.Variables))
	}
	got, err = g.Get([]string{sysDescr, lifeCount})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"2.1.1.1.0=Canon Simulated iR-ADV C3500", "2.1.43.10.2.1.4.1.1=0"}, show(got.Variables)); d != "" {
		t.Error(d)
	}
}

func TestGetNext(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Name: "copier-1"})
	last := ".1.3.6.1.4.1.1602.1.11.2.1.1.3.99"
	g := dial(t, c, gosnmp.Version2c)
	got, err := g.GetNext([]string{".1.3", ".1.3.6.1.2.1.1.4.0", last})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2.1.1.1.0=Canon Simulated iR-ADV C3500", "2.1.1.5.0=copier-1", "4.1.1602.1.11.2.1.1.3.99=EndOfMibView"}
	if d := cmp.Diff(want, show(got.Variables)); d != "" {
		t.Error(d)
	}
	got, err = dial(t, c, gosnmp.Version1).GetNext([]string{sysDescr, last})
	if err != nil {
		t.Fatal(err)
	}
	if got.Error != gosnmp.NoSuchName || got.ErrorIndex != 2 {
		t.Errorf("version 1 behind the last object: got %v at %d, want NoSuchName at 2", got.Error, got.ErrorIndex)
	}
}

func TestGetBulk(t *testing.T) {
	g := dial(t, simulator.New(simulator.Inkjet(), simulator.Options{}), gosnmp.Version2c)
	for _, test := range []struct {
		name                 string
		names                []string
		nonRepeaters, repeat int
		want                 []string
	}{
		{
			"columns in step", []string{sysDescr, supplies + ".3", supplies + ".9"}, 1, 2,
			[]string{
				"2.1.1.2.0=.1.3.6.1.4.1.1248.1.1.2.1.3.3.83.73.77", "2.1.43.11.1.1.3.1.1=1", "2.1.43.11.1.1.9.1.1=-3",
				"2.1.43.11.1.1.3.1.2=2", "2.1.43.11.1.1.9.1.2=-3",
			},
		},
		{
			"one column at its end", []string{".1.3.6.1.4.1.1248.1.2.2.27.6.1.5.1.1.1", ".1.3.6.1.2.1.1.1"}, 0, 2,
			[]string{
				"4.1.1248.1.2.2.27.6.1.5.1.1.2=0", "2.1.1.1.0=EPSON Simulated EM-C800",
				"4.1.1248.1.2.2.27.6.1.5.1.1.2=EndOfMibView", "2.1.1.2.0=.1.3.6.1.4.1.1248.1.1.2.1.3.3.83.73.77",
			},
		},
		{"behind the end once", []string{".1.3.6.1.5"}, 0, 20, []string{"5=EndOfMibView"}},
		{"no repetitions", []string{sysDescr, sysDescr}, 1, 0, []string{"2.1.1.2.0=.1.3.6.1.4.1.1248.1.1.2.1.3.3.83.73.77"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := g.GetBulk(test.names, uint8(test.nonRepeaters), uint32(test.repeat))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, show(got.Variables)); d != "" {
				t.Error(d)
			}
		})
	}
}

// An answer longer than the limit: GET says tooBig, GETBULK gives what fits.
func TestAnswerLimit(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
		g := dial(t, c, version)
		got, err := g.Get(slices.Repeat([]string{sysDescr}, 60))
		if err != nil {
			t.Fatal(err)
		}
		wantVariables := map[gosnmp.SnmpVersion]int{gosnmp.Version1: 60, gosnmp.Version2c: 0}[version]
		if got.Error != gosnmp.TooBig || got.ErrorIndex != 0 || len(got.Variables) != wantVariables {
			t.Errorf("version %v: got %v at %d with %d variables", version, got.Error, got.ErrorIndex, len(got.Variables))
		}
	}
	c.Forget()
	got, err := dial(t, c, gosnmp.Version2c).GetBulk([]string{".1.3"}, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	out := c.Asked().BytesOut
	if len(got.Variables) < 30 || len(got.Variables) >= 200 || out > 1472 || out < 1400 {
		t.Errorf("GETBULK of 200: got %d variables in %d bytes, want as many as fit into 1472", len(got.Variables), out)
	}
	small := simulator.New(simulator.ColourMFP(), simulator.Options{MaxMessage: 60})
	got, err = dial(t, small, gosnmp.Version2c).GetBulk([]string{".1.3"}, 0, 5)
	if err != nil || got.Error != gosnmp.TooBig {
		t.Errorf("GETBULK without room for one variable: got %v, %v, want TooBig", got.Error, err)
	}
}

// Nobody writes to a copier, and whoever tries is counted.
func TestSetIsRefused(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Name: "before"})
	write := []gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.OctetString, Value: "after"}}
	for version, want := range map[gosnmp.SnmpVersion]gosnmp.SNMPError{
		gosnmp.Version1: gosnmp.ReadOnly, gosnmp.Version2c: gosnmp.NotWritable,
	} {
		got, err := dial(t, c, version).Set(write)
		if err != nil || got.Error != want || got.ErrorIndex != 1 {
			t.Errorf("version %v: got %v, %v, want %v", version, got, err, want)
		}
	}
	if n := c.Asked().Sets; n != 2 {
		t.Errorf("got %d SETs counted, want 2", n)
	}
	got, err := dial(t, c, gosnmp.Version2c).Get([]string{write[0].Name})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"2.1.1.5.0=before"}, show(got.Variables)); d != "" {
		t.Error(d)
	}
}

// A request with another community, or another version, meets silence.
func TestStrangers(t *testing.T) {
	c := simulator.New(simulator.MonoLaser(), simulator.Options{Community: "secret"})
	for _, community := range []string{"public", "", "secret2"} {
		if b := c.Answer(packet(t, gosnmp.Version2c, community, gosnmp.GetRequest, sysDescr)); b != nil {
			t.Errorf("community %q was answered", community)
		}
	}
	if b := c.Answer(packet(t, gosnmp.Version1, "secret", gosnmp.GetBulkRequest, sysDescr)); b != nil {
		t.Error("GETBULK of version 1 was answered")
	}
	if b := c.Answer(packet(t, gosnmp.Version1, "secret", gosnmp.GetRequest, sysDescr)); b == nil {
		t.Error("the right community was not answered")
	}
	a := c.Asked()
	if a.Strangers != 3 || a.Malformed != 1 || a.Answers != 1 || a.Gets != 4 {
		t.Errorf("got %+v, want 3 strangers, 1 malformed, 1 answer, 4 GETs", a)
	}
}

// packet encodes one request.
func packet(t testing.TB, version gosnmp.SnmpVersion, community string, kind gosnmp.PDUType, names ...string) []byte {
	t.Helper()
	p := gosnmp.SnmpPacket{Version: version, Community: community, PDUType: kind, RequestID: 4711, MaxRepetitions: 5}
	for _, name := range names {
		p.Variables = append(p.Variables, gosnmp.SnmpPDU{Name: name, Type: gosnmp.Null})
	}
	b, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAsked(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	g := dial(t, c, gosnmp.Version2c)
	if _, err := g.Get([]string{sysDescr, absent}); err != nil {
		t.Fatal(err)
	}
	if err := g.BulkWalk(supplies+".9", func(gosnmp.SnmpPDU) error { return nil }); err != nil {
		t.Fatal(err)
	}
	a := c.Asked()
	if a.Gets != 1 || a.GetBulks != 1 || a.GetNexts != 0 || a.Requests() != 2 || a.Answers != 2 {
		t.Errorf("got %+v, want one GET and one GETBULK", a)
	}
	if a.BytesIn < 60 || a.BytesOut < a.BytesIn {
		t.Errorf("got %d bytes in and %d out", a.BytesIn, a.BytesOut)
	}
	if d := cmp.Diff([]string{"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.43.11.1.1.9", "1.3.6.1.2.1.99.1.0"}, a.Names); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"1.3.6.1.2.1.99.1.0"}, a.Outside("1.3.6.1.2.1.1", ".1.3.6.1.2.1.43", "1.3.6.1.2.1.9")); d != "" {
		t.Error(d)
	}
	c.Forget()
	if d := cmp.Diff(simulator.Asked{}, c.Asked()); d != "" {
		t.Error(d)
	}
}

// What is no request meets silence. The first packet is well-formed; each of the
// others differs from it in one thing.
func TestMalformed(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	well := "302902010104067075626c6963a01c020412345678020100020100300e300c06082b060102010101000500"
	answer := func(hexadecimal string) []byte {
		b, err := hex.DecodeString(hexadecimal)
		if err != nil {
			t.Fatal(err)
		}
		return c.Answer(b)
	}
	if answer(well) == nil {
		t.Fatal("the well-formed packet is not answered")
	}
	for what, change := range map[string][2]string{
		"another tag":              {"3029", "3129"},
		"a tag of two octets":      {"3029", "3f29"},
		"too long":                 {"3029", "302a"},
		"too short":                {"3029", "3028"},
		"of indefinite length":     {"3029", "3080"},
		"a length of four octets":  {"3029", "308400000029"},
		"version 3":                {"020101", "020103"},
		"an empty integer":         {"020101", "0200"},
		"no community":             {"0406", "0206"},
		"a response":               {"a01c", "a21c"},
		"a trap":                   {"a01c", "a41c"},
		"request id of 40 bits":    {"a01c0204", "a01c0205"},
		"no list":                  {"300e300c", "310e300c"},
		"no binding":               {"300e300c", "300e310c"},
		"no name":                  {"06082b06", "04082b06"},
		"a name without end":       {"0101010005", "0101018005"},
		"an arc with leading zero": {"06082b0601", "06082b8001"},
		"an arc over 32 bits":      {"2b06010201010100", "2bffffffffff0100"},
		"no value":                 {"06082b06", "060a2b06"},
		"a value too long":         {"0500", "0501"},
	} {
		b := strings.Replace(well, change[0], change[1], 1)
		if b == well {
			t.Fatalf("%s: nothing changed", what)
		}
		if answer(b) != nil {
			t.Errorf("%s: answered", what)
		}
	}
	if n := c.Asked().Malformed; n != 20 {
		t.Errorf("got %d malformed packets counted, want 20", n)
	}
}
