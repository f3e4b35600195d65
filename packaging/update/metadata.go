package update

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Why metadata is refused.
var (
	ErrTampered   = errors.New("not signed by those who may, or changed since")
	ErrRolledBack = errors.New("older than what was seen before")
	ErrExpired    = errors.New("expired: nothing newer was published, or somebody holds it back")
)

// signed is one file of metadata: https://theupdateframework.github.io/specification/latest/#document-formats.
type signed struct {
	Signatures []struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"` // hexadecimal
	} `json:"signatures"`
	Signed json.RawMessage `json:"signed"`
}

// head is what every role's metadata begins with.
type head struct {
	Type    string    `json:"_type"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

type role struct {
	KeyIDs    []string `json:"keyids"`
	Threshold int      `json:"threshold"`
}

// root says whose signatures count.
type root struct {
	head
	Keys map[string]struct {
		Type   string `json:"keytype"`
		Scheme string `json:"scheme"`
		Value  struct {
			Public string `json:"public"` // hexadecimal
		} `json:"keyval"`
	} `json:"keys"`
	Roles map[string]role `json:"roles"`
}

// meta is what one file says of another. Length and Hashes may be missing.
type meta struct {
	Version int64             `json:"version"`
	Length  int64             `json:"length"` // bytes
	Hashes  map[string]string `json:"hashes"` // hexadecimal
}

// list is a timestamp, which names the snapshot, or a snapshot, which names the targets.
type list struct {
	head
	Meta map[string]meta `json:"meta"`
}

type targets struct {
	head
	Targets map[string]struct {
		meta
		Custom Release `json:"custom"`
	} `json:"targets"`
}

// A Release is one program for one system.
type Release struct {
	Version  string `json:"version"`
	Platform string `json:"platform"` // such as linux-arm-7
	Percent  int    `json:"percent"`  // of the agents that shall take it by themselves, 0 to 100
	Database int    `json:"database"` // the format of the database that it writes; 0 if that is not known

	Withheld error `json:"-"` // why a newer release was passed over; nil if none was

	name   string // of the target
	length int64  // bytes
	sha256 string // hexadecimal
}

// open checks a file's signatures against what r says of the role, and gives its content.
func (r *root) open(what string, data []byte, into any) error {
	var s signed
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%s: %w (%w)", what, ErrTampered, err)
	}
	message, err := canonical(s.Signed)
	if err != nil {
		return fmt.Errorf("%s: %w (%w)", what, ErrTampered, err)
	}
	who := r.Roles[what]
	valid := map[string]bool{} // by the key itself: one key may hide behind two names
	for _, signature := range s.Signatures {
		key := r.Keys[signature.KeyID]
		public, keyErr := hex.DecodeString(key.Value.Public)
		sig, sigErr := hex.DecodeString(signature.Sig)
		if keyErr == nil && sigErr == nil && key.Scheme == "ed25519" && len(public) == ed25519.PublicKeySize &&
			slices.Contains(who.KeyIDs, signature.KeyID) && ed25519.Verify(public, message, sig) {
			valid[string(public)] = true
		}
	}
	if who.Threshold < 1 || len(valid) < who.Threshold {
		return fmt.Errorf("%s: %d of %d signatures: %w", what, len(valid), max(1, who.Threshold), ErrTampered)
	}
	var h head
	if err := errors.Join(json.Unmarshal(s.Signed, &h), json.Unmarshal(s.Signed, into)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if h.Type != what || h.Version < 1 {
		return fmt.Errorf("%s: is version %d of %q: %w", what, h.Version, h.Type, ErrTampered)
	}
	return nil
}

// parseRoot reads keys that an administrator trusts: the file must be signed by its own.
func parseRoot(data []byte) (*root, error) {
	var s signed
	r := new(root)
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if err := json.Unmarshal(s.Signed, r); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	return r, r.open("root", data, new(root))
}

// follow is the next root after r: those who could sign r must have signed it, and those who can sign it, too.
func (r *root) follow(data []byte) (*root, error) {
	next := new(root)
	if err := r.open("root", data, next); err != nil {
		return nil, err
	}
	if err := next.open("root", data, new(root)); err != nil {
		return nil, err
	}
	if next.Version != r.Version+1 {
		return nil, fmt.Errorf("root: version %d follows %d: %w", next.Version, r.Version, ErrRolledBack)
	}
	return next, nil
}

func (h head) current(now time.Time) error {
	if now.After(h.Expires) {
		return fmt.Errorf("%s: since %s: %w", h.Type, h.Expires.Format(time.DateOnly), ErrExpired)
	}
	return nil
}

// fits says whether data is what m names.
func (m meta) fits(what string, data []byte) error {
	if m.Length != 0 && int64(len(data)) != m.Length {
		return fmt.Errorf("%s: %d bytes instead of %d: %w", what, len(data), m.Length, ErrTampered)
	}
	sum := sha256.Sum256(data)
	if want, named := m.Hashes["sha256"]; named && want != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("%s: its hash differs: %w", what, ErrTampered)
	}
	return nil
}

// canonical is the form of JSON that is signed: keys in order, no blanks, whole numbers, and only " and \ escaped. Source:
// http://wiki.laptop.org/go/Canonical_JSON.
func canonical(data []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case json.Number:
		if _, err := v.Int64(); err != nil {
			return fmt.Errorf("%s is no whole number", v)
		}
		b.WriteString(v.String())
	case string:
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`)
	case []any:
		b.WriteByte('[')
		for i, one := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encode(b, one); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		b.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(b, key) // a string always can be
			b.WriteByte(':')
			if err := encode(b, v[key]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	}
	return nil
}
