package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// This file reads a bbolt file without mapping it, before bbolt may, and proves that
// bbolt will not stumble: every page that can be reached is inside the file, is what
// its parent says it is, is reached once, and has its keys in order. The names and
// sizes are those of bbolt's page format, version 2, written in the machine's own
// byte order. Checksums of values are looked at later, when each is read.

const (
	pageSize       = 4096 // of every store; see doc.go
	pageHeader     = 16   // id 8, flags 2, count 2, overflow 4
	elementSize    = 16   // of a branch: position 4, key size 4, page 8; of a leaf: flags, position, key and value size
	bucketHeader   = 16   // root page 8, sequence 8
	metaSize       = 64
	metaMagic      = 0xED0CDAED
	metaVersion    = 2
	branchPage     = 0x01
	leafPage       = 0x02
	freelistPage   = 0x10
	bucketElement  = 0x01
	noFreelist     = ^uint64(0)
	maxDepth       = 32      // of a tree; 32 levels hold more than any disk
	maxPages       = 1 << 14 // that one page takes with its overflow: 64 MiB; ours stay below 6
	smallestFile   = 4 * pageSize
	freelistInside = 0xFFFF // this count says that the first entry is the count
)

var native = binary.NativeEndian

// meta is what one of the two head pages says.
type meta struct {
	root, freelist, pages, txid uint64
}

// check returns nil if bbolt can be trusted with the file, or says what is wrong.
func check(file io.ReaderAt, size int64) error {
	if size < smallestFile {
		return fmt.Errorf("it has only %d bytes", size)
	}
	m, err := newestMeta(file)
	if err != nil {
		return err
	}
	if m.pages > uint64(size)/pageSize {
		return fmt.Errorf("it ends after %d bytes of %d", size, m.pages*pageSize)
	}
	w := &walk{file: file, seen: make([]bool, m.pages)}
	if err := w.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	if m.freelist == noFreelist {
		return nil
	}
	return w.freelist(m.freelist)
}

func newestMeta(file io.ReaderAt) (meta, error) {
	m0, ok0 := readMeta(file, 0)
	m1, ok1 := readMeta(file, 1)
	switch {
	case ok0 && (!ok1 || m0.txid > m1.txid):
		return m0, nil
	case ok1:
		return m1, nil
	}
	return meta{}, errors.New("neither of its two head pages is intact, or it is no database of this program")
}

func readMeta(file io.ReaderAt, page int64) (meta, bool) {
	head := make([]byte, metaSize)
	if _, err := file.ReadAt(head, page*pageSize+pageHeader); err != nil {
		return meta{}, false
	}
	sum := fnv.New64a()
	sum.Write(head[:56])
	if native.Uint32(head) != metaMagic || native.Uint32(head[4:]) != metaVersion ||
		native.Uint32(head[8:]) != pageSize || native.Uint64(head[56:]) != sum.Sum64() {
		return meta{}, false
	}
	return meta{
		root:     native.Uint64(head[16:]),
		freelist: native.Uint64(head[32:]),
		pages:    native.Uint64(head[40:]),
		txid:     native.Uint64(head[48:]),
	}, true
}

// walk goes through all trees.
type walk struct {
	file    io.ReaderAt
	seen    []bool   // by page
	buffers [][]byte // by depth, to be used again
}

// page is one page, with its overflow.
type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte
}

// read returns a page nobody has seen yet; its data is valid until the next page of
// the same depth is read.
func (w *walk) read(id uint64, depth int) (page, error) {
	if id < 2 || id >= uint64(len(w.seen)) {
		return page{}, fmt.Errorf("a page %d is pointed to, of %d", id, len(w.seen))
	}
	if depth >= maxDepth {
		return page{}, fmt.Errorf("page %d lies too deep", id)
	}
	data, err := w.load(id, 1, depth)
	if err != nil {
		return page{}, err
	}
	overflow := uint64(native.Uint32(data[12:]))
	if native.Uint64(data) != id || overflow >= uint64(len(w.seen))-id || overflow >= maxPages {
		return page{}, fmt.Errorf("page %d is not what it was", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i] {
			return page{}, fmt.Errorf("page %d is used twice", i)
		}
		w.seen[i] = true
	}
	if overflow > 0 {
		if data, err = w.load(id, int(overflow)+1, depth); err != nil {
			return page{}, err
		}
	}
	return page{id, native.Uint16(data[8:]), int(native.Uint16(data[10:])), data}, nil
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

// tree checks a page and all below it. Keys are at least low and below high, where
// these are not nil.
func (w *walk) tree(id uint64, low, high []byte, depth int) error {
	p, err := w.read(id, depth)
	if err != nil {
		return err
	}
	switch p.flags {
	case leafPage:
		return w.leaf(p, low, high, depth)
	case branchPage:
		return w.branch(p, low, high, depth)
	}
	return fmt.Errorf("page %d is neither branch nor leaf", id)
}

func (w *walk) branch(p page, low, high []byte, depth int) error {
	if p.count == 0 {
		return fmt.Errorf("page %d is an empty branch", p.id)
	}
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
		child := native.Uint64(p.data[pageHeader+i*elementSize+8:])
		if err := w.tree(child, keys[i], keys[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(p page, low, high []byte, depth int) error {
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
	if root := native.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, depth+1)
	}
	inside := value[bucketHeader:]
	if len(inside) < pageHeader || native.Uint16(inside[8:]) != leafPage {
		return errors.New("a small bucket is not a leaf")
	}
	p := page{flags: leafPage, count: int(native.Uint16(inside[10:])), data: inside}
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

func (p page) branchKey(i int) ([]byte, error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return nil, fmt.Errorf("page %d: element %d lies outside", p.id, i)
	}
	e := p.data[at:]
	key, _, err := p.cut(at, native.Uint32(e), native.Uint32(e[4:]), 0)
	return key, err
}

func (p page) leafElement(i int) (key, value []byte, isBucket bool, err error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return nil, nil, false, fmt.Errorf("page %d: element %d lies outside", p.id, i)
	}
	e := p.data[at:]
	key, value, err = p.cut(at, native.Uint32(e[4:]), native.Uint32(e[8:]), native.Uint32(e[12:]))
	return key, value, native.Uint32(e)&bucketElement != 0, err
}

// cut returns a key and the value behind it, at a distance from an element.
func (p page) cut(at int, distance, keySize, valueSize uint32) (key, value []byte, err error) {
	start := uint64(at) + uint64(distance)
	middle := start + uint64(keySize)
	end := middle + uint64(valueSize)
	if keySize == 0 || end > uint64(len(p.data)) {
		return nil, nil, fmt.Errorf("page %d: an element reaches outside", p.id)
	}
	return p.data[start:middle], p.data[middle:end], nil
}

// inOrder checks key i of a page against its predecessor, or the least it may be if
// i is 0, and against what it must stay below.
func inOrder(id uint64, i int, key, previous, high []byte) error {
	least := 0
	if i > 0 {
		least = 1
	}
	if previous != nil && bytes.Compare(key, previous) < least || high != nil && bytes.Compare(key, high) >= 0 {
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
		free := native.Uint64(p.data[pageHeader+8*i:])
		if free < 2 || free >= uint64(len(w.seen)) || w.seen[free] {
			return fmt.Errorf("page %d is both free and in use", free)
		}
		w.seen[free] = true
	}
	return nil
}
