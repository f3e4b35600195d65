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
	list  []byte // the variable bindings as they came
}

// parseRequest decodes a message of version 1 or 2c. Anything but a well-formed
// request is an error; a device does not answer it.
func parseRequest(b []byte) (*request, error) {
	message, rest, err := expect(b, tagSequence)
	if err != nil || len(rest) > 0 {
		return nil, errBER
	}
	var q request
	if q.version, message, err = expectInteger(message); err != nil || q.version != version1 && q.version != version2c {
		return nil, errBER
	}
	if q.community, message, err = expect(message, tagOctets); err != nil {
		return nil, err
	}
	var pdu []byte
	if q.pdu, pdu, rest, err = element(message); err != nil || len(rest) > 0 {
		return nil, errBER
	}
	switch {
	case q.pdu == tagGet, q.pdu == tagGetNext, q.pdu == tagSet:
	case q.pdu == tagGetBulk && q.version == version2c:
	default:
		return nil, errBER
	}
	return &q, q.parsePDU(pdu)
}

func (q *request) parsePDU(b []byte) (err error) {
	for _, field := range []*int{&q.id, &q.nonRepeaters, &q.maxRepetitions} {
		if *field, b, err = expectInteger(b); err != nil {
			return err
		}
	}
	var rest []byte
	if q.list, rest, err = expect(b, tagSequence); err != nil || len(rest) > 0 {
		return errBER
	}
	for b := q.list; len(b) > 0; {
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
// the bindings of the request, but a v2c tooBig, which has none (RFC 3416 section 4.2.1).
func (q *request) fail(status, index int) response {
	if status == tooBig && q.version == version2c {
		return response{status: tooBig}
	}
	return response{status, index, q.list}
}

// overhead is more than what a response needs besides its bindings: the community,
// the request's id and 30 octets of tags, lengths and small numbers.
func (q *request) overhead() int { return 30 + len(q.community) + 6 }

// message encodes the response to q.
func (q *request) message(r response) []byte {
	pdu := appendInteger(nil, tagInteger, int64(q.id))
	pdu = appendInteger(pdu, tagInteger, int64(r.status))
	pdu = appendInteger(pdu, tagInteger, int64(r.index))
	pdu = appendElement(pdu, tagSequence, r.list)
	b := appendInteger(nil, tagInteger, int64(q.version))
	b = appendElement(b, tagOctets, q.community)
	b = appendElement(b, tagResponse, pdu)
	return appendElement(nil, tagSequence, b)
}
