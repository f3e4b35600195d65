package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// This file reads a bbolt file without mapping it, before bbolt may, and proves that
// bbolt will not stumble: every page that can be reached is inside the file, is what
// its parent says it is, is reached once, and has its keys in order and its contents
// packed as bbolt packs them. Checksums of values are looked at later, when each is
// read.

// check returns how many pages are in use if bbolt can be trusted with the file, or says
// what is wrong. A file that cannot be read by a certain time is as bad as one that
// cannot be read.
func check(file io.ReaderAt, size int64, until time.Time) (used int, err error) {
	if size < smallestFile {
		return 0, fmt.Errorf("it has only %d bytes", size)
	}
	m, err := newestMeta(file)
	if err != nil {
		return 0, err
	}
	if m.pages > uint64(size)/pageSize {
		return 0, fmt.Errorf("it ends after %d bytes of %d", size, m.pages*pageSize)
	}
	w := &walk{file: file, until: until, seen: make([]bool, m.pages)}
	if err := w.tree(m.root, nil, nil, 0); err != nil {
		return 0, err
	}
	for _, inUse := range w.seen {
		if inUse {
			used++
		}
	}
	if m.freelist == noFreelist {
		return used, nil
	}
	return used, w.freelist(m.freelist)
}

// walk goes through all trees.
type walk struct {
	file    io.ReaderAt
	until   time.Time
	seen    []bool   // by page
	buffers [][]byte // by depth, to be used again
}

// read returns a page nobody has seen yet; its data is valid until the next page of
// the same depth is read.
func (w *walk) read(id uint64, depth int) (*page, error) {
	if id < 2 || id >= uint64(len(w.seen)) {
		return nil, fmt.Errorf("a page %d is pointed to, of %d", id, len(w.seen))
	}
	if time.Now().After(w.until) {
		return nil, errors.New("it could not be read in time")
	}
	if depth >= maxDepth {
		return nil, fmt.Errorf("page %d lies too deep", id)
	}
	data, err := w.load(id, 1, depth)
	if err != nil {
		return nil, err
	}
	overflow := uint64(u32(data[12:]))
	if u64(data) != id || overflow >= uint64(len(w.seen))-id || overflow >= maxPages {
		return nil, fmt.Errorf("page %d is not what it was", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i] {
			return nil, fmt.Errorf("page %d is used twice", i)
		}
		w.seen[i] = true
	}
	if overflow > 0 {
		if data, err = w.load(id, int(overflow)+1, depth); err != nil {
			return nil, err
		}
	}
	return newPage(id, data), nil
}

// load reads whole pages into the buffer of a depth.
func (w *walk) load(id uint64, pages, depth int) ([]byte, error) {
	for len(w.buffers) <= depth {
		w.buffers = append(w.buffers, nil)
	}
	data := slices.Grow(w.buffers[depth][:0], pages*pageSize)[:pages*pageSize]
	w.buffers[depth] = data
	_, err := w.file.ReadAt(data, int64(id)*pageSize)
	return data, err
}

// tree checks a page and all below it. Its first key is low and all are below high,
// where these are not nil.
func (w *walk) tree(id uint64, low, high []byte, depth int) error {
	p, err := w.read(id, depth)
	if err != nil {
		return err
	}
	switch {
	case p.count == 0 && (low != nil || p.flags != leafPage):
		return fmt.Errorf("page %d is empty", id) // which only the one leaf of an empty bucket may be
	case p.flags == leafPage:
		return w.leaf(p, low, high, depth)
	case p.flags == branchPage:
		return w.branch(p, low, high, depth)
	}
	return fmt.Errorf("page %d is neither branch nor leaf", id)
}

func (w *walk) branch(p *page, low, high []byte, depth int) error {
	keys := make([][]byte, p.count+1)
	keys[p.count] = high
	for i := range p.count {
		key, err := p.branchKey(i)
		if err == nil {
			err = inOrder(p.id, i, key, low, high)
		}
		if err != nil {
			return err
		}
		keys[i], low = key, key
	}
	for i := range p.count {
		child := u64(p.data[pageHeader+i*elementSize+8:])
		if err := w.tree(child, keys[i], keys[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(p *page, low, high []byte, depth int) error {
	for i := range p.count {
		key, value, isBucket, err := p.leafElement(i)
		if err == nil {
			err = inOrder(p.id, i, key, low, high)
		}
		if err == nil && isBucket {
			err = w.bucket(value, depth)
		}
		if err != nil {
			return err
		}
		low = key
	}
	return nil
}

// bucket checks a bucket that is a value: a page number, or a small leaf in place.
func (w *walk) bucket(value []byte, depth int) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket is cut short")
	}
	if root := u64(value); root != 0 {
		return w.tree(root, nil, nil, depth+1)
	}
	inside := value[bucketHeader:]
	if len(inside) < pageHeader || u16(inside[8:]) != leafPage {
		return errors.New("a small bucket is not a leaf")
	}
	p := newPage(0, inside)
	var low []byte
	for i := range p.count {
		key, _, isBucket, err := p.leafElement(i)
		if err == nil && isBucket {
			err = errors.New("a small bucket holds a bucket")
		}
		if err == nil {
			err = inOrder(p.id, i, key, low, nil)
		}
		if err != nil {
			return err
		}
		low = key
	}
	return nil
}

// inOrder checks key i of a page: the first must be what the parent says, if there is
// one, the others above their predecessor, and all below high.
func inOrder(id uint64, i int, key, previous, high []byte) error {
	order := 1
	if i == 0 {
		order = 0 // bbolt takes a page whose first key differs from its parent's for another
	}
	if previous != nil && bytes.Compare(key, previous) != order || high != nil && bytes.Compare(key, high) >= 0 {
		return fmt.Errorf("page %d: key %d is out of order", id, i)
	}
	return nil
}

// freelist checks the list of free pages, which only a newborn file has.
func (w *walk) freelist(id uint64) error {
	p, err := w.read(id, 0)
	if err != nil {
		return err
	}
	if p.flags != freelistPage || p.count == freelistInside || pageHeader+8*p.count > len(p.data) {
		return fmt.Errorf("page %d is not a list of free pages", id)
	}
	for i := range p.count {
		free := u64(p.data[pageHeader+8*i:])
		if free < 2 || free >= uint64(len(w.seen)) || w.seen[free] {
			return fmt.Errorf("page %d is both free and in use", free)
		}
		w.seen[free] = true
	}
	return nil
}
