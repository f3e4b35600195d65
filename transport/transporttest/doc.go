// Package transporttest has what tests of delivery need: a portal behind real TLS
// and an MQTT broker, both on loopback and both made to fail by name, a certificate
// authority, and the conformance suite that every transport.Link has to pass. What
// passes is held to docs/schema.
//
// A fault has a name and a number of times instead of a probability, so that a red
// test can be repeated.
package transporttest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/portal"
)

// Who reports in all tests.
const (
	Agent    = "5d3c9ab4-6f0e-4c1b-9a57-0d5b7c1f2e10"
	Customer = "1234567"

	// Token is the agent's token, and its password at the broker.
	Token transport.Secret = "correct horse battery staple"
)

// Record returns a record whose body is the example of docs/schema; of a kind that has
// none there, an empty object.
func Record(t testing.TB, lane string, seq uint64, kind string) transport.Message {
	t.Helper()
	m := Reading(seq, "ABC12345", 0)
	m.Lane, m.Kind, m.Body = lane, kind, example(t, kind)
	return m
}

// A Fault is a way to fail, by name.
type Fault string

// The faults that a Server and a Broker have in common.
const (
	Unauthorized Fault = "does not know us"
	Silent       Fault = "takes everything and says nothing"
	CutBefore    Fault = "closes the connection before it has done anything"
	CutAfter     Fault = "closes the connection after the work, without a word"
)

// A Peer is what a link talks to: a Server or a Broker.
type Peer interface {
	Config() transport.Config // how to reach it
	Portal() *portal.Portal   // what arrived
	Fail(f Fault, times int)  // of the next requests, or of the next publishes
	Restart()                 // drops every connection and listens on the same port again
}

// Dial returns a link to a peer, closed with the test. change may alter the
// configuration first; nil changes nothing.
func Dial(t testing.TB, p Peer, change func(*transport.Config)) transport.Link {
	t.Helper()
	c := p.Config()
	if change != nil {
		change(&c)
	}
	link, err := transport.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// Batch returns n readings with consecutive numbers, the first one being first, of a
// copier that prints a page between any two.
func Batch(first, n int) []transport.Message {
	batch := make([]transport.Message, n)
	for i := range batch {
		seq := first + i
		batch[i] = Reading(uint64(seq), "ABC12345", int64(100_000+seq))
	}
	return batch
}

// Reading returns one reading of a device with a total.
func Reading(seq uint64, device string, total int64) transport.Message {
	at := time.Date(2026, 11, 30, 17, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Minute)
	body, err := json.Marshal(map[string]any{
		"device":  map[string]string{"id": device, "serial": device, "manufacturer": "Canon", "model": "iR-ADV C5535"},
		"takenAt": at, "origin": "automatic", "clock": "synchronised", "profile": "printer-mib",
		"meters": []map[string]any{{
			"name": "systemTotals.impressions.total", "value": total, "unit": "impressions", "format": "life",
			"persistence": "lifetime", "oid": "1.3.6.1.2.1.43.10.2.1.4.1.1", "primary": true, "quality": "good",
		}},
		"status": map[string]string{"device": "running", "printer": "idle"},
	})
	if err != nil {
		panic(fmt.Sprintf("a map of strings and numbers: %v", err))
	}
	return transport.Message{Stream: "7f3a", Lane: "bulk", Seq: seq, Kind: "reading", Subject: device, At: at, Body: body}
}
