package transport

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testAgent = "5d3c9ab4-6f0e-4c1b-9a57-0d5b7c1f2e10"

// The bodies under testdata/wire/v1 are what released versions send: they are added
// to, never edited.
func TestGoldenBatch(t *testing.T) {
	at := time.Date(2026, 11, 30, 18, 0, 0, 500_000_000, time.FixedZone("CET", 3600))
	messages := []Message{
		{Stream: "7f3a9c", Lane: "bulk", Seq: 42, Kind: "reading", Subject: "ABC12345", At: at, Body: []byte(`{"device":{"id":"ABC12345"},"note":"as it is:  <&> \u00e9"}`)},
		{Stream: "7f3a9c", Lane: "urgent", Seq: 7, Kind: "order", Subject: `Canon:"iR" 1:00:11`, At: at, Body: []byte(`{}`)},
		{Stream: "7f3a9c", Lane: "bulk", Seq: 1<<64 - 1, Kind: "agent", At: at, Body: []byte(` {"uptime":1} `)},
	}
	for name, customer := range map[string]string{"batch": "1234567", "batch-without-customer": ""} {
		got := written(newEnvelope(testAgent, customer), messages)
		var events []map[string]any
		if err := json.Unmarshal(got, &events); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		for _, e := range events {
			for attribute, value := range e {
				if value == "" {
					t.Errorf("%s is empty; CloudEvents wants it left out", attribute)
				}
			}
		}
		golden(t, filepath.Join("testdata", "wire", "v1", name+".json"), append(got, '\n'))
	}
	if got := written(newEnvelope(testAgent, ""), nil); string(got) != "[]" {
		t.Errorf("empty batch: got %s", got)
	}
}

// Whatever a text holds, it is written as encoding/json writes it.
func TestQuoted(t *testing.T) {
	texts := []string{"", "7f3a9c-bulk-42", "Zürich", "\u2028"}
	for c := range 256 {
		texts = append(texts, "a"+string([]byte{byte(c)})+"z")
	}
	for _, text := range texts {
		want, err := json.Marshal(text)
		if got := appendQuoted(nil, text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
	}
}

func written(e envelope, messages []Message) []byte {
	var b bytes.Buffer
	e.write(&b, messages) // a buffer takes everything
	return b.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", file, got)
	}
}

func TestEnvelopeRefuses(t *testing.T) {
	good := Message{Stream: "s", Lane: "bulk", Seq: 1, Kind: "reading", At: time.Unix(0, 0), Body: []byte(`{}`)}
	for name, spoil := range map[string]func(*Message){
		"no stream":       func(m *Message) { m.Stream = "" },
		"no lane":         func(m *Message) { m.Lane = "" },
		"no number":       func(m *Message) { m.Seq = 0 },
		"kind with slash": func(m *Message) { m.Kind = "a/b" },
		"kind with quote": func(m *Message) { m.Kind = `a"` },
		"year 10000":      func(m *Message) { m.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"array":           func(m *Message) { m.Body = []byte(`[]`) },
		"half":            func(m *Message) { m.Body = []byte(`{"a":`) },
		"nothing":         func(m *Message) { m.Body = nil },
		"too long":        func(m *Message) { m.Body = []byte(`{"a":"` + strings.Repeat("x", largestBody) + `"}`) },
	} {
		m := good
		spoil(&m)
		sent, refused := sendable([]Message{good, m, good})
		if len(sent) != 2 || len(refused) != 1 || refused[0].ID != m.ID() || refused[0].Problem.Detail == "" {
			t.Errorf("%s: sendable %v, refused %v; want the middle one refused, with a reason", name, sent, refused)
		}
	}
	if sent, refused := sendable([]Message{good, good}); len(sent) != 2 || refused != nil {
		t.Errorf("good: refused %v", refused)
	}
}

func BenchmarkBatch(b *testing.B) {
	body := []byte(`{"device":{"id":"ABC12345"},"text":"` + strings.Repeat("x", 2000) + `"}`)
	batch := make([]Message, 100)
	for i := range batch {
		batch[i] = Message{Stream: "7f3a9c", Lane: "bulk", Seq: uint64(i + 1), Kind: "reading", Subject: "ABC12345", At: time.Unix(1, 0), Body: body}
	}
	e := newEnvelope(testAgent, "1234567")
	for b.Loop() {
		e.write(io.Discard, batch)
	}
}
