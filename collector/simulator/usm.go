package simulator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
)

// hash is the hash of the user's authentication protocol.
func (u User) hash() func() hash.Hash {
	switch u.Auth {
	case "sha1":
		return sha1.New
	case "sha224":
		return sha256.New224
	case "sha256":
		return sha256.New
	case "sha384":
		return sha512.New384
	case "sha512":
		return sha512.New
	}
	return md5.New
}

// digestLength is how many octets of a digest are sent (RFC 3414 sections 6.3.1 and
// 7.3.1, RFC 7860 section 4.2.1).
func (u User) digestLength() int {
	return map[string]int{"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}[u.Auth]
}

// at localizes the user's keys.
func (u User) at(engine []byte) localUser {
	l := localUser{User: u}
	if u.Auth != "" {
		l.authKey = u.localized([]byte(u.AuthPassword), engine)
	}
	if u.Priv != "" {
		length := map[string]int{"aes192": 24, "aes192c": 24, "aes256": 32, "aes256c": 32}[u.Priv]
		l.privKey = u.localized([]byte(u.PrivPassword), engine)
		for part := l.privKey; len(l.privKey) < length; l.privKey = append(l.privKey, part...) {
			if strings.HasSuffix(u.Priv, "c") {
				part = u.localized(part, engine) // draft-reeder-snmpv3-usm-3desede section 2.1
			} else {
				h := u.hash()() // draft-blumenthal-aes-usm-04 section 3.1.2.1
				h.Write(l.privKey)
				part = h.Sum(nil)
			}
		}
		l.privKey = l.privKey[:max(length, 16)]
	}
	return l
}

// localized turns a password into a key for one engine (RFC 3414 section 2.6).
func (u User) localized(password, engine []byte) []byte {
	h := u.hash()()
	endless := slices.Repeat(password, 1<<20/len(password)+1)
	h.Write(endless[:1<<20])
	key := h.Sum(nil)
	h.Reset()
	h.Write(slices.Concat(key, engine, key))
	return h.Sum(nil)
}

// sum is the digest of a message whose own digest is zero.
func (u *localUser) sum(message []byte) []byte {
	mac := hmac.New(u.hash(), u.authKey)
	mac.Write(message)
	return mac.Sum(nil)[:u.digestLength()]
}

// vector is what encryption begins with (RFC 3414 section 8.1.1.1, RFC 3826 section
// 3.1.2.1).
func (u *localUser) vector(salt []byte, boots, time int) []byte {
	if u.Priv != "des" {
		v := binary.BigEndian.AppendUint32(nil, uint32(boots))
		return append(binary.BigEndian.AppendUint32(v, uint32(time)), salt...)
	}
	v := slices.Clone(u.privKey[8:16])
	for i := range v {
		v[i] ^= salt[i]
	}
	return v
}

// block is the cipher of the user's privacy protocol. Its keys have the right length:
// at has made them.
func (u *localUser) block() cipher.Block {
	if u.Priv == "des" {
		b, _ := des.NewCipher(u.privKey[:8])
		return b
	}
	b, _ := aes.NewCipher(u.privKey)
	return b
}

func (u *localUser) encrypt(scoped, salt []byte, boots, time int) []byte {
	if u.Priv == "des" {
		scoped = append(scoped, make([]byte, (8-len(scoped)%8)%8)...)
		cipher.NewCBCEncrypter(u.block(), u.vector(salt, boots, time)).CryptBlocks(scoped, scoped)
		return scoped
	}
	feedback(u.block(), u.vector(salt, boots, time), scoped, true)
	return scoped
}

// decrypt returns nil for what cannot have been encrypted.
func (u *localUser) decrypt(secret []byte, v envelope) []byte {
	plain := slices.Clone(secret)
	vector := u.vector(v.salt, v.boots, v.time)
	if u.Priv != "des" {
		feedback(u.block(), vector, plain, false)
		return plain
	}
	if len(plain)%8 != 0 {
		return nil
	}
	cipher.NewCBCDecrypter(u.block(), vector).CryptBlocks(plain, plain)
	return plain
}

// feedback is cipher feedback mode with whole blocks (CFB-128), in place.
func feedback(b cipher.Block, vector, data []byte, encrypt bool) {
	pad, last := make([]byte, len(vector)), slices.Clone(vector)
	for len(data) > 0 {
		b.Encrypt(pad, last)
		n := min(len(pad), len(data))
		if !encrypt {
			copy(last, data[:n])
		}
		for i := range n {
			data[i] ^= pad[i]
		}
		if encrypt {
			copy(last, data[:n])
		}
		data = data[n:]
	}
}
