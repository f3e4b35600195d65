package simulator

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"math"
	"time"
)

const version3 = 3

// A User may read the device with version 3 (RFC 3414). The protocols are called md5,
// sha1, sha224, sha256, sha384 and sha512, and des, aes128, aes192, aes256 (longer keys as
// draft-blumenthal-aes-usm-04 has them), aes192c and aes256c (as draft-reeder has them).
type User struct {
	Name         string
	Auth         string // "" for none
	AuthPassword string
	Priv         string // "" for none
	PrivPassword string
	Context      string // the only context in which the user may read
}

// The flags of a message and its security model (RFC 3412 section 6).
const (
	flagAuth  = 1
	flagPriv  = 2
	userBased = 3
)

// The counters that a report may name (RFC 3414 section 5, RFC 3413 section 3.2).
const (
	wrongLevel     = "1.3.6.1.6.3.15.1.1.1.0"
	outsideWindow  = "1.3.6.1.6.3.15.1.1.2.0"
	unknownUser    = "1.3.6.1.6.3.15.1.1.3.0"
	unknownEngine  = "1.3.6.1.6.3.15.1.1.4.0"
	wrongDigest    = "1.3.6.1.6.3.15.1.1.5.0"
	notDecrypted   = "1.3.6.1.6.3.15.1.1.6.0"
	unknownContext = "1.3.6.1.6.3.12.1.5.0"
)

// An engine is the device as version 3 sees it.
type engine struct {
	id    []byte
	users []localUser
	salt  uint64
}

// A localUser is a user with the keys for this engine.
type localUser struct {
	User
	authKey, privKey []byte
}

func newEngine(serial string, users []User) *engine {
	e := &engine{id: append([]byte{0x80, 0, 0x06, 0x42, 4}, serial...)} // RFC 3411 section 5: text
	e.id = e.id[:min(len(e.id), 32)]
	for _, u := range users {
		e.users = append(e.users, u.at(e.id))
	}
	return e
}

// An envelope is what a message of version 3 has around its contents.
type envelope struct {
	id          int
	flags       byte
	engine      []byte
	boots, time int
	user        []byte
	digest      []byte // in the message itself
	salt        []byte
	scoped      []byte // what is left: the contents, or those encrypted
}

// parseEnvelope decodes what follows the version of a message (RFC 3412 section 6).
func parseEnvelope(b []byte) (v envelope, err error) {
	global, b, err := expect(b, tagSequence)
	if err != nil {
		return v, err
	}
	security, b, err := expect(b, tagOctets)
	if err != nil {
		return v, err
	}
	v.scoped = b
	if v.id, global, err = expectInteger(global); err != nil {
		return v, err
	}
	if _, global, err = expectInteger(global); err != nil {
		return v, err
	}
	flags, global, err := expect(global, tagOctets)
	if err != nil || len(flags) != 1 {
		return v, errBER
	}
	v.flags = flags[0] & (flagAuth | flagPriv)
	if model, _, err := expectInteger(global); err != nil || model != userBased {
		return v, errBER
	}
	return v, v.parseSecurity(security)
}

func (v *envelope) parseSecurity(b []byte) (err error) {
	if b, _, err = expect(b, tagSequence); err != nil {
		return err
	}
	if v.engine, b, err = expect(b, tagOctets); err != nil {
		return err
	}
	for _, field := range []*int{&v.boots, &v.time} {
		if *field, b, err = expectInteger(b); err != nil {
			return err
		}
	}
	for _, field := range []*[]byte{&v.user, &v.digest, &v.salt} {
		if *field, b, err = expect(b, tagOctets); err != nil {
			return err
		}
	}
	return nil
}

