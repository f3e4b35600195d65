package store

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// This file reads what is left of a damaged store. Nothing in it is believed without
// its checksum, and every read is bounded.
//
// Keyed values, quarantine and what is to be sent again are taken only from the
// trees: an old copy that lies about would be a wrong value. A record never changes,
// so it is taken from wherever it lies, also when no tree leads there any more. At
// worst it has been delivered before, and the portal drops what repeats.

// rescuedPages is how many pages one element can take with its overflow: the longest
// body, a reason and more.
const rescuedPages = 1 << 9

// What is found is written in steps, so that memory stays small.
const (
	rescueStep  = 1000    // values
	rescueBytes = 4 << 20 // of them
)

type rescue struct {
	to    *Store
	file  io.ReaderAt
	pages uint64 // in the file, with one that is cut
	until time.Time

	late    bool              // until has passed
	bad     map[uint64]bool   // pages
	walked  map[uint64]bool   // branches
	streams map[string]uint64 // lane bucket: the last number given, 0 if that is not known
	cursors map[string]uint64 // by key
	newer   int               // the format, if it is one that we do not know

	found      []foundValue // and not yet written
	foundBytes int
	err        error // of writing
}

type foundValue struct {
	bucket     string
	key, value []byte
	stray      bool
}

func newRescue(to *Store, file io.ReaderAt, size int64, until time.Time) *rescue {
	return &rescue{
		to: to, file: file, pages: uint64(size+pageSize-1) / pageSize, until: until,
		bad: map[uint64]bool{}, walked: map[uint64]bool{},
		streams: map[string]uint64{}, cursors: map[string]uint64{},
	}
}

// know says which streams there may be.
func (r *rescue) know(streams []string) {
	for _, stream := range streams {
		for _, lane := range lanes() {
			r.streams[laneBucket(lane, stream)] = 0
		}
	}
}

// run reads everything and writes it into the new store, with the report.
func (r *rescue) run(saved Saved) error {
	r.eachLeaf(r.name)
	r.eachLeaf(r.stray)
	r.flush()
	strayCursors := r.cursors
	r.cursors = map[string]uint64{}
	for _, m := range metas(r.file) {
		if r.root(m.root) {
			break // otherwise the state before the last transaction is the best there is
		}
	}
	if len(r.cursors) == 0 {
		r.cursors = strayCursors
	}
	if r.flush(); r.err != nil {
		return r.err
	}
	if r.newer != 0 {
		return newer(r.newer)
	}
	return r.to.Update(func(t *Tx) error { return r.finish(t, saved) })
}

// load reads a page with its overflow, as far as the file goes; nil if there is nothing.
func (r *rescue) load(id uint64) []byte {
	if r.late = r.late || time.Now().After(r.until); r.late || id < 2 || id >= r.pages {
		return nil
	}
	data := r.read(id, 1)
	if len(data) < pageHeader {
		return nil
	}
	if overflow := uint64(u32(data[12:])); overflow > 0 && overflow < rescuedPages {
		data = r.read(id, overflow+1)
	}
	return data
}

func (r *rescue) read(id, pages uint64) []byte {
	data := make([]byte, min(pages, r.pages-id)*pageSize)
	n, err := r.file.ReadAt(data, int64(id)*pageSize)
	if err != nil && err != io.EOF {
		r.bad[id] = true
	}
	return data[:n]
}

// elements calls fn with what is in its place in a leaf.
func elements(data []byte, fn func(key, value []byte, isBucket bool)) {
	for i := range int(u16(data[10:])) {
		at := uint64(pageHeader + i*elementSize)
		if at+elementSize > uint64(len(data)) {
			return
		}
		e := data[at:]
		start := at + uint64(u32(e[4:]))
		middle := start + uint64(u32(e[8:]))
		end := middle + uint64(u32(e[12:]))
		if end <= uint64(len(data)) {
			fn(data[start:middle], data[middle:end], u32(e)&bucketElement != 0)
		}
	}
}

