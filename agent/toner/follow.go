package toner

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"meteragent/collector"
)

// follow lets what is known of a supply go with its colour when the device has numbered its
// rows anew, as an update of its firmware may: otherwise what is on its way would be ordered
// once more. Of several of one colour each goes with its serial number, or else to the row
// that says what it said. An order whose row is taken by another colour, while its own is
// not told, is set aside until that is.
func (v *visit) follow() {
	was, is := map[string][]string{}, map[string][]collector.Supply{} // by colour
	for _, key := range slices.Sorted(maps.Keys(v.ledger.Supplies)) {
		colour := v.ledger.Supplies[key].Colour
		was[colour] = append(was[colour], key)
	}
	for _, s := range v.supplies {
		is[s.Colorant] = append(is[s.Colorant], s)
	}
	moved, gone := map[string]Supply{}, []string{}
	for colour, rows := range is {
		for to, from := range v.pairs(was[colour], rows) {
			moved[to], gone = v.ledger.Supplies[from].from(from), append(gone, from)
		}
	}
	for _, key := range gone {
		delete(v.ledger.Supplies, key)
	}
	for key, s := range moved {
		v.ledger.setAside(key)
		v.ledger.Supplies[key] = s
	}
}

// from notes under which key a supply was first seen, after which its orders are named.
func (s Supply) from(key string) Supply {
	s.Place = cmp.Or(s.Place, key)
	return s
}

// setAside keeps an order whose key is another supply's now, under one that no device has.
func (l *Ledger) setAside(key string) {
	if s, found := l.Supplies[key]; found && s.ordered() {
		l.Supplies[asideKey(key, s.Colour)] = s.from(key)
	}
	delete(l.Supplies, key)
}

func asideKey(key, colour string) string { return key + " " + colour }

// pairs says which rows of a colour are supplies that are known by another key: the old key
// by the new one.
func (v *visit) pairs(known []string, rows []collector.Supply) map[string]string {
	pairs, known, rows := map[string]string{}, slices.Clone(known), slices.Clone(rows)
	pair := func(i, j int) {
		if known[i] != rows[j].Key {
			pairs[rows[j].Key] = known[i]
		}
		known, rows = slices.Delete(known, i, i+1), slices.Delete(rows, j, j+1)
	}
	for _, moved := range []bool{false, true} { // a number may be that of several
		for j := len(rows) - 1; j >= 0; j-- {
			serial := strings.TrimSpace(rows[j].SerialNumber)
			i := slices.IndexFunc(known, func(key string) bool {
				return (moved || key == rows[j].Key) && Telling(serial) && v.ledger.Supplies[key].Serial == serial
			})
			if i >= 0 {
				pair(i, j)
			}
		}
	}
	if !anew(known, rows) {
		return pairs
	}
	for len(known) > 0 && len(rows) > 0 {
		pair(v.nearest(known, rows))
	}
	return pairs
}

// anew says that rows have other keys, and not only that one is missing or new.
func anew(known []string, rows []collector.Supply) bool {
	is := make([]string, len(rows))
	for i, s := range rows {
		is[i] = s.Key
	}
	in := func(keys []string) func(string) bool {
		return func(key string) bool { return !slices.Contains(keys, key) }
	}
	return slices.ContainsFunc(known, in(is)) && slices.ContainsFunc(is, in(known))
}

// nearest are a supply and a row of its colour that say most nearly the same; the first ones
// where several do.
func (v *visit) nearest(known []string, rows []collector.Supply) (i, j int) {
	least := math.Inf(1)
	for k, key := range known {
		for n, row := range rows {
			if far := v.ledger.Supplies[key].far(observe(v.reading, row, v.supplies)); far < least {
				least, i, j = far, k, n
			}
		}
	}
	return i, j
}

// far is how far an observation is from what was said last, in percentage points; where
// either is not measured, whether the device complains counts.
func (s Supply) far(o Observation) float64 {
	if s.Use.Level != nil && o.Percent != nil {
		return math.Abs(*s.Use.Level - *o.Percent)
	}
	if n := len(s.Readings); n > 0 && (s.Readings[n-1].Signal != "") == (o.Signal != "") {
		return 100
	}
	return 200
}
