package simulator

import (
	"slices"
	"sort"
)

// A cell is what one object of the tree holds at the moment. It is called with
// the copier's lock held.
type cell func(s *state) value

// num, str and ref are cells that never change.
func num(n int) cell     { return fixed(integer(n)) }
func str(s string) cell  { return fixed(text(s)) }
func ref(o string) cell  { return fixed(objectID(o)) }
func fixed(v value) cell { return func(*state) value { return v } }

// An object is one leaf of the tree: a name and what it holds.
type object struct {
	name oid
	kind int    // how many arcs of name are its object type; the others are the instance
	head []byte // name as a BER element, ready to send
	cell cell
}

// A tree is the objects of a device, sorted by name, each name once.
type tree []object

// find returns the place of name, and whether an object is there.
func (t tree) find(name oid) (int, bool) {
	return slices.BinarySearchFunc(t, name, func(o object, n oid) int { return slices.Compare(o.name, n) })
}

// after returns the place of the first object behind name.
func (t tree) after(name oid) int {
	i, found := t.find(name)
	if found {
		i++
	}
	return i
}

// missing returns what a v2c GET of a name without object says: noSuchInstance
// if objects of its type exist, otherwise noSuchObject (RFC 3416 section 4.2.1).
func (t tree) missing(name oid) value {
	i, _ := t.find(name)
	for _, o := range t[max(i-1, 0):min(i+1, len(t))] {
		if name.below(o.name[:o.kind]) {
			return nothing(tagNoInstance)
		}
	}
	return nothing(tagNoObject)
}

// add puts an object in; sorted must be called after the last one.
func (t *tree) add(name oid, kind int, c cell) {
	*t = append(*t, object{name: name, kind: kind, head: appendElement(nil, tagOID, name.contents()), cell: c})
}

// scalar adds an object that there is once: its instance is 0.
func (t *tree) scalar(name string, c cell) {
	o := append(arcs(name), 0)
	t.add(o, len(o)-1, c)
}

// columns are the cells of one row of a table, by column number.
type columns map[uint32]cell

// row adds one row of the table with this entry name. A column that is not
// given does not exist, as on real devices.
func (t *tree) row(entry string, index []uint32, cells columns) {
	prefix := arcs(entry)
	for column, c := range cells {
		name := slices.Concat(prefix, oid{column}, oid(index))
		t.add(name, len(prefix)+1, c)
	}
}

// sort brings the objects in order.
func (t tree) sort() {
	sort.SliceStable(t, func(i, j int) bool { return slices.Compare(t[i].name, t[j].name) < 0 })
}

// at makes a row's index.
func at(arcs ...uint32) []uint32 { return arcs }

// of makes the index of row i, counted from 0, of a table below hrDeviceIndex 1.
func of(i int) []uint32 { return at(1, uint32(i)+1) }
