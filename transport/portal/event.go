package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"meteragent/transport"
)

// An Event is one record as it arrived: a CloudEvent with the extensions of
// docs/wire.md.
type Event struct {
	ID           string          `json:"id"`
	Source       string          `json:"source"`
	Type         string          `json:"type"`
	Subject      string          `json:"subject,omitempty"`
	Time         time.Time       `json:"time"`
	Sequence     string          `json:"sequence"`
	PartitionKey string          `json:"partitionkey,omitempty"`
	Customer     string          `json:"customer,omitempty"`
	Data         json.RawMessage `json:"data"`

	SpecVersion     string `json:"specversion"`
	DataContentType string `json:"datacontenttype"`

	Stream string `json:"-"` // the parts of ID
	Lane   string `json:"-"`
	Seq    uint64 `json:"-"`

	ReceivedAt time.Time `json:"receivedat"` // by the portal's clock, UTC
	Via        string    `json:"via"`        // "https" or "mqtt"

	problem *transport.Problem // why the contract is broken; nil if it is kept
}

// Kind returns the middle of Type: "reading" of "meteragent.reading.v1".
func (e Event) Kind() string {
	return strings.TrimSuffix(strings.TrimPrefix(e.Type, "meteragent."), ".v1")
}

var (
	eventType = regexp.MustCompile(`^meteragent\.(reading|order|alert|device|agent|gap)\.v1$`)
	source    = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	identity  = regexp.MustCompile(`^(.+)-([a-z]+)-([1-9][0-9]{0,19})$`)
)

// Bounds of one batch.
const (
	largestBatch = 16 << 20 // bytes, unpacked
	mostRecords  = 10000
)

// decode reads a batch. An event that breaks the contract carries its problem; one
// that cannot even be named, and so cannot be answered, spoils the batch.
func decode(body []byte) ([]Event, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("batch is not a JSON array: %w", err)
	}
	if len(raw) > mostRecords {
		return nil, fmt.Errorf("batch has %d records; the most is %d", len(raw), mostRecords)
	}
	events := make([]Event, len(raw))
	for i, one := range raw {
		e := &events[i]
		var name struct{ ID, Source string }
		part := []string(nil)
		if json.Unmarshal(one, &name) == nil && source.MatchString(name.Source) {
			part = identity.FindStringSubmatch(name.ID)
		}
		if part == nil {
			return nil, fmt.Errorf("record %d has no usable id and source", i+1)
		}
		err := json.Unmarshal(one, e)
		e.ID, e.Source, e.Stream, e.Lane = name.ID, name.Source, part[1], part[2]
		e.Seq, _ = strconv.ParseUint(part[3], 10, 64) // what is too large does not match the sequence
		if err != nil {
			e.problem = broken("record cannot be read: %v", err)
		} else {
			e.problem = e.check()
		}
	}
	return events, nil
}

// check holds one event to the contract.
func (e Event) check() *transport.Problem {
	aboutDevice := false
	switch e.Kind() {
	case "reading", "order", "alert", "device":
		aboutDevice = true
	}
	switch {
	case e.SpecVersion != "1.0":
		return broken("specversion is %q; it must be 1.0", e.SpecVersion)
	case !eventType.MatchString(e.Type):
		return &transport.Problem{Type: problems + "unknown-type", Title: "Unknown type", Status: 422, Detail: fmt.Sprintf("%q", e.Type)}
	case e.Sequence != fmt.Sprintf("%020d", e.Seq):
		return broken("sequence %q does not go with id %q", e.Sequence, e.ID)
	case e.Time.IsZero():
		return broken("time is missing")
	case e.DataContentType != "application/json":
		return broken("datacontenttype is %q; it must be application/json", e.DataContentType)
	case aboutDevice && e.Subject == "":
		return broken("subject is missing; it names the device")
	case e.PartitionKey != e.Subject:
		return broken("partitionkey %q is not the subject", e.PartitionKey)
	case !bytes.HasPrefix(e.Data, []byte("{")):
		return broken("data is not a JSON object")
	}
	return nil
}

// problems is where the portal's problem types live. The names after it are part of
// the contract, the address is each portal's own.
const problems = "https://meteragent.example/problems/"

func broken(format string, args ...any) *transport.Problem {
	return &transport.Problem{Type: problems + "invalid-record", Title: "Record breaks the contract", Status: 422, Detail: fmt.Sprintf(format, args...)}
}

// An answer is what agents get, over HTTPS and MQTT alike. It names every record.
type answer struct {
	Results []result               `json:"results"`
	Orders  []transport.OrderState `json:"orders,omitempty"`
}

type result struct {
	ID      string             `json:"id"`
	Status  string             `json:"status"`
	Problem *transport.Problem `json:"problem,omitempty"`
}
