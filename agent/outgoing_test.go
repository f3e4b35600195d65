package agent_test

import (
	"testing"

	"meteragent/agent"
	"meteragent/transport"
)

// What is shown is bounded, and always has the last message.
func TestOutgoing(t *testing.T) {
	var o agent.Outgoing
	for i := range 30 {
		o.Note(transport.Sent{Body: make([]byte, i)})
	}
	last := o.Last()
	if len(last) != 20 || len(last[0].Body) != 29 || len(last[19].Body) != 10 {
		t.Errorf("%d messages, of which the first has %d bytes", len(last), len(last[0].Body))
	}
	o.Note(transport.Sent{Body: make([]byte, 200<<10)})
	o.Note(transport.Sent{Body: make([]byte, 200<<10)})
	if last := o.Last(); len(last) != 1 {
		t.Errorf("%d messages of 200 KB each are kept", len(last))
	}
	body := []byte("one")
	o.Note(transport.Sent{Body: body})
	one := o.Last()
	copy(body, "two")
	o.Note(transport.Sent{Body: body})
	o.Note(transport.Sent{Body: make([]byte, 3<<20)})
	if last := o.Last(); len(last) != 1 || len(last[0].Body) != 3<<20 {
		t.Error("a message over the bound is not shown")
	}
	if string(one[0].Body) != "one" {
		t.Errorf("what was shown has become %q", one[0].Body)
	}
}
