package transporttest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meteragent/docs"
)

// A contract holds what passes between an agent and a portal to the schemas of
// docs/schema. A record is looked at when it has been accepted, since tests send
// others on purpose.
type contract struct {
	t      testing.TB
	record *jsonschema.Schema
	answer *jsonschema.Schema
	status *jsonschema.Schema

	mu   sync.Mutex
	sent map[string]json.RawMessage // by id
}

func newContract(t testing.TB) *contract {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := fs.Glob(docs.Files, "schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(docs.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.AddResource("file:///"+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	compile := func(name string) *jsonschema.Schema {
		schema, err := c.Compile("file:///schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	return &contract{
		t: t, record: compile("batch.json#/$defs/record"), answer: compile("answer.json"), status: compile("status.json"),
		sent: map[string]json.RawMessage{},
	}
}

// deliver notes the records of a batch.
func (c *contract) deliver(batch []byte) {
	var records []json.RawMessage
	if json.Unmarshal(batch, &records) != nil {
		return // the portal says so
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, record := range records {
		var name struct{ ID string }
		if json.Unmarshal(record, &name) == nil {
			c.sent[name.ID] = record
		}
	}
}

// say looks at an answer, and at the records it accepts.
func (c *contract) say(answer []byte) {
	c.check("answer", c.answer, answer)
	var said struct {
		Results []struct{ ID, Status string }
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return
	}
	for _, r := range said.Results {
		c.mu.Lock()
		record := c.sent[r.ID]
		delete(c.sent, r.ID) // once is enough
		c.mu.Unlock()
		if r.Status == "rejected" || record == nil {
			continue
		}
		c.check("record "+r.ID, c.record, record)
		var e event.Event
		if err := json.Unmarshal(record, &e); err != nil {
			c.t.Errorf("record %s is no CloudEvent: %v", r.ID, err)
		} else if err := e.Validate(); err != nil {
			c.t.Errorf("record %s is no CloudEvent: %v", r.ID, err)
		}
	}
}

func (c *contract) check(what string, schema *jsonschema.Schema, text []byte) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		c.t.Errorf("%s breaks the contract: %v", what, err)
	}
}

// example returns the first example of a body, such as "reading", as JSON.
func example(t testing.TB, kind string) []byte {
	t.Helper()
	data, err := fs.ReadFile(docs.Files, "schema/"+kind+".json")
	var schema struct{ Examples []json.RawMessage }
	if err == nil {
		err = json.Unmarshal(data, &schema)
	}
	var b bytes.Buffer
	if err == nil {
		err = json.Compact(&b, schema.Examples[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