// open3 does what RFC 3414 section 3.2 asks for with a message of version 3: it
// returns the request in it, or the counter that a report must name. Contents are
// what follows the version in the packet.
func (c *Copier) open3(packet, contents []byte) (q *request, counter string, err error) {
	v, err := parseEnvelope(contents)
	if err != nil {
		return nil, "", err
	}
	q = &request{version: version3, secured: &v}
	user := c.engine.user(string(v.user))
	switch {
	case !bytes.Equal(v.engine, c.engine.id):
		return q, unknownEngine, nil
	case user == nil:
		return q, unknownUser, nil
	case v.flags&flagAuth != 0 && user.Auth == "" || v.flags&flagPriv != 0 && user.Priv == "":
		return q, wrongLevel, nil
	}
	if v.flags&flagAuth != 0 {
		if !user.authentic(packet, v.digest) {
			return q, wrongDigest, nil
		}
		q.user = user // from here on the answer is authentic, too
		boots, now := c.state.clock()
		if v.boots != boots || v.time < now-150 || v.time > now+150 {
			return q, outsideWindow, nil
		}
	}
	scoped := v.scoped
	if v.flags&flagPriv != 0 {
		secret, _, err := expect(scoped, tagOctets)
		if err != nil || len(v.salt) != 8 {
			return q, notDecrypted, nil
		}
		if scoped = user.decrypt(secret, v); scoped == nil {
			return q, notDecrypted, nil
		}
	}
	context, pdu, err := parseScoped(scoped)
	switch {
	case err != nil && v.flags&flagPriv != 0:
		return q, notDecrypted, nil
	case err != nil:
		return nil, "", err
	case string(context) != user.Context:
		return q, unknownContext, nil
	case v.flags&flagAuth == 0 && user.Auth != "" || v.flags&flagPriv == 0 && user.Priv != "":
		return nil, "", errBER // read access needs the user's own level: no answer
	}
	q.user = user
	return q, "", q.parseMessage(pdu)
}

// parseScoped takes a scoped PDU apart (RFC 3412 section 6.8).
func parseScoped(b []byte) (context, pdu []byte, err error) {
	if b, _, err = expect(b, tagSequence); err != nil {
		return nil, nil, err
	}
	if _, b, err = expect(b, tagOctets); err != nil { // the context's engine
		return nil, nil, err
	}
	return expect(b, tagOctets)
}

func (e *engine) user(name string) *localUser {
	for i := range e.users {
		if e.users[i].Name == name {
			return &e.users[i]
		}
	}
	return nil
}

// authentic says whether the user has sent the packet. The digest lies in the packet.
func (u *localUser) authentic(packet, digest []byte) bool {
	claimed := bytes.Clone(digest)
	clear(digest)
	return hmac.Equal(claimed, u.sum(packet))
}

// seal3 encodes an answer of version 3 around a PDU.
func (c *Copier) seal3(q *request, pdu []byte) []byte {
	boots, now := c.state.clock()
	flags := byte(0)
	var user localUser
	if q.user != nil {
		user, flags = *q.user, q.secured.flags
	}
	if pdu[0] == tagReport {
		flags &= flagAuth
	}
	scoped := appendElement(appendElement(nil, tagOctets, c.engine.id), tagOctets, user.Context)
	scoped = appendElement(nil, tagSequence, append(scoped, pdu...))
	var salt, digest []byte
	if flags&flagPriv != 0 {
		c.engine.salt++
		salt = binary.BigEndian.AppendUint64(nil, c.engine.salt)
		scoped = appendElement(nil, tagOctets, user.encrypt(scoped, salt, boots, now))
	}
	if flags&flagAuth != 0 {
		digest = make([]byte, user.digestLength())
	}
	tail := append(appendElement(nil, tagOctets, salt), scoped...)

	global := appendInteger(nil, tagInteger, int64(q.secured.id))
	global = appendInteger(global, tagInteger, math.MaxUint16)
	global = appendElement(global, tagOctets, []byte{flags})
	global = appendInteger(global, tagInteger, userBased)
	security := appendElement(nil, tagOctets, c.engine.id)
	security = appendInteger(security, tagInteger, int64(boots))
	security = appendInteger(security, tagInteger, int64(now))
	security = appendElement(security, tagOctets, q.secured.user)
	security = appendElement(security, tagOctets, digest)
	security = appendElement(security, tagOctets, salt)
	b := appendInteger(nil, tagInteger, version3)
	b = appendElement(b, tagSequence, global)
	b = appendElement(b, tagOctets, appendElement(nil, tagSequence, security))
	b = appendElement(nil, tagSequence, append(b, scoped...))
	if flags&flagAuth != 0 {
		copy(b[len(b)-len(tail)-len(digest):], user.sum(b))
	}
	return b
}

// report3 is the report that names a counter. Its message is as secured as q had
// turned out to be.
func (c *Copier) report3(q *request, counter string) []byte {
	binding := appendElement(nil, tagOID, arcs(counter).contents())
	binding = appendInteger(binding, tagCounter32, 1)
	pdu := appendInteger(nil, tagInteger, 0)
	pdu = appendInteger(pdu, tagInteger, 0)
	pdu = appendInteger(pdu, tagInteger, 0)
	pdu = appendElement(pdu, tagSequence, appendElement(nil, tagSequence, binding))
	return c.seal3(q, appendElement(nil, tagReport, pdu))
}

// clock is how often the device has started, and how many seconds ago it did so last.
func (s *state) clock() (boots, seconds int) {
	return 1 + s.reboots, int(time.Since(s.boot) / time.Second)
}
