package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// This file is bbolt's page format, version 2, as far as check needs it. Numbers are
// in the machine's own byte order.

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

func u16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
func u64(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

// meta is what one of the two head pages says.
type meta struct {
	root, freelist, pages, txid uint64
}

// newestMeta returns the meta of the last transaction. Both head pages must be intact
// and of two transactions in a row, as bbolt writes them in turns. If one is not, the
// transaction it was about may have been confirmed, and its numbers must not be given
// again: so that is damage, even though the other one still leads to a sound tree.
func newestMeta(file io.ReaderAt) (meta, error) {
	all := metas(file)
	switch {
	case len(all) == 0:
		return meta{}, errors.New("neither of its two head pages is intact, or it is no database of this program")
	case len(all) == 1 || all[0].txid != all[1].txid+1:
		return meta{}, errors.New("one of its two head pages is not intact")
	}
	return all[0], nil
}

// metas returns those that are intact, the newest first.
func metas(file io.ReaderAt) []meta {
	var all []meta
	for page := range int64(2) {
		if m, ok := readMeta(file, page); ok && m.txid%2 == uint64(page) {
			all = append(all, m)
		}
	}
	if len(all) == 2 && all[0].txid < all[1].txid {
		slices.Reverse(all)
	}
	return all
}

func readMeta(file io.ReaderAt, page int64) (meta, bool) {
	head := make([]byte, metaSize)
	if _, err := file.ReadAt(head, page*pageSize+pageHeader); err != nil {
		return meta{}, false
	}
	sum := fnv.New64a()
	sum.Write(head[:56])
	if u32(head) != metaMagic || u32(head[4:]) != metaVersion ||
		u32(head[8:]) != pageSize || u64(head[56:]) != sum.Sum64() {
		return meta{}, false
	}
	return meta{
		root:     u64(head[16:]),
		freelist: u64(head[32:]),
		pages:    u64(head[40:]),
		txid:     u64(head[48:]),
	}, true
}

// page is one page, with its overflow.
type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte
	next  uint64 // where the next key must begin: all lie one behind the other
}

func newPage(id uint64, data []byte) *page {
	count := int(u16(data[10:]))
	return &page{id, u16(data[8:]), count, data, uint64(pageHeader + count*elementSize)}
}

// element returns the bytes of element i.
func (p *page) element(i int) ([]byte, error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return nil, fmt.Errorf("page %d: element %d lies outside", p.id, i)
	}
	return p.data[at : at+elementSize], nil
}

func (p *page) branchKey(i int) ([]byte, error) {
	e, err := p.element(i)
	if err != nil {
		return nil, err
	}
	key, _, err := p.cut(i, u32(e), u32(e[4:]), 0)
	return key, err
}

func (p *page) leafElement(i int) (key, value []byte, isBucket bool, err error) {
	e, err := p.element(i)
	if err != nil {
		return nil, nil, false, err
	}
	key, value, err = p.cut(i, u32(e[4:]), u32(e[8:]), u32(e[12:]))
	return key, value, u32(e)&bucketElement != 0, err
}

// cut returns the key of element i, at a distance from the element, and the value
// behind it.
func (p *page) cut(i int, distance, keySize, valueSize uint32) (key, value []byte, err error) {
	start := uint64(pageHeader+i*elementSize) + uint64(distance)
	middle := start + uint64(keySize)
	end := middle + uint64(valueSize)
	if keySize == 0 || start != p.next || end > uint64(len(p.data)) {
		return nil, nil, fmt.Errorf("page %d: element %d is out of place", p.id, i)
	}
	p.next = end
	return p.data[start:middle], p.data[middle:end], nil
}
