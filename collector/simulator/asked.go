package simulator

import (
	"maps"
	"slices"
	"strings"
)

// Asked is what a device was asked, since it was made or since Forget.
type Asked struct {
	Gets, GetNexts, GetBulks, Sets int // well-formed requests, answered or not

	Malformed int // packets that are no request
	Reports   int // answers of version 3 that say why there is none
	Strangers int // requests with another community
	Answers   int // packets sent, a duplicate counting once
	BytesIn   int // octets of all packets that came, without UDP and IP headers
	BytesOut  int // octets of the answers

	// Names are the names in the requests, each once, sorted; the first 10,000 of
	// them.
	Names []string
}

// Requests is how many well-formed requests there were.
func (a Asked) Requests() int { return a.Gets + a.GetNexts + a.GetBulks + a.Sets }

// Outside lists the names that are in none of these subtrees.
func (a Asked) Outside(subtrees ...string) []string {
	var outside []string
	for _, name := range a.Names {
		if !within(name, subtrees) {
			outside = append(outside, name)
		}
	}
	return outside
}

// within says whether a name is in one of the subtrees; both in dotted decimal.
func within(name string, subtrees []string) bool {
	return slices.ContainsFunc(subtrees, func(root string) bool {
		return strings.HasPrefix(name+".", strings.Trim(root, ".")+".")
	})
}

// Asked says what the device was asked.
func (c *Copier) Asked() Asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.asked
	names := make([]oid, 0, len(c.names))
	for contents := range maps.Keys(c.names) {
		if o, err := decodeOID([]byte(contents)); err == nil {
			names = append(names, o)
		}
	}
	slices.SortFunc(names, func(a, b oid) int { return slices.Compare(a, b) })
	for _, o := range names {
		a.Names = append(a.Names, o.String())
	}
	return a
}

// Forget begins a new count of what was asked.
func (c *Copier) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = Asked{}
	clear(c.names)
}

// note counts a request.
func (c *Copier) note(q *request) {
	switch q.pdu {
	case tagGet:
		c.asked.Gets++
	case tagGetNext:
		c.asked.GetNexts++
	case tagGetBulk:
		c.asked.GetBulks++
	case tagSet:
		c.asked.Sets++
	}
	for _, name := range q.names {
		if len(c.names) < 10_000 {
			c.names[string(name.contents())] = true
		}
	}
}
