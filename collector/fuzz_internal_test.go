package collector

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gosnmp/gosnmp"
)

// checkReading checks what must hold for a reading whatever the device said.
func checkReading(t *testing.T, r Reading) {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 16<<20 {
		t.Errorf("a reading of %d octets", len(b))
	}
	texts := []string{r.Device.Serial, r.Device.Model, r.Device.Name, r.Device.Location}
	var levels []Level
	for _, s := range r.Supplies {
		texts = append(texts, s.Description, s.Colorant, s.PartNumber, s.SerialNumber)
		levels = append(levels, s.Level)
	}
	for _, i := range r.Inputs {
		texts = append(texts, i.Name, i.Media)
		levels = append(levels, i.Level)
	}
	for _, a := range r.Alerts {
		texts = append(texts, a.Description)
	}
	for _, text := range append(texts, r.Status.Console...) {
		if strings.ContainsFunc(text, unicode.IsControl) || text != strings.TrimSpace(text) {
			t.Errorf("text %q", text)
		}
	}
	for _, l := range levels {
		if (l.Percent != nil) != (l.Kind == Measured || l.Kind == VendorLevel) || l.Percent != nil && (*l.Percent < 0 || *l.Percent > 100) {
			t.Errorf("level %+v", l)
		}
	}
	for _, m := range r.Meters {
		if m.Value < 0 {
			t.Errorf("meter %+v", m)
		}
	}
}

func FuzzRecording(f *testing.F) {
	walks, err := filepath.Glob("testdata/devices/*/walk.snmprec")
	if err != nil || len(walks) == 0 {
		f.Fatal("no recordings", err)
	}
	for _, walk := range walks {
		b, err := os.ReadFile(walk)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("1.3.6.1.2.1.43.11.1.1.9.1.1|2|-9223372036854775808\n1.3.6.1.2.1.43.11.1.1.8.1.1|70|18446744073709551615\n"))
	f.Add([]byte("1.3.6.1.2.1.43.11.1.1.9|2|1\n1.3.6.1.2.1.43.11.1.1|4x|00ff\n1.3.6.1.2.1.43.99999999.1|130|\n"))
	profiles, err := EmbeddedProfiles()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := ParseRecording(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, scope := range []Scope{Full, Supplies} {
			if r, err := rec.Read(context.Background(), scope, profiles); err == nil {
				checkReading(t, r)
			}
		}
	})
}

// A whim is a session whose answers are made of any octets: names near those that
// were asked for, in any order and number, with any value.
type whim struct {
	octets  []byte
	rowWise bool
	asked   int
}

func (w *whim) bulk() bool { return !w.rowWise }

// octet takes the next octet; they begin anew at the end, so that a device that
// never ends is among those tried.
func (w *whim) octet() int {
	if len(w.octets) == 0 {
		return 0
	}
	c := w.octets[0]
	w.octets = append(w.octets[1:], c)
	return int(c)
}

func (w *whim) ask(_ context.Context, q question) (answer, error) {
	w.asked++
	switch w.octet() {
	case 1:
		return answer{}, errGarbled
	case 2:
		return answer{}, errSilent
	case 4:
		return answer{}, errPassedOver
	case 3:
		return answer{status: status(w.octet()), index: w.octet()}, nil
	}
	var a answer
	for i := range min(q.values()+w.octet()%4, 200) {
		v := variable{name: q.names[i%len(q.names)], kind: kind(w.octet() % 4), num: int64(w.octet() - 3)}
		switch w.octet() % 8 {
		case 0: // the same name, or none
		case 1:
			v.name = v.name[:max(strings.LastIndexByte(v.name, '.'), 0)] + "." + strconv.Itoa(w.octet())
		case 2:
			v.name = ""
		case 3:
			v.name, v.num = v.name+".4294967295", 1<<62
		default:
			v.name += ".1." + strconv.Itoa(w.octet()*i)
		}
		for n := w.octet() % 16; v.kind >= octets && n > 0; n-- {
			v.text += string([]byte{byte(w.octet())})
		}
		a.variables = append(a.variables, v)
	}
	return a, nil
}

