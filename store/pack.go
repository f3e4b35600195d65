package store

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packFrom is the size in bytes from which a text is packed: below it, what is saved
// is not worth the time.
const packFrom = 1 << 10

// packWindow is how many bytes the packer looks back, of which it needs some memory.
const packWindow = 64 << 10

// A packer makes long texts shorter on disk. It keeps what is expensive to make. Its
// zero value works; it is safe for concurrent use.
type packer struct {
	once    sync.Once
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	readers sync.Pool // of *inflater, for what formats 2 and 3 packed
}

// prepare makes what packs. Both have only their options to complain about.
func (p *packer) prepare() {
	p.encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(packWindow), zstd.WithLowerEncoderMem(true))
	p.decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecoderLowmem(true))
}

// An inflater is used again and again.
type inflater struct {
	from   bytes.Reader
	reader io.ReadCloser // of from; is a flate.Resetter
	text   []byte        // what was read last
}

// pack appends a text in the form in which it is stored, and returns the flags that say so.
// It stays as it is if packing saves less than an eighth.
func (p *packer) pack(to, text []byte) (value []byte, flags byte) {
	if len(text) >= packFrom {
		p.once.Do(p.prepare)
		if value := p.encoder.EncodeAll(text, to); len(value)-len(to) <= len(text)*7/8 {
			return value, zipped
		}
	}
	return append(to, text...), 0
}

// unpack appends the text that pack was given. What does not end within MaxBody was not
// packed by us.
func (p *packer) unpack(to, stored []byte, flags byte) ([]byte, error) {
	switch {
	case flags&zipped != 0:
		p.once.Do(p.prepare)
		text, err := p.decoder.DecodeAll(stored, to)
		if err != nil {
			return to, fmt.Errorf("unpack: %w", err)
		}
		return text, nil
	case flags&deflated == 0:
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

// unpackedSize is how long a stored text is, in bytes: a guess, if it does not say so.
func unpackedSize(stored []byte, flags byte) int {
	var h zstd.Header
	switch {
	case flags&deflated != 0:
		return 5 * len(stored) // of a reading
	case flags&zipped != 0 && h.Decode(stored) == nil:
		return int(min(h.FrameContentSize, MaxBody))
	}
	return len(stored)
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
