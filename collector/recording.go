package collector

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Recording is a device as it answered once: the objects of a .snmprec file, one
// a line, "OID|tag|value" (as snmpsim writes them). The tag is that of the type in
// BER, with an x behind it if the value is in hex. A recording can be read like a
// device, without a network.
type Recording struct {
	variables []variable // in order of their names, each name once
}

// The bounds of a recording. A full walk of a large copier has about 20,000 objects.
const (
	maxRecordingLine    = 1 << 20
	maxRecordingObjects = 1 << 18
)

// ParseRecording reads a .snmprec file. Blank lines and lines that begin with #
// are skipped. An error names the line.
func ParseRecording(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRecordingLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		v, err := parseRecordingLine(line)
		if err != nil {
			return nil, fmt.Errorf("recording: line %d: %w", n, err)
		}
		if len(rec.variables) == maxRecordingObjects {
			return nil, fmt.Errorf("recording: line %d: more than %d objects", n, maxRecordingObjects)
		}
		rec.variables = append(rec.variables, v)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	slices.SortStableFunc(rec.variables, func(a, b variable) int { return compareOID(a.name, b.name) })
	rec.variables = slices.CompactFunc(rec.variables, func(a, b variable) bool { return a.name == b.name })
	return rec, nil
}

// parseRecordingLine reads "OID|tag|value". A value may contain more bars.
func parseRecordingLine(line string) (variable, error) {
	oid, rest, _ := strings.Cut(line, "|")
	tag, value, ok := strings.Cut(rest, "|")
	if !ok {
		return variable{}, fmt.Errorf("it must have three parts, OID|tag|value")
	}
	name, ok := parseOID(oid)
	if !ok {
		return variable{}, fmt.Errorf("%q is not an object identifier", oid)
	}
	tag, _, _ = strings.Cut(tag, ":") // what follows is for simulators that let values vary
	if plain, isHex := strings.CutSuffix(tag, "x"); isHex {
		raw, err := hex.DecodeString(value)
		if err != nil {
			return variable{}, fmt.Errorf("%q is not in hex", value)
		}
		tag, value = plain, string(raw)
	}
	v := variable{name: name}
	var err error
	switch tag {
	case "2", "65", "66", "67", "71": // INTEGER, Counter32, Gauge32, TimeTicks, Unsigned32
		v.kind = integer
		v.num, err = strconv.ParseInt(value, 10, 64)
	case "70": // Counter64
		var n uint64
		n, err = strconv.ParseUint(value, 10, 64)
		v.kind, v.num = integer, int64(n)
	case "4", "64", "68": // OCTET STRING, IpAddress, Opaque
		v.kind, v.text = octets, value[:min(len(value), maxOctets)]
	case "6":
		v.kind = identifier
		if v.text, ok = parseOID(value); !ok {
			return variable{}, fmt.Errorf("%q is not an object identifier", value)
		}
	case "5", "128", "129", "130": // NULL and the exceptions: no value
	default:
		return variable{}, fmt.Errorf("%q is not a known tag", tag)
	}
	if err != nil {
		return variable{}, fmt.Errorf("%q is not a number", value)
	}
	return v, nil
}

// Read reads the recorded device with these profiles; nil means RFC 3805 alone.
func (r *Recording) Read(ctx context.Context, scope Scope, profiles *Profiles) (Reading, error) {
	l := startingLimits()
	q := query{session: r, scope: scope, limits: &l, profiles: profiles, found: harvest{}}
	if err := q.read(ctx); err != nil {
		return Reading{}, err
	}
	return q.found.reading(time.Now(), q.profile), nil
}

func (r *Recording) bulk() bool { return true }

// ask answers as RFC 3416 section 4.2.3 demands, without a limit on the size.
func (r *Recording) ask(ctx context.Context, q question) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	var a answer
	once := q.names
	if q.repetitions > 0 {
		once = q.names[:q.nonRepeaters]
	}
	for _, name := range once {
		a.variables = append(a.variables, r.next(name))
	}
	row := slices.Clone(q.names[len(once):])
	for range q.repetitions {
		for i := range row {
			v := r.next(row[i])
			row[i] = v.name
			a.variables = append(a.variables, v)
		}
	}
	return a, nil
}

// next returns the first object after name.
func (r *Recording) next(name string) variable {
	i, found := slices.BinarySearchFunc(r.variables, name, func(v variable, name string) int { return compareOID(v.name, name) })
	if found {
		i++
	}
	if i == len(r.variables) {
		return variable{name: name, kind: end}
	}
	return r.variables[i]
}
