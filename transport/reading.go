package transport

import (
	"encoding/json"
	"strings"
	"time"
)

// A reading is what the adapters understand of the body of meteragent.reading.v1
// (docs/schema/reading.json): a receiver that knows nothing of it gets its own words.
type reading struct {
	stream string // of its record
	seq    uint64

	Device struct {
		ID, Serial, Manufacturer, Model, Name, Location, MAC, Address, Firmware string
	}
	TakenAt       time.Time
	UptimeSeconds int64
	Meters        []struct {
		Name    string
		Value   int64
		Unit    string
		Primary bool
	}
	Supplies []struct {
		Key, Description, Class, Type, Colorant string

		Level struct{ Percent *float64 }
	}
	Inputs []json.RawMessage
	Alerts []struct{ Severity string }
	Status struct {
		Printer string
		Errors  []string
	}
}

// readings decodes the readings of a batch; what is none is left out, since no adapter
// has words for it. A body that cannot be decoded is refused.
func readings(batch []Message) (all []reading, refused []Rejection) {
	for _, m := range batch {
		if m.Kind != "reading" {
			continue
		}
		var r reading
		if err := json.Unmarshal(m.Body, &r); err != nil {
			refused = append(refused, unsendable(m, err))
			continue
		}
		r.stream, r.seq = m.Stream+m.Lane, m.Seq
		all = append(all, r)
	}
	return all, refused
}

// primary returns the value of a meter.
func (r reading) primary(name string) (value int64, told bool) {
	for _, m := range r.Meters {
		if m.Primary && m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// plainName makes of any text a name that topics, files and programs take.
func plainName(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, text)
}
