package collector

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

// The keys of RFC 3414 appendix A.3, and what the drafts make of longer ones.
func TestKeys(t *testing.T) {
	engine := string(append(make([]byte, 11), 2))
	for _, c := range []struct{ auth, priv, wantAuth, wantPriv string }{
		{"md5", "des", "526f5eed9fcce26f8964c2930787d82b", "526f5eed9fcce26f8964c2930787d82b"},
		{"sha1", "des", "6695febc9288e36282235fc7151f128497b38f3f", "6695febc9288e36282235fc7151f128497b38f3f"},
		{"sha1", "aes128", "6695febc9288e36282235fc7151f128497b38f3f", "6695febc9288e36282235fc7151f1284"},
	} {
		k, err := deriveKeys(User{Name: "u", Auth: c.auth, AuthPassword: "maplesyrup", Priv: c.priv, PrivPassword: "maplesyrup"}, engine)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(k.auth); got != c.wantAuth {
			t.Errorf("%s: %s", c.auth, got)
		}
		if got := hex.EncodeToString(k.priv); got != c.wantPriv {
			t.Errorf("%s %s: %s", c.auth, c.priv, got)
		}
	}
}

// Keys are derived once for an engine, whatever the contexts and the readings.
func TestKeysAreKept(t *testing.T) {
	c := New()
	u := User{Name: "u", Auth: "sha1", AuthPassword: "maplesyrup"}
	first, err := c.keysAt(u, "engine")
	if err != nil {
		t.Fatal(err)
	}
	u.Context = "other"
	again, err := c.keysAt(u, "engine")
	if err != nil || &first.auth[0] != &again.auth[0] {
		t.Errorf("derived again, %v", err)
	}
	if other, err := c.keysAt(u, "another engine"); err != nil || bytes.Equal(other.auth, first.auth) {
		t.Errorf("the same keys at another engine, %v", err)
	}
	if _, err := c.keysAt(User{Name: "u", Auth: "sha1"}, "engine"); err == nil {
		t.Error("a user without a password is taken")
	}
}

// FuzzSecured feeds a peer what it has not sent: it may believe none of it.
func FuzzSecured(f *testing.F) {
	user := User{Name: "reader", Auth: "md5", AuthPassword: "maplesyrup", Priv: "aes128", PrivPassword: "maplesyrup"}
	k, err := deriveKeys(user, "engine")
	if err != nil {
		f.Fatal(err)
	}
	c := newCodec(Credential{Version: V3, User: user}, &peer{user: user, engine: "engine", keys: k, boots: 1, at: time.Now()})
	question, err := c.encode(question{names: []string{sysDescr}}, 7)
	if err != nil {
		f.Fatal(err)
	}
	hello, err := probe(7)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(question)
	f.Add(hello)
	f.Add([]byte{0x30, 3, 2, 1, 3})
	f.Fuzz(func(t *testing.T, packet []byte) {
		a, _, err := c.decode(packet, &scratch{})
		if err == nil && a.variables != nil {
			t.Errorf("believed %+v", a)
		}
	})
}
