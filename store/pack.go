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
	readers sync.Pool // of *inflater
}

// An inflater is used again and again.
type inflater struct {
	from   bytes.Reader
	reader io.ReadCloser // of from; is a flate.Resetter
	text   []byte        // what was read last
}

// pack appends a text in the form in which it is stored, and returns the flags that say so.
func (p *packer) pack(to, text []byte) (value []byte, flags byte) {
	if len(text) >= packFrom {
		if value, ok := p.deflate(to, text); ok {
			return value, deflated
		}
	}
	return append(to, text...), 0
}

// deflate is pack, unless it saves less than an eighth.
func (p *packer) deflate(to, text []byte) (value []byte, ok bool) {
	b := bytes.NewBuffer(to)
	w, ok := p.writers.Get().(*flate.Writer)
	if !ok {
		var err error
		if w, err = flate.NewWriter(b, flate.DefaultCompression); err != nil {
			return nil, false // it has only the level to complain about
		}
	}
	defer p.writers.Put(w)
	w.Reset(b)
	if _, err := w.Write(text); err != nil || w.Close() != nil || b.Len()-len(to) > len(text)*7/8 {
		return nil, false
	}
	return b.Bytes(), true
}

// unpack appends the text that pack was given. What does not end within MaxBody was not
// packed by us.
func (p *packer) unpack(to, stored []byte, flags byte) ([]byte, error) {
	if flags&deflated == 0 {
		return append(to, stored...), nil
	}
	r, ok := p.readers.Get().(*inflater)
	if !ok {
		r = &inflater{reader: flate.NewReader(nil)}
	}
	defer p.readers.Put(r)
	if err := r.inflate(stored); err != nil {
		return to, fmt.Errorf("unpack: %w", err)
	}
	return append(to, r.text...), nil
}

// inflate leaves the text in r.text.
func (r *inflater) inflate(stored []byte) error {
	r.from.Reset(stored)
	if err := r.reader.(flate.Resetter).Reset(&r.from, nil); err != nil {
		return err
	}
	b := bytes.NewBuffer(r.text[:0])
	_, err := b.ReadFrom(io.LimitReader(r.reader, MaxBody+1))
	r.from.Reset(nil) // a value is part of the file, and valid only within a transaction
	r.text = b.Bytes()
	if err == nil && len(r.text) > MaxBody {
		err = errors.New("there is too much")
	}
	return err
}