// eachLeaf calls fn with what stands in any page that is, or was, a leaf.
func (r *rescue) eachLeaf(fn func(key, value []byte, isBucket bool)) {
	for id := uint64(2); id < r.pages && r.err == nil && !r.late; id++ {
		if data := r.load(id); len(data) >= pageHeader && u16(data[8:]) == leafPage {
			elements(data, fn)
		}
	}
}

// name learns which streams there are, and how far each was delivered. A cursor only
// goes forward, so the largest there ever was is the last.
func (r *rescue) name(key, value []byte, isBucket bool) {
	switch {
	case isBucket && isLane(string(key)) && len(value) >= bucketHeader:
		r.streams[string(key)] = max(r.streams[string(key)], u64(value[8:]))
	case !isBucket && bytes.Count(key, []byte{0}) == 2:
		r.cursor(key, value)
	}
}

func (r *rescue) cursor(key, value []byte) {
	if payload, err := unsealPlain(cursorBucket, key, value); err == nil {
		seq, _ := parseNumber(payload)
		r.cursors[string(key)] = max(r.cursors[string(key)], seq)
	}
}

// stray takes a record wherever it lies, unless every destination has answered for it.
func (r *rescue) stray(key, value []byte, isBucket bool) {
	seq, ok := parseNumber(key)
	if !ok || isBucket || len(value) < sealSize || value[0] == sealKeyOnly {
		return // the seals of format 1 do not prove the lane
	}
	for bucket := range r.streams {
		if seq > r.answered(bucket) {
			if _, _, err := unseal(bucket, key, value); err == nil {
				r.take(foundValue{bucket, key, value, true})
			}
		}
	}
}

// answered is the number of the last record all destinations have answered for.
func (r *rescue) answered(bucket string) uint64 {
	lane, stream := splitLane(bucket)
	var through uint64
	for i, dest := range r.to.destinations {
		if seq := r.cursors[string(join(dest, lane, stream))]; i == 0 || seq < through {
			through = seq
		}
	}
	return through
}

// root walks all trees, and reports whether there was a root at that page.
func (r *rescue) root(id uint64) bool {
	data := r.page(id)
	if data == nil {
		return false
	}
	r.tree(id, "", 0)
	return true
}

// page is a page that is what its number says, or nil.
func (r *rescue) page(id uint64) []byte {
	data := r.load(id)
	if len(data) < pageHeader || u64(data) != id || u16(data[8:]) != leafPage && u16(data[8:]) != branchPage {
		if !r.late {
			r.bad[id] = true
		}
		return nil
	}
	return data
}

// tree walks a page of a bucket and all below it, and passes over what is bad.
func (r *rescue) tree(id uint64, bucket string, depth int) {
	data := r.page(id)
	if data == nil || depth > maxDepth || r.err != nil {
		return
	}
	if u16(data[8:]) == leafPage {
		elements(data, func(key, value []byte, isBucket bool) { r.element(bucket, key, value, isBucket, depth) })
		return
	}
	if r.walked[id] {
		return
	}
	r.walked[id] = true
	for i := range int(u16(data[10:])) {
		at := pageHeader + i*elementSize
		if at+elementSize > len(data) {
			return
		}
		r.tree(u64(data[at+8:]), bucket, depth+1)
	}
}

// element takes what a tree leads to.
func (r *rescue) element(bucket string, key, value []byte, isBucket bool, depth int) {
	if !isBucket {
		if bucket != "" {
			r.proved(bucket, key, value)
		}
		return
	}
	if bucket != "" || len(value) < bucketHeader {
		return
	}
	name := string(key)
	if isLane(name) {
		r.streams[name] = max(r.streams[name], u64(value[8:]))
	}
	if root := u64(value); root != 0 {
		r.tree(root, name, depth+1)
	} else if inside := value[bucketHeader:]; len(inside) >= pageHeader {
		elements(inside, func(key, value []byte, isBucket bool) {
			if !isBucket {
				r.proved(name, key, value)
			}
		})
	}
}

