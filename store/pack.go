package store

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"
)

// packFrom is the size in bytes from which a text is packed: below it, what is saved
// is not worth the time.
const packFrom = 1 << 10

// A packer makes long texts shorter on disk. It keeps what is expensive to make. Its
// zero value works; it is safe for concurrent use.
type packer struct {
	writers sync.Pool // of *flate.Writer
	readers sync.Pool // of io.ReadCloser, which is a flate.Resetter
}

// pack returns a text in the form in which it is stored, and the flags that say so.
func (p *packer) pack(text []byte) (stored []byte, flags byte) {
	if len(text) < packFrom {
		return text, 0
	}
	var b bytes.Buffer
	w, ok := p.writers.Get().(*flate.Writer)
	if !ok {
		var err error
		if w, err = flate.NewWriter(&b, flate.DefaultCompression); err != nil {
			return text, 0 // it has only the level to complain about
		}
	}
	defer p.writers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(text); err != nil || w.Close() != nil || b.Len() > len(text)*7/8 {
		return text, 0
	}
	return b.Bytes(), deflated
}

// unpack returns the text that pack was given. What does not end within MaxBody was
// not packed by us.
func (p *packer) unpack(stored []byte, flags byte) ([]byte, error) {
	if flags&deflated == 0 {
		return stored, nil
	}
	r, ok := p.readers.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(nil)
	}
	defer p.readers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(stored), nil); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text := bytes.NewBuffer(make([]byte, 0, min(8*len(stored), MaxBody))) // readings become an eighth, at the best
	_, err := text.ReadFrom(io.LimitReader(r, MaxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case text.Len() > MaxBody:
		return nil, errors.New("unpack: there is too much")
	}
	return text.Bytes(), nil
}
