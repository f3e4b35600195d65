package transport

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/url"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A Sent is one message as it leaves, whether it arrives or not.
type Sent struct {
	At     time.Time
	To     string // "POST https://portal.example.com/events" or "PUBLISH " and the topic; nothing secret
	Type   string // content type
	Body   []byte // byte for byte; whoever is told may look at it during the call, and must not change it
	Coding string // how Body is packed: "gzip", "zstd", or "identity" and "" for not at all
}

// Text is the body as it was before it was compressed.
func (s Sent) Text() (string, error) {
	text, err := unpacked(s.Coding, s.Body)
	return string(text), err
}

func unpacked(coding string, body []byte) (text []byte, err error) {
	var r io.Reader = bytes.NewReader(body)
	switch coding {
	case codedGzip:
		r, err = gzip.NewReader(r)
	case codedZstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
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