func FuzzReading(f *testing.F) {
	f.Add([]byte(""), false)
	f.Add([]byte("\x00\x01\x05\x04\x01\x00"), true)
	f.Add([]byte("\x09\x02\x09\x05\x09Toner\xff\x00"), false)
	profiles, err := EmbeddedProfiles()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, octets []byte, rowWise bool) {
		w := &whim{octets: bytes.Clone(octets), rowWise: rowWise}
		l := startingLimits()
		q := query{session: w, limits: &l, profiles: profiles, found: harvest{}}
		if len(octets) > 0 { // whatever it says it is, it is read as one of these
			q.profile = profiles.list[int(octets[0])%len(profiles.list)]
		}
		q.read(context.Background())
		if w.asked > 4*maxQuestions {
			t.Errorf("%d questions", w.asked)
		}
		checkReading(t, q.found.reading(time.Time{}, q.profile))
	})
}

// Whatever is in a profile, reading it ends with a profile or with problems that name
// a line, and a device can be read with it.
func FuzzProfile(f *testing.F) {
	files, err := filepath.Glob("profiles/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatal("no profiles", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 2000 { // small ones find as much, and sooner
			f.Add(b)
		}
	}
	f.Add([]byte("name = \"x\"\nsource = \"s\"\n[[meter]]\nname = \"print.pages.total\"\noid = \"1.3.6.1.4.1.01\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, problems := parseProfile("fuzz.toml", b)
		if (p == nil) != (len(problems) > 0) {
			t.Fatal(p, problems)
		}
		if p == nil {
			return
		}
		w := &whim{octets: bytes.Clone(b[:min(len(b), 40)])}
		l := startingLimits()
		q := query{session: w, limits: &l, found: harvest{}, profile: p}
		p.SNMP.apply(&l)
		walkAll(context.Background(), w, p.spans(), q.found, &l, nil)
		walkAll(context.Background(), w, p.fallbacks(q.found), q.found, &l, nil)
		checkReading(t, q.found.reading(time.Time{}, p))
	})
}

func FuzzPacket(f *testing.F) {
	for _, packet := range []string{
		"\x30\x2c\x02\x01\x01\x04\x06public\xa2\x1f\x02\x04\x01\x02\x03\x04\x02\x01\x00\x02\x01\x00\x30\x11\x30\x0f\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x03mfp",
		"\x30\x26\x02\x01\x00\x04\x06public\xa2\x19\x02\x01\x07\x02\x01\x02\x02\x01\x01\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x05\x00",
		"\x30\x27\x02\x01\x01\x04\x06public\xa2\x1a\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x0f\x30\x0d\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x43\x01\x7f",
		"\x30\x03\x02\x01\x03", "\x30\x80", "\x30\x84\xff\xff\xff\xff", "",
	} {
		f.Add([]byte(packet))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := bytes.Clone(packet)
		for _, version := range []Version{V1, V2c} {
			c := newCodec(Credential{Version: version, Community: "public"}, nil)
			a, _, err := c.decode(packet, &scratch{})
			if err != nil {
				continue
			}
			for _, v := range a.variables {
				if len(v.text) > maxOctets && v.kind != identifier {
					t.Errorf("%d octets", len(v.text))
				}
			}
			clear(packet) // an answer keeps nothing of its packet
			found := harvest{}
			w := newWalk(span{from: sysDescr, to: sysLocation, rows: 1, most: 4})
			for _, v := range a.variables {
				w.take(v)
			}
			found.add(w.entry, w.values)
			checkReading(t, found.reading(time.Time{}, nil))
			copy(packet, before)
		}
	})
}

