package transport

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/url"
	"time"
)

// A Sent is one message as it leaves, whether it arrives or not.
type Sent struct {
	At     time.Time
	To     string // "POST https://portal.example.com/events" or "PUBLISH " and the topic; nothing secret
	Type   string // content type
	Body   []byte // byte for byte; not to be changed
	Packed bool   // Body is compressed (gzip)
}

// Text is the body as it was before it was compressed.
func (s Sent) Text() (string, error) {
	if !s.Packed {
		return string(s.Body), nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(s.Body))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(unpacked)
	return string(text), err
}

// watch tells whoever wants to know what leaves. Only probes, which hold nothing, are
// not told.
func (c Config) watch(s Sent) {
	if c.Watch != nil {
		s.At = time.Now().UTC()
		c.Watch(s)
	}
}

// bare is a URL without what may be secret in it.
func bare(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
