package docs_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meteragent/agent"
	"meteragent/agent/alert"
	"meteragent/agent/toner"
	"meteragent/docs"
	"meteragent/transport"
)

// load returns one of the documents as the library wants it: numbers undecided.
func load(t *testing.T, name string) any {
	t.Helper()
	data, err := fs.ReadFile(docs.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, data)
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// names returns the files of a pattern.
func names(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := fs.Glob(docs.Files, pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: got %v, %v", pattern, found, err)
	}
	return found
}

// compiler knows all documents by their path. change may alter each of them first.
func compiler(t *testing.T, change func(any) any) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for _, name := range append(names(t, "schema/*.json"), names(t, "*.json")...) {
		if err := c.AddResource("file:///docs/"+name, change(load(t, name))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func compile(t *testing.T, c *jsonschema.Compiler, location string) *jsonschema.Schema {
	t.Helper()
	s, err := c.Compile("file:///docs/" + location)
	if err != nil {
		t.Fatalf("%s: %v", location, err)
	}
	return s
}

func asItIs(v any) any { return v }

// closed returns a document whose objects allow no member that is not described. The
// published ones are open, since later versions add members; what this version sends
// must be described all the same.
func closed(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = closed(v[i])
		}
	case map[string]any:
		if _, described := v["properties"]; described && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for name := range v {
			v[name] = closed(v[name])
		}
	}
	return v
}

// at follows a path of names.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// Every schema is one, and its own examples keep to it, without a member that it
// does not describe.
func TestSchemas(t *testing.T) {
	c := compiler(t, closed)
	for _, name := range names(t, "schema/*.json") {
		s := compile(t, c, name)
		examples, _ := at(load(t, name), "examples").([]any)
		if len(examples) == 0 && name != "schema/event.json" {
			t.Errorf("%s has no example", name)
		}
		for i, example := range examples {
			if err := s.Validate(example); err != nil {
				t.Errorf("%s, example %d: %v", name, i, err)
			}
		}
	}
}

// What is sent keeps to the schemas, which describe all of it.
func TestGoldenBodies(t *testing.T) {
	c := compiler(t, closed)
	for _, file := range golden(t, "../agent/testdata/wire/v1*/*.json") {
		if err := compile(t, c, "schema/"+filepath.Base(file)).Validate(decode(t, read(t, file))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The envelope is a CloudEvent, to the official library too.
func TestGoldenEnvelopes(t *testing.T) {
	envelope := compile(t, compiler(t, closed), "schema/event.json")
	for _, file := range golden(t, "../transport/testdata/wire/v1/*.json") {
		var batch []json.RawMessage
		if err := json.Unmarshal(read(t, file), &batch); err != nil {
			t.Fatal(err)
		}
		for i, one := range batch {
			if err := envelope.Validate(decode(t, one)); err != nil {
				t.Errorf("%s, record %d: %v", file, i, err)
			}
			var e event.Event
			if err := json.Unmarshal(one, &e); err != nil {
				t.Errorf("%s, record %d: %v", file, i, err)
			} else if err := e.Validate(); err != nil {
				t.Errorf("%s, record %d: %v", file, i, err)
			}
		}
	}
}

func golden(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got %v, %v", pattern, files, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every example in the documents keeps to the schema beside it.
func TestExamples(t *testing.T) {
	c := compiler(t, asItIs)
	for _, name := range names(t, "*.json") {
		seen := 0
		walk(load(t, name), "", func(pointer string, node map[string]any) {
			schema, examples := beside(node)
			if schema == "" {
				return
			}
			s := compile(t, c, name+"#"+pointer+schema)
			for _, example := range examples {
				seen++
				if err := s.Validate(example); err != nil {
					t.Errorf("%s#%s: %v", name, pointer, err)
				}
			}
		})
		if seen < 3 {
			t.Errorf("%s: only %d examples found", name, seen)
		}
	}
}

// beside returns where a node has its schema, and its examples: those of OpenAPI's
// media types, parameters and headers, and of AsyncAPI's messages.
func beside(node map[string]any) (schema string, examples []any) {
	if at(node, "payload", "schema") != nil {
		list, _ := node["examples"].([]any)
		for _, one := range list {
			examples = append(examples, at(one, "payload"))
		}
		return "/payload/schema", examples
	}
	if node["schema"] == nil || node["schemaFormat"] != nil {
		return "", nil
	}
	if example := node["example"]; example != nil {
		examples = append(examples, example)
	}
	named, _ := node["examples"].(map[string]any)
	for _, one := range named {
		examples = append(examples, at(one, "value"))
	}
	return "/schema", examples
}

// walk visits every object of a document with its JSON pointer.
func walk(v any, pointer string, visit func(pointer string, node map[string]any)) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			walk(v[i], pointer+"/"+strconv.Itoa(i), visit)
		}
	case map[string]any:
		visit(pointer, v)
		for name := range v {
			walk(v[name], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), visit)
		}
	}
}

// A schema describes every member that is written. It may describe more: what
// earlier versions wrote.
func TestMembers(t *testing.T) {
	for name, body := range map[string]any{
		"reading.json": agent.SentReading{}, "order.json": toner.Order{}, "device.json": agent.DeviceEvent{},
		"agent.json": agent.AgentEvent{}, "gap.json": agent.GapEvent{}, "problem.json": transport.Problem{},
	} {
		compare(t, name, name, load(t, "schema/"+name), reflect.TypeOf(body))
	}
}

// So does the one of alerts, which has three kinds.
func TestMembersOfAlerts(t *testing.T) {
	for _, body := range []any{toner.Event{}, alert.Event{}, agent.Request{}} {
		compare(t, "alert.json", "alert.json", load(t, "schema/alert.json"), reflect.TypeOf(body))
	}
}

// compare compares the object at a place of a schema with a struct, and what is in
// it.
func compare(t *testing.T, file, place string, schema any, s reflect.Type) {
	t.Helper()
	if ref, ok := at(schema, "$ref").(string); ok {
		other, inside, _ := strings.Cut(ref, "#/$defs/")
		file = cmp.Or(other, file)
		schema = at(load(t, "schema/"+file), "$defs", inside)
	}
	switch {
	case s.Kind() == reflect.Slice:
		compare(t, file, place, at(schema, "items"), s.Elem())
		return
	case s.Kind() == reflect.Pointer:
		compare(t, file, place, schema, s.Elem())
		return
	case s.Kind() != reflect.Struct, s == reflect.TypeFor[time.Time]():
		return
	}
	described, _ := at(schema, "properties").(map[string]any)
	for field := range s.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if field.Anonymous {
			compare(t, file, place, schema, field.Type)
			continue
		}
		if described[name] == nil {
			t.Errorf("%s: %s is written and not described", place, name)
			continue
		}
		compare(t, file, place+"/"+name, described[name], field.Type)
	}
}
