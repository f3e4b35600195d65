package collector

import (
	"errors"
	"fmt"
	"slices"
)

// A User is who asks with version 3: the user-based security model (RFC 3414). What
// it has decides the level: a name alone is noAuthNoPriv, Auth makes it authNoPriv,
// Auth and Priv authPriv.
type User struct {
	Name         string // 1 to 32 octets
	Auth         string // one of AuthProtocols; "" means that nothing proves who asks
	AuthPassword Secret // at least 8 octets
	Priv         string // one of PrivProtocols; "" means that anybody can read along
	PrivPassword Secret // at least 8 octets
	Context      string // name of the context, "" for the usual one
}

// AuthProtocols are the ways to prove who asks: RFC 3414 and RFC 7860.
func AuthProtocols() []string {
	return []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}
}

// PrivProtocols are the ways to encrypt: RFC 3414, RFC 3826, and for longer keys
// draft-blumenthal-aes-usm-04, or with a c at the end draft-reeder-snmpv3-usm-3desede,
// as Cisco has it.
func PrivProtocols() []string {
	return []string{"des", "aes128", "aes192", "aes256", "aes192c", "aes256c"}
}

// leastPassword is the shortest password (RFC 3414 section 11.2).
const leastPassword = 8

// Check says what is wrong with a user. The errors name the part, never a password.
func (u User) Check() error {
	switch {
	case len(u.Name) < 1 || len(u.Name) > 32:
		return errors.New("user: a name has 1 to 32 octets")
	case len(u.Context) > 32:
		return errors.New("user: a context has at most 32 octets")
	case u.Auth != "" && !slices.Contains(AuthProtocols(), u.Auth):
		return fmt.Errorf("user: there is no authentication protocol %q", u.Auth)
	case u.Priv != "" && !slices.Contains(PrivProtocols(), u.Priv):
		return fmt.Errorf("user: there is no privacy protocol %q", u.Priv)
	case u.Priv != "" && u.Auth == "":
		return errors.New("user: privacy needs authentication, too")
	case u.Auth != "" && len(u.AuthPassword) < leastPassword:
		return fmt.Errorf("user: the password for authentication has less than %d octets", leastPassword)
	case u.Priv != "" && len(u.PrivPassword) < leastPassword:
		return fmt.Errorf("user: the password for privacy has less than %d octets", leastPassword)
	}
	return nil
}

// in is the credential with a definite version and with what belongs to it only.
func (c Credential) in(v Version) Credential {
	if v == V3 {
		return Credential{Version: v, User: c.User}
	}
	return Credential{Version: v, Community: c.Community}
}
