package simulator

// The versions of SNMP as they stand in a message.
const (
	version1  = 0
	version2c = 1
)

// A request is one SNMP message to the device.
type request struct {
	version   int
	community []byte
	pdu       byte // tagGet, tagGetNext, tagGetBulk or tagSet
	id        int

	// The next two stand where other requests have error-status and error-index.
	nonRepeaters   int
	maxRepetitions int

	names []oid
	list  []byte // the variable bindings as they came, but for the values, which may be malformed

	// Of version 3: the message, and who has sent it, nil as long as that is not sure.
	secured *envelope
	user    *localUser
}

// parseRequest decodes a message. Anything but a well-formed request is an error; a
// device does not answer it. Of version 3 only the version is decoded; rest is what
// follows it.
func parseRequest(b []byte) (q *request, rest []byte, err error) {
	message, rest, err := expect(b, tagSequence)
	if err != nil || len(rest) > 0 {
		return nil, nil, errBER
	}
	q = &request{}
	if q.version, message, err = expectInteger(message); err != nil {
		return nil, nil, errBER
	}
	switch q.version {
	case version3:
		return q, message, nil
	case version1, version2c:
	default:
		return nil, nil, errBER
	}
	if q.community, message, err = expect(message, tagOctets); err != nil {
		return nil, nil, err
	}
	return q, nil, q.parseMessage(message)
}

// parseMessage decodes the PDU in a message.
func (q *request) parseMessage(b []byte) error {
	var pdu, rest []byte
	var err error
	if q.pdu, pdu, rest, err = element(b); err != nil || len(rest) > 0 && q.secured == nil { // DES pads
		return errBER
	}
	switch {
	case q.pdu == tagGet, q.pdu == tagGetNext, q.pdu == tagSet:
	case q.pdu == tagGetBulk && q.version != version1:
	default:
		return errBER
	}
	return q.parsePDU(pdu)
}

func (q *request) parsePDU(b []byte) (err error) {
	for _, field := range []*int{&q.id, &q.nonRepeaters, &q.maxRepetitions} {
		if *field, b, err = expectInteger(b); err != nil {
			return err
		}
	}
	b, rest, err := expect(b, tagSequence)
	if err != nil || len(rest) > 0 {
		return errBER
	}
	for len(b) > 0 {
		var binding, name []byte
		if binding, b, err = expect(b, tagSequence); err != nil {
			return err
		}
		if name, rest, err = expect(binding, tagOID); err != nil {
			return err
		}
		if _, _, rest, err = element(rest); err != nil || len(rest) > 0 {
			return errBER
		}
		o, err := decodeOID(name)
		if err != nil {
			return err
		}
		q.names = append(q.names, o)
		q.list = appendElement(q.list, tagSequence, append(appendElement(nil, tagOID, name), tagNull, 0))
	}
	return nil
}

// The error-status of a response (RFC 3416 section 3).
const (
	noError     = 0
	tooBig      = 1
	noSuchName  = 2
	readOnly    = 4
	genErr      = 5
	notWritable = 17
)

// A response is what answers a request.
type response struct {
	status, index int
	list          []byte // variable bindings, encoded
}

// fail is the response that names an error of binding index (from 1). It repeats
// the bindings of the request, but a tooBig after version 1, which has none (RFC 3416 section 4.2.1).
func (q *request) fail(status, index int) response {
	if status == tooBig && q.version != version1 {
		return response{status: tooBig}
	}
	return response{status, index, q.list}
}

// overhead is more than what a response needs besides its bindings: the community,
// the request's id and 30 octets of tags, lengths and small numbers, and with version
// 3 the names of engine and user, a digest, and room to pad.
func (q *request) overhead() int {
	if q.secured != nil {
		return 180 + 32
	}
	return 30 + len(q.community) + 6
}

// encode makes the PDU of the response to q.
func (q *request) encode(r response) []byte {
	pdu := appendInteger(nil, tagInteger, int64(q.id))
	pdu = appendInteger(pdu, tagInteger, int64(r.status))
	pdu = appendInteger(pdu, tagInteger, int64(r.index))
	return appendElement(nil, tagResponse, appendElement(pdu, tagSequence, r.list))
}

// message encodes the response to q, which is not of version 3.
func (q *request) message(r response) []byte {
	b := appendInteger(nil, tagInteger, int64(q.version))
	b = appendElement(b, tagOctets, q.community)
	return appendElement(nil, tagSequence, append(b, q.encode(r)...))
}
