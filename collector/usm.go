package collector

import (
	"crypto/hmac"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Levels of security, as flags of a message (RFC 3412 section 6.4).
const (
	proved = gosnmp.AuthNoPriv // the message is authentic
	level  = gosnmp.AuthPriv   // the bits that are the level
)

// window is by how many seconds a message may be late (RFC 3414 section 2.2.3).
const window = 150

// A peer is the SNMP engine of a device as one user sees it: who it is, what time it
// has, and the user's keys there. gosnmp encrypts and encodes; what it does not do is
// to check that a decoded message is authentic, so that is done here.
type peer struct {
	user   User
	keysAt func(User, string) (keys, error)

	engine string // "" before the peer is met
	keys   keys
	boots  uint32    // how often the engine has started
	time   uint32    // seconds since it did
	at     time.Time // when it said so
}

// keys are a user's keys at one engine.
type keys struct{ auth, priv []byte }

// A place is where keys are good.
type place struct {
	user   User
	engine string
}

// keysAt derives a user's keys for an engine, once: it costs milliseconds.
func (c *Collector) keysAt(u User, engine string) (keys, error) {
	at := place{u, engine}
	at.user.Context = "" // the keys are the same in every context
	c.mu.Lock()
	k, ok := c.keys[at]
	c.mu.Unlock()
	if ok {
		return k, nil
	}
	k, err := deriveKeys(u, engine)
	if err != nil {
		return keys{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys) >= maxKnown {
		clear(c.keys)
	}
	c.keys[at] = k
	return k, nil
}

func deriveKeys(u User, engine string) (keys, error) {
	if err := u.Check(); err != nil {
		return keys{}, err
	}
	params := parameters(u)
	params.AuthoritativeEngineID = engine
	if params.PrivacyProtocol == gosnmp.AES {
		params.PrivacyProtocol = gosnmp.DES // the same key, but gosnmp does not make it longer first, which costs much
	}
	if err := params.InitSecurityKeys(); err != nil {
		return keys{}, fmt.Errorf("derive the keys of user %q: %w", u.Name, err)
	}
	if u.Priv == "aes128" {
		params.PrivacyKey = params.PrivacyKey[:16]
	}
	return keys{params.SecretKey, params.PrivacyKey}, nil
}

// parameters are the user as gosnmp has it.
func parameters(u User) *gosnmp.UsmSecurityParameters {
	return &gosnmp.UsmSecurityParameters{
		UserName:                 u.Name,
		AuthenticationProtocol:   gosnmp.NoAuth + gosnmp.SnmpV3AuthProtocol(1+slices.Index(AuthProtocols(), u.Auth)),
		AuthenticationPassphrase: u.AuthPassword.Reveal(),
		PrivacyProtocol:          gosnmp.NoPriv + gosnmp.SnmpV3PrivProtocol(1+slices.Index(PrivProtocols(), u.Priv)),
		PrivacyPassphrase:        u.PrivPassword.Reveal(),
	}
}

func (p *peer) met() bool { return p.engine != "" }

// level is how well the user's messages are secured.
func (p *peer) level() gosnmp.SnmpV3MsgFlags {
	switch {
	case p.user.Priv != "":
		return gosnmp.AuthPriv
	case p.user.Auth != "":
		return gosnmp.AuthNoPriv
	}
	return gosnmp.NoAuthNoPriv
}

// clock is the engine's time now.
func (p *peer) clock() uint32 { return p.time + uint32(time.Since(p.at)/time.Second) }

// address makes the encoder write to the peer.
func (p *peer) address(snmp *gosnmp.GoSNMP) error {
	params, _ := snmp.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if params == nil || params.AuthoritativeEngineID != p.engine {
		params = parameters(p.user)
		params.AuthenticationPassphrase, params.PrivacyPassphrase = "", "" // only the keys are needed
		params.AuthoritativeEngineID, params.SecretKey, params.PrivacyKey = p.engine, p.keys.auth, p.keys.priv
		*snmp = gosnmp.GoSNMP{
			Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: p.level(),
			SecurityParameters: params, ContextEngineID: p.engine, ContextName: p.user.Context,
		}
	}
	params.AuthoritativeEngineBoots, params.AuthoritativeEngineTime = p.boots, p.clock()
	return nil
}

// probe is the packet that makes an engine say who it is.
func probe(id uint32) ([]byte, error) {
	p := gosnmp.SnmpPacket{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.Reportable,
		SecurityParameters: &gosnmp.UsmSecurityParameters{},
		PDUType:            gosnmp.GetRequest, MsgID: id, RequestID: id,
	}
	return p.MarshalMsg()
}

// open decodes what comes from the peer. It returns nil for what must not be
// believed: all that is not proved, but for reports. These cannot always be, and do no
// harm: at most they end a reading.
func (p *peer) open(snmp *gosnmp.GoSNMP, packet []byte) (*gosnmp.SnmpPacket, error) {
	h, err := parseHeader(packet)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	}
	authentic := p.sent(h, packet)
	if !authentic {
		if h.flags&level != gosnmp.NoAuthNoPriv {
			return nil, nil
		}
		snmp = &gosnmp.GoSNMP{
			Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel,
			SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "nobody", AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv},
		}
	}
	m, err := snmp.SnmpDecodePacket(packet)
	switch {
	case err != nil && authentic:
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	case err != nil:
		return nil, nil
	case m.PDUType == gosnmp.Report:
		m.MsgFlags = h.flags
		return m, nil
	case !authentic || h.flags&level != p.level() || m.RequestID != m.MsgID || !p.timely(h):
		return nil, nil
	}
	return m, nil
}

