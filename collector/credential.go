package collector

import "log/slog"

// A Credential is one way to talk to a device.
type Credential struct {
	Version   Version
	Community Secret // of versions 1 and 2c; at most 127 octets
	User      User   // of version 3
}

// A Version is a version of SNMP.
type Version int

// The versions.
const (
	Auto Version = iota // version 2c, and if that gets no answer version 1
	V1                  // RFC 1157
	V2c                 // RFC 3416 with communities (RFC 1901)
	V3                  // RFC 3416 with users (RFC 3414)
)

// String returns the version as the configuration has it.
func (v Version) String() string {
	switch v {
	case V1:
		return "1"
	case V2c:
		return "2c"
	case V3:
		return "3"
	}
	return "auto"
}

// A Secret is text that must not appear in logs, errors or files.
type Secret string

const hidden = "(secret)"

// String returns a placeholder. Use Reveal for the text.
func (Secret) String() string { return hidden }

// GoString returns a placeholder.
func (Secret) GoString() string { return hidden }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns a placeholder, so that a Secret never gets into a file.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }
