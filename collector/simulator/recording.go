package simulator

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits on a recording, several times more than any device has.
const (
	maxObjects = 200_000
	maxLine    = 1 << 20
)

// FromRecording makes a copier that answers as a real device once did. A recording
// is lines "OID|tag|value" in any order; tags are 2 INTEGER, 4 text, 4x octets in
// hexadecimal, 5 NULL, 6 OBJECT IDENTIFIER, 64 IpAddress, 65 Counter32, 66 Gauge32,
// 67 TimeTicks, 70 Counter64. Empty lines and those that begin with # mean nothing.
//
// Nothing changes but sysUpTime, which goes on from what it was. An error names
// the line.
func FromRecording(r io.Reader) (*Copier, error) {
	var t tree
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		name, v, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("recording: line %d: %w", n, err)
		}
		if len(t) == maxObjects {
			return nil, fmt.Errorf("recording: line %d: more than %d objects", n, maxObjects)
		}
		t.add(name, len(name)-1, fixed(v))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	t.sort()
	for i := range t[min(1, len(t)):] {
		if slices.Equal(t[i].name, t[i+1].name) {
			return nil, fmt.Errorf("recording: %s is there twice", t[i].name)
		}
	}
	s := &state{boot: time.Now()}
	t.wind(s)
	return newCopier(s, t, Options{}), nil
}

// wind makes sysUpTime run on from the recorded one.
func (t tree) wind(s *state) {
	i, found := t.find(arcs("1.3.6.1.2.1.1.3.0"))
	if !found {
		return
	}
	contents, _, err := expect(t[i].cell(s), tagTicks)
	if err != nil {
		return // it has another type, and does not run
	}
	then := int64(0)
	for _, c := range contents {
		then = then<<8 | int64(c)
	}
	t[i].cell = func(s *state) value { return ticks(then + s.uptime()) }
}

// parseLine reads one line of a recording. A value may contain bars.
func parseLine(line string) (oid, value, error) {
	fields := strings.SplitN(line, "|", 3)
	if len(fields) < 3 {
		return nil, nil, errors.New(`it must be "OID|tag|value"`)
	}
	name, err := parseOID(fields[0])
	if err != nil {
		return nil, nil, err
	}
	v, err := parseValue(fields[1], fields[2])
	return name, v, err
}

func parseValue(tag, s string) (value, error) {
	switch tag {
	case "2":
		n, err := strconv.ParseInt(s, 10, 32)
		return appendInteger(nil, tagInteger, n), plain(err)
	case "4":
		return text(s), nil
	case "4x":
		b, err := hex.DecodeString(s)
		return text(string(b)), plain(err)
	case "5":
		return nothing(tagNull), nil
	case "6":
		o, err := parseOID(s)
		if err != nil {
			return nil, err
		}
		return appendElement(nil, tagOID, o.contents()), nil
	case "64":
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return nil, errors.New("the value is no IPv4 address")
		}
		return appendElement(nil, tagAddress, a.AsSlice()), nil
	case "65", "66", "67":
		n, err := strconv.ParseUint(s, 10, 32)
		number, _ := strconv.Atoi(tag)
		return appendInteger(nil, byte(number), int64(n)), plain(err)
	case "70":
		n, err := strconv.ParseUint(s, 10, 64)
		return appendCounter64(nil, n), plain(err)
	}
	return nil, fmt.Errorf("tag %q is not one of 2, 4, 4x, 5, 6, 64, 65, 66, 67, 70", tag)
}

// plain says in plain words that a value does not fit its tag.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the value does not fit its tag: %w", err)
}
