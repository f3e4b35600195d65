package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newFile returns the file of a store whose bulk lane has a root and some leaves.
func newFile(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "meteragent.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(func(t *Tx) error {
		for range 50 {
			if _, err := t.Append(Record{Lane: Bulk, Kind: "k"}, json.RawMessage(bytes.Repeat([]byte("1"), 500))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkBytes(data []byte) error {
	_, err := check(bytes.NewReader(data), int64(len(data)), time.Now().Add(time.Minute))
	return err
}

// Each rule of the check finds its damage.
func TestCheckFinds(t *testing.T) {
	good := newFile(t)
	if err := checkBytes(good); err != nil {
		t.Fatal(err)
	}
	m, err := newestMeta(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{file: bytes.NewReader(good), until: time.Now().Add(time.Minute), seen: make([]bool, m.pages)}
	if err := w.tree(m.root, nil, nil, 0); err != nil {
		t.Fatal(err)
	}
	// The branch and two of its leaves, as places in the file.
	var branch uint64
	for id, inUse := range w.seen {
		if at := uint64(id) * pageSize; inUse && u16(good[at+8:]) == branchPage {
			branch = at
		}
	}
	child := func(i uint64) uint64 { return u64(good[branch+pageHeader+i*elementSize+8:]) }
	leaf, next := child(0)*pageSize, child(1)*pageSize
	if branch == 0 || u16(good[leaf+10:]) < 4 || u16(good[next+10:]) < 4 {
		t.Fatal("the sample has another shape")
	}
	put := binary.NativeEndian
	element := func(page, i uint64) uint64 { return page + pageHeader + i*elementSize }
	for name, damage := range map[string]func(d []byte) []byte{
		"cut by a page":        func(d []byte) []byte { return d[:(m.pages-1)*pageSize] },
		"page is another":      func(d []byte) []byte { d[leaf]++; return d },
		"type":                 func(d []byte) []byte { d[leaf+8] = freelistPage; return d },
		"two types":            func(d []byte) []byte { d[leaf+8] = leafPage | branchPage; return d },
		"one element less":     func(d []byte) []byte { d[leaf+10]--; return d },
		"one element more":     func(d []byte) []byte { d[leaf+10]++; return d },
		"no elements":          func(d []byte) []byte { d[leaf+10] = 0; return d },
		"no children":          func(d []byte) []byte { d[branch+10] = 0; return d },
		"elements outside":     func(d []byte) []byte { d[leaf+11] = 0xFF; return d },
		"overflow into others": func(d []byte) []byte { d[leaf+12] = 1; return d },
		"overflow out of file": func(d []byte) []byte { d[leaf+14] = 1; return d },
		"overflow without end": func(d []byte) []byte { put.PutUint32(d[leaf+12:], 0xFFFFFFFF); return d },
		"key of no length":     func(d []byte) []byte { put.PutUint32(d[element(leaf, 1)+8:], 0); return d },
		"value shorter":        func(d []byte) []byte { e := element(leaf, 1); put.PutUint32(d[e+12:], u32(d[e+12:])-1); return d },
		"value outside":        func(d []byte) []byte { e := element(leaf, 3); put.PutUint32(d[e+12:], 1<<31); return d },
		"position":             func(d []byte) []byte { d[element(leaf, 1)+4] ^= 1; return d },
		"value is a bucket":    func(d []byte) []byte { d[element(leaf, 1)] = bucketElement; return d },
		"keys swapped": func(d []byte) []byte {
			d[keyAt(d, element(leaf, 1))+7], d[keyAt(d, element(leaf, 2))+7] = 3, 2
			return d
		},
		"key twice":       func(d []byte) []byte { d[keyAt(d, element(leaf, 1))+7] = 1; return d },
		"key of the next": func(d []byte) []byte { d[keyAt(d, element(leaf, 3))+6] = 1; return d },
		"first key is longer": func(d []byte) []byte { // into the value, which is shorter: in order and in place
			e := element(leaf, 0)
			put.PutUint32(d[e+8:], u32(d[e+8:])+1)
			put.PutUint32(d[e+12:], u32(d[e+12:])-1)
			return d
		},
		"first key is sooner": func(d []byte) []byte { d[keyAt(d, element(next, 0))+7]--; return d },
		"child twice":         func(d []byte) []byte { put.PutUint64(d[element(branch, 1)+8:], child(0)); return d },
		"child is itself":     func(d []byte) []byte { put.PutUint64(d[element(branch, 1)+8:], branch/pageSize); return d },
		"child is a head":     func(d []byte) []byte { put.PutUint64(d[element(branch, 1)+8:], 1); return d },
		"child outside":       func(d []byte) []byte { put.PutUint64(d[element(branch, 1)+8:], m.pages); return d },
	} {
		if err := checkBytes(damage(bytes.Clone(good))); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// keyAt is where the key of the leaf element at this place is.
func keyAt(data []byte, element uint64) uint64 { return element + uint64(u32(data[element+4:])) }

// Whatever stands in a file, check neither panics nor reads without end. (That
// bbolt opens what check lets pass is tested with whole files.)
func FuzzCheck(f *testing.F) {
	good := newFile(f)
	for at := 0; at < len(good); at += pageSize {
		f.Add(at, good[at:at+64], len(good))
		f.Add(at+8, []byte{1, 0, 0, 0}, len(good))
		f.Add(at+10, []byte{0xFF, 0xFF, 1}, len(good))
		f.Add(at+16, []byte{1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, at)
	}
	f.Fuzz(func(t *testing.T, at int, patch []byte, size int) {
		data := bytes.Clone(good)
		if at >= 0 && at < len(data) {
			copy(data[at:], patch)
		}
		data = data[:min(max(size, 0), len(data))]
		if err := checkBytes(data); err == nil && len(data) < smallestFile {
			t.Error("a file that is too short passed")
		}
	})
}