// sent says whether the peer, and nobody else, has sent the packet to this user. A
// user without authentication cannot know.
func (p *peer) sent(h header, packet []byte) bool {
	if !p.met() || h.engine != p.engine || h.user != p.user.Name {
		return false
	}
	if p.level() == gosnmp.NoAuthNoPriv {
		return h.flags&level == gosnmp.NoAuthNoPriv
	}
	if h.flags&proved == 0 {
		return false
	}
	protocol := parameters(p.user).AuthenticationProtocol
	claimed := slices.Clone(h.digest)
	clear(h.digest) // in the packet: the digest is that of the packet without it
	mac := hmac.New(protocol.HashType().New, p.keys.auth)
	mac.Write(packet) // a hash's Write returns no error
	copy(h.digest, claimed)
	return len(claimed) == digestLength(p.user.Auth) && subtle.ConstantTimeCompare(mac.Sum(nil)[:len(claimed)], claimed) == 1
}

// digestLength is how much of the digest is sent (RFC 3414 sections 6 and 7, RFC
// 7860 section 4).
func digestLength(auth string) int {
	switch auth {
	case "sha224":
		return 16
	case "sha256":
		return 24
	case "sha384":
		return 32
	case "sha512":
		return 48
	}
	return 12
}

// timely says whether an authentic message is of now, and sets the clock by it (RFC
// 3414 section 3.2, 7b).
func (p *peer) timely(h header) bool {
	if p.level() == gosnmp.NoAuthNoPriv {
		return true
	}
	if h.boots > p.boots || h.boots == p.boots && h.time > p.time {
		p.boots, p.time, p.at = h.boots, h.time, time.Now()
	}
	return h.boots == p.boots && uint64(h.time)+window >= uint64(p.clock())
}

// learn takes from a report who the peer is or what time it has, and says whether
// that is a reason to ask again. It is the caller who does so once at most. An
// engine's time is believed without proof only when it is met: it is checked with
// the next answer.
func (p *peer) learn(r *report) (again bool, err error) {
	switch {
	case !p.met() || r.counter == unknownEngine && r.engine != p.engine:
		if len(r.engine) < 5 || len(r.engine) > 32 { // RFC 3411 section 5
			return false, nil
		}
		k, err := p.keysAt(p.user, r.engine)
		if err != nil {
			return false, err
		}
		p.engine, p.keys = r.engine, k
	case r.counter != outsideWindow || r.engine != p.engine || p.level() != gosnmp.NoAuthNoPriv && !r.proved:
		return false, nil
	}
	p.boots, p.time, p.at = r.boots, r.time, time.Now()
	return true, nil
}
