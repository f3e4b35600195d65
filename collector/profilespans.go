package collector

import (
	"slices"
	"strconv"
	"strings"
)

// maxTableRows is how many rows of a maker's table are read. Canon's panels know some 400
// counters.
const maxTableRows = 512

// usualRows is how many of them are expected, whatever the profile knows: of all that a
// maker can count, one model has a part.
const usualRows = 28

// spans lists what a profile asks for, but for what it falls back on.
func (p *Profile) spans() []span {
	var oids []string
	for _, list := range [][]Object{p.Device.Serial, p.Device.Model, p.Device.Firmware} {
		for _, o := range list {
			oids = append(oids, o.OID)
		}
	}
	for _, m := range p.Meters {
		oids = append(oids, m.OID)
	}
	for _, s := range p.Supplies {
		if s.Decode != "" {
			oids = append(oids, s.Percent)
		}
	}
	spans := objectSpans(oids)
	for _, t := range p.Tables {
		if !t.Fallback {
			spans = append(spans, t.spans()...)
		}
	}
	for _, s := range p.Supplies {
		if s.Decode == "" {
			spans = append(spans, columnSpans(s.Label, s.Percent, 5)...)
		}
	}
	return spans
}

// fallbacks are the tables to read of a device that has none of the others.
func (p *Profile) fallbacks(found harvest) []span {
	var spans []span
	if p == nil {
		return nil
	}
	for _, t := range p.Tables {
		if !t.Fallback && len(found[t.Value]) > 0 || t.Fallback && t.Key != "" && len(found[t.Key]) > 0 {
			return nil
		}
		if t.Fallback {
			spans = append(spans, t.spans()...)
		}
	}
	return spans
}

// spans read a table. Of one whose index is the key, the rows before the first that
// is known are left out; whether there are any is asked as well, since that decides
// what to fall back on.
func (t Table) spans() []span {
	if t.Key != "" {
		return columnSpans(t.Key, t.Value, len(t.Rows))
	}
	spans := columnSpans("", t.Value, len(t.Rows))
	switch {
	case t.Label != "":
		spans = append(spans, columnSpans("", t.Label, len(t.Rows))...)
	case len(t.known) > 0:
		spans[0].after, spans[0].indexes = t.after(), t.known
		spans = append(spans, one(t.Value))
	}
	return spans
}

// indexes are those of the rows, of a table whose index is the key and a number; nil of
// others.
func (t Table) indexes() []int {
	var indexes []int
	for _, row := range t.Rows {
		for _, is := range row.Is {
			n, err := strconv.Atoi(is)
			if t.Key != "" || err != nil || n < 1 {
				return nil
			}
			indexes = append(indexes, n)
		}
	}
	slices.Sort(indexes)
	return slices.Compact(indexes)
}

// after is the index behind which the rows are that are told, "" if all are. Whatever
// is before that was only asked for to see whether there is anything.
func (t Table) after() string {
	if len(t.known) == 0 {
		return ""
	}
	return strconv.Itoa(t.known[0] - 1)
}

// columnSpans read one or two columns of a table, in one go if they are neighbours.
func columnSpans(key, value string, rows int) []span {
	table := span{from: value, to: value, rows: min(max(rows, 1), usualRows), most: maxTableRows}
	if key == "" {
		return []span{table}
	}
	keyEntry, keyColumn := splitOID(key)
	entry, column := splitOID(value)
	k, _ := strconv.Atoi(keyColumn)
	if v, _ := strconv.Atoi(column); keyEntry == entry && v == k+1 {
		table.from = key
		return []span{table}
	}
	if v, _ := strconv.Atoi(column); keyEntry == entry && v == k-1 {
		table.to = key
		return []span{table}
	}
	keys := table
	keys.from, keys.to = key, key
	return []span{keys, table}
}

// objectSpans read single objects. Those that lie close together in one column are
// read in one go.
func objectSpans(oids []string) []span {
	const near = 3
	oids = slices.Clone(oids)
	slices.SortFunc(oids, compareOID)
	oids = slices.Compact(oids)
	var spans []span
	for len(oids) > 0 {
		column, index := splitOID(oids[0])
		first, _ := strconv.Atoi(index)
		last, n := first, 1
		for ; n < len(oids); n++ {
			c, i := splitOID(oids[n])
			next, _ := strconv.Atoi(i)
			if c != column || next > last+near {
				break
			}
			last = next
		}
		s := one(column)
		if first > 0 {
			s.after = strconv.Itoa(first - 1)
		}
		if last > first {
			s.rows, s.most = last-first+1, last-first+1
		}
		spans, oids = append(spans, s), oids[n:]
	}
	return spans
}

// subtrees are the branches that a profile names, as a recording of the device
// needs them.
func (p *Profile) subtrees() []string {
	var list []string
	for _, s := range p.spans() {
		list = append(list, s.from)
	}
	for _, t := range p.Tables {
		list = append(list, t.Key, t.Label, t.Value)
	}
	for _, s := range p.Supplies {
		list = append(list, s.Label, s.Percent)
	}
	list = slices.DeleteFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" })
	slices.SortFunc(list, compareOID)
	return slices.Compact(list)
}
