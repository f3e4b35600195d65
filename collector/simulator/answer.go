package simulator

import "slices"

// Answer is what the device sends back to one packet, nil if it stays silent. It
// is Serve without a network: of the faults, Slow, Duplicate and WrongSource do
// not show.
func (c *Copier) Answer(packet []byte) []byte {
	b, _ := c.answer(packet)
	return b
}

// answer also says which fault the answer suffers from.
func (c *Copier) answer(packet []byte) ([]byte, Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked.BytesIn += len(packet)
	q, rest, err := parseRequest(packet)
	if err == nil && q.version == version3 {
		var counter string
		if q, counter, err = c.open3(packet, rest); err == nil && counter != "" {
			b := c.report3(q, counter)
			c.asked.Reports++
			c.asked.BytesOut += len(b)
			return b, None
		}
	}
	if err != nil {
		c.asked.Malformed++
		return nil, None
	}
	c.note(q)
	if q.secured == nil && string(q.community) != c.community {
		c.asked.Strangers++
		return nil, None
	}
	fault := c.fault.take(q)
	if fault == Silent || fault == V1Only {
		return nil, fault
	}
	b := fault.damage(q, c.respond(q, fault), c.encode)
	c.asked.Answers++
	c.asked.BytesOut += len(b)
	return b, fault
}

// encode makes the packet of a response.
func (c *Copier) encode(q *request, r response) []byte {
	if q.secured != nil {
		return c.seal3(q, q.encode(r))
	}
	return q.message(r)
}

// respond does what RFC 3416 section 4.2 and RFC 1157 section 4.1 ask for.
func (c *Copier) respond(q *request, fault Fault) response {
	if status := fault.status(); status != noError {
		return q.fail(status, min(1, len(q.names)))
	}
	b := &bindings{tree: c.tree, state: c.state, v1: q.version == version1, fault: fault}
	b.room = c.maxMessage - q.overhead()
	switch q.pdu {
	case tagGet:
		return b.get(q)
	case tagGetNext:
		return b.getNext(q)
	case tagGetBulk:
		return b.getBulk(q)
	}
	if len(q.names) == 0 {
		return response{}
	}
	if b.v1 {
		return q.fail(readOnly, 1)
	}
	return q.fail(notWritable, 1)
}

// bindings collects the variable bindings of one response.
type bindings struct {
	tree  tree
	state *state
	v1    bool
	fault Fault
	room  int // octets that fit into the answer
	list  []byte
}

// add appends one binding and says whether there was room for it.
func (b *bindings) add(head []byte, v value) bool {
	head, v, extra := b.fault.spoil(head, v, len(b.list) == 0)
	b.room += extra
	before := len(b.list)
	b.list = appendHeader(b.list, tagSequence, len(head)+len(v))
	b.list = append(append(b.list, head...), v...)
	if len(b.list) > b.room {
		b.list = b.list[:before]
		return false
	}
	return true
}

func (b *bindings) get(q *request) response {
	for k, name := range q.names {
		var v value
		if i, found := b.tree.find(name); found {
			v = b.tree[i].cell(b.state)
		}
		switch {
		case b.v1 && (v == nil || v[0] == tagCounter64):
			return q.fail(noSuchName, k+1)
		case v == nil:
			v = b.tree.missing(name)
		}
		if !b.add(appendElement(nil, tagOID, name.contents()), v) {
			return q.fail(tooBig, 0)
		}
	}
	return response{list: b.list}
}

func (b *bindings) getNext(q *request) response {
	for k, name := range q.names {
		o, found := b.next(name)
		if !found && b.v1 {
			return q.fail(noSuchName, k+1)
		}
		if !b.addNext(name, o, found) {
			return q.fail(tooBig, 0)
		}
	}
	return response{list: b.list}
}

// getBulk fills the answer up to its limit; a binding that does not fit is left
// out with all that follow (RFC 3416 section 4.2.3).
func (b *bindings) getBulk(q *request) response {
	once := min(max(q.nonRepeaters, 0), len(q.names))
	full := false
	for _, name := range q.names[:once] {
		o, found := b.next(name)
		full = full || !b.addNext(name, o, found)
	}
	names := slices.Clone(q.names[once:])
	for range q.maxRepetitions {
		ended := true
		for i, name := range names {
			o, found := b.next(name)
			full = full || !b.addNext(name, o, found)
			if full {
				break
			}
			if found {
				names[i], ended = o.name, false
			}
		}
		if full || ended {
			break
		}
	}
	if full && len(b.list) == 0 {
		return q.fail(tooBig, 0)
	}
	return response{list: b.list}
}

// addNext appends the object found behind name, or endOfMibView.
func (b *bindings) addNext(name oid, o object, found bool) bool {
	if !found {
		return b.add(appendElement(nil, tagOID, name.contents()), nothing(tagEndOfMIB))
	}
	return b.add(o.head, o.cell(b.state))
}

// next finds the object behind name. Version 1 has no Counter64 and does not see
// objects that are one (RFC 3584 section 4.2.2.1).
func (b *bindings) next(name oid) (object, bool) {
	if o, found := b.fault.next(b.tree, name); found {
		return o, true
	}
	i := b.tree.after(name)
	for b.v1 && i < len(b.tree) && b.tree[i].cell(b.state)[0] == tagCounter64 {
		i++
	}
	if i == len(b.tree) {
		return object{}, false
	}
	return b.tree[i], true
}