// proved takes a value of a bucket if its checksum is right.
func (r *rescue) proved(bucket string, key, value []byte) {
	switch {
	case bucket == metaBucket:
		if n, ok := formatOf(value); string(key) == "format" && ok && n > format {
			r.newer = n
		}
	case bucket == cursorBucket:
		r.cursor(key, value)
	case isLane(bucket), bucket == quarantineBucket, bucket == returnedBucket, strings.HasPrefix(bucket, statePrefix):
		if _, _, err := unseal(bucket, key, value); err == nil && len(key) > 0 && len(key) <= maxKey {
			r.take(foundValue{bucket, key, value, false})
		}
	}
}

// take keeps a value until enough have come together to be written.
func (r *rescue) take(v foundValue) {
	v.key, v.value = bytes.Clone(v.key), bytes.Clone(v.value)
	r.found = append(r.found, v)
	if r.foundBytes += len(v.value); len(r.found) >= rescueStep || r.foundBytes >= rescueBytes {
		r.flush()
	}
}

// flush writes what was taken.
func (r *rescue) flush() {
	if r.err == nil && len(r.found) > 0 {
		r.err = r.to.Update(func(t *Tx) error {
			for _, v := range r.found {
				if err := t.restore(v); err != nil {
					return err
				}
			}
			return nil
		})
	}
	r.found, r.foundBytes = nil, 0
}

// restore puts a value where it was.
func (t *Tx) restore(v foundValue) error {
	b, err := t.tx.CreateBucketIfNotExists([]byte(v.bucket))
	if err != nil {
		return err
	}
	if v.bucket == returnedBucket { // the number of the next place
		if place, ok := parseNumber(v.key[max(0, len(v.key)-8):]); ok && place > b.Sequence() {
			if err := b.SetSequence(place); err != nil {
				return err
			}
		}
	}
	if old := b.Get(v.key); v.stray && old != nil && !laterRecord(v.value, old) {
		return nil
	}
	return b.Put(v.key, v.value)
}

// laterRecord compares two records that claim one number, of which one was never
// confirmed: the number was given again after a crash, and later.
func laterRecord(a, b []byte) bool {
	return recordTime(a).After(recordTime(b))
}

// finish makes the store whole and writes the report.
func (r *rescue) finish(t *Tx, saved Saved) error {
	cursors := t.bucket(cursorBucket)
	for key, seq := range r.cursors {
		if err := cursors.Put([]byte(key), seal(cursorBucket, []byte(key), 0, number(seq))); err != nil {
			return err
		}
	}
	for _, lane := range lanes() {
		if err := t.drop(lane); err != nil {
			return err
		}
	}
	known := false
	for bucket, given := range r.streams {
		lane, stream := splitLane(bucket)
		kept := t.lane(lane, stream)
		n, last := 0, max(given, r.answered(bucket))
		if kept != nil {
			if !slices.Contains(saved.Streams, stream) {
				saved.Streams = append(saved.Streams, stream)
			}
			for k := range scan(kept, nil, nil) {
				seq, _ := parseNumber(k)
				n, last = n+1, max(last, seq)
			}
		}
		saved.Records += n
		saved.Missing += int(last-r.answered(bucket)) - n
		known = known || given > 0
	}
	if !known {
		saved.Missing = -1
	}
	for name := range scan(t.tx, []byte(statePrefix), nil) {
		for range scan(t.bucket(string(name)), nil, nil) {
			saved.Values++
		}
	}
	for _, name := range []string{quarantineBucket, returnedBucket} {
		for range scan(t.bucket(name), nil, nil) {
			saved.Records++
		}
	}
	saved.BadPages, saved.Complete = len(r.bad), !r.late
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return t.bucket(metaBucket).Put([]byte("saved"), seal(metaBucket, []byte("saved"), 0, text))
}