// What gosnmp understands of an answer is understood here in the same way, and what is
// asked here gosnmp reads as it was meant.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("\x30\x2c\x02\x01\x01\x04\x06public\xa2\x1f\x02\x04\x01\x02\x03\x04\x02\x01\x00\x02\x01\x00\x30\x11\x30\x0f\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x03mfp"))
	f.Add([]byte("\x30\x27\x02\x01\x01\x04\x06public\xa2\x1a\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x0f\x30\x0d\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x43\x01\x7f"))
	f.Add([]byte("\x30\x25\x02\x01\x01\x04\x06public\xa2\x18\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x0d\x30\x0b\x06\x03\x2b\x81\x00\x46\x04\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		ours := newCodec(Credential{Version: V2c, Community: "public"}, nil)
		theirs := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public"}
		a, id, err := ours.decode(packet, &scratch{})
		p, theirErr := theirs.SnmpDecodePacket(bytes.Clone(packet))
		if err != nil || theirErr != nil || p.PDUType != gosnmp.GetResponse || a.status != noError {
			return
		}
		if id != p.RequestID || len(a.variables) != len(p.Variables) {
			t.Fatalf("id %d and %d, %d and %d variables", id, p.RequestID, len(a.variables), len(p.Variables))
		}
		q := question{nonRepeaters: 1, repetitions: int(id % 100)}
		for i, v := range a.variables {
			want := decodeVariable(&p.Variables[i])
			if v.num > math.MaxUint32 && want.num == int64(uint32(v.num)) {
				want.num = v.num // gosnmp cuts what is too large for its type
			}
			if v != want {
				t.Errorf("got %+v, want %+v", v, want)
			}
			if canonical, ok := parseOID(v.name); ok && canonical == v.name {
				q.names = append(q.names, v.name)
			}
		}
		asked, err := ours.encode(q, 7)
		if err != nil {
			t.Fatal(err)
		}
		p, err = theirs.SnmpDecodePacket(asked)
		if err != nil || p.RequestID != 7 || len(p.Variables) != len(q.names) {
			t.Fatalf("gosnmp reads %v (%v) where %d names were asked", p, err, len(q.names))
		}
		for i, name := range q.names {
			if got := strings.TrimPrefix(p.Variables[i].Name, "."); got != name {
				t.Errorf("gosnmp reads %s, want %s", got, name)
			}
		}
	})
}

// Whatever is taken for a plan, and whatever a device answers to it, a reading ends and
// is a sensible one.
func FuzzPlan(f *testing.F) {
	profiles, err := EmbeddedProfiles()
	if err != nil {
		f.Fatal(err)
	}
	for _, walk := range recordings(f) {
		rec, err := ParseRecording(strings.NewReader(walk))
		if err != nil {
			f.Fatal(err)
		}
		l := startingLimits()
		q := query{session: rec, limits: &l, profiles: profiles, found: harvest{}}
		if err := q.read(context.Background()); err != nil {
			continue
		}
		written := q.planned(nil)
		f.Add([]byte(written[1:len(written)-4]), []byte("\x09\x02\x09"))
	}
	// One that asks for what is no name of an object: a single number.
	odd := plan{limits: startingLimits(), contents: &contents{columns: []planColumn{{name: "1", to: 1}}, objects: []variable{{name: "1.3", kind: integer}}, marks: make([]planMark, 1)}}
	odd.questions[Full] = writeQuestions([]plannedQuestion{{question: question{names: []string{"1"}}, objects: []int{0}}})
	written := odd.write()
	f.Add([]byte(written[1:len(written)-4]), []byte("\x09\x02\x09\x01\x01\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, body, octets []byte) {
		written := append([]byte{planVersion}, body...)
		p := parsePlan(binary.BigEndian.AppendUint32(written, crc32.ChecksumIEEE(written)))
		if p == nil {
			return
		}
		p.print, p.learnt = profiles.print, time.Now()
		w := &whim{octets: bytes.Clone(octets[:min(len(octets), 64)])}
		l := startingLimits()
		q := query{session: w, limits: &l, profiles: profiles, found: harvest{}}
		if kept, _ := q.follow(context.Background(), p, time.Now()); !kept {
			q.read(context.Background())
		}
		checkReading(t, q.found.reading(time.Time{}, q.profile))
		q.planned(nil)
	})
}

// Whatever comes as an answer of multicast DNS, the hints are few, and only an answer
// to the question gives any.
func FuzzAnnouncement(f *testing.F) {
	f.Add(announcement(f, 7, "_ipp._tcp.local.", netip.MustParseAddr("192.168.10.20")))
	f.Add(announcement(f, 7, "_smb._tcp.local.", netip.MustParseAddr("192.168.10.20")))
	f.Add([]byte{0, 7, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 12, 0, 1})
	sender := netip.MustParseAddr("192.168.10.1")
	f.Fuzz(func(t *testing.T, packet []byte) {
		hints := announcedBy(packet, 7, sender)
		if len(hints) > maxAnnounced {
			t.Errorf("%d hints", len(hints))
		}
		if len(hints) > 0 && (len(packet) < 12 || packet[1] != 7 || packet[2]&0x80 == 0) {
			t.Errorf("%v of what is no answer: %x", hints, packet)
		}
	})
}
