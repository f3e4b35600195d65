package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// code is the maker's own number of a row.
func (t Table) code(row Counter, key string) string {
	if row.Code != "" || t.Code == "" {
		return row.Code
	}
	return t.Code + ":" + key
}

// row returns the row with a key, as the device tells it. Of a table whose other rows
// are told too, that is every row with a key.
func (t Table) row(key string) (Counter, bool) {
	for _, row := range t.Rows {
		if slices.ContainsFunc(row.Is, func(is string) bool { return strings.EqualFold(is, key) }) {
			return row, true
		}
	}
	return Counter{Format: FormatUnknown}, t.Unlisted && key != ""
}

// profileMeters are the counters that the profile knows: those of their own, rows of
// tables, and sums of both.
func (t telling) profileMeters() []Meter {
	if t.profile == nil {
		return nil
	}
	var meters []Meter
	meters = append(meters, t.unlistedEntries()...)
	for _, c := range t.profile.Meters {
		column, index := splitOID(c.OID)
		v := t.at(column, index)
		if c.Decode == "brother" {
			v = brotherEntry(v, c.Entry)
		}
		if n, ok := v.count(); ok {
			meters = append(meters, c.meter(n, c.OID, c.Code))
		}
	}
	for _, table := range t.profile.Tables {
		meters = append(meters, t.tableMeters(table)...)
	}
	return append(meters, t.profileSums(meters)...)
}

// unlistedEntries are the entries of Brother octet strings of which the profile does
// not say what they are.
func (t telling) unlistedEntries() []Meter {
	var meters []Meter
	for i, c := range t.profile.Meters {
		same := func(other Counter) bool { return other.OID == c.OID && other.Decode == c.Decode }
		if c.Decode != "brother" || slices.ContainsFunc(t.profile.Meters[:i], same) {
			continue
		}
		v := t.at(splitOID(c.OID))
		for id := range 255 {
			listed := func(other Counter) bool { return same(other) && other.Entry == id }
			if n, ok := brotherEntry(v, id).count(); ok && !slices.ContainsFunc(t.profile.Meters, listed) {
				code := fmt.Sprintf("brother:%02x", id)
				meters = append(meters, Counter{Format: FormatUnknown}.meter(n, c.OID, code))
			}
		}
	}
	return meters
}

func (t telling) tableMeters(table Table) []Meter {
	var meters []Meter
	for _, index := range t.tableRows(table) {
		row, key, known := t.counted(table, index)
		n, ok := t.at(table.Value, index).count()
		if row.Is == nil && n == 0 && strings.Trim(key, "0123456789.") == "" {
			continue // one of hundreds of numbers that this device does not count
		}
		if !known || !ok {
			continue
		}
		m := row.meter(n, table.Value+"."+index, table.code(row, key))
		if label := t.text(t.at(table.Label, index)); row.Is == nil && label != "" {
			m.Name = unnamed + slug(table.Code+" "+label)
		}
		meters = append(meters, m)
	}
	return meters
}

// tableRows are the indexes of the rows that are told.
func (t telling) tableRows(table Table) []string {
	rows, after := t.rows(table.Value), table.after()
	return slices.DeleteFunc(rows, func(index string) bool { return after != "" && compareOID(index, after) <= 0 })
}

// counted returns what the row of a table with an index counts, and its key.
func (t telling) counted(table Table, index string) (row Counter, key string, known bool) {
	key = index
	if table.Key != "" {
		key = t.key(t.at(table.Key, index))
	}
	row, known = table.row(key)
	return row, key, known
}

// key is a type or label, as a profile has it.
func (t telling) key(v variable) string {
	if v.kind == integer {
		return strconv.FormatInt(v.num, 10)
	}
	if v.kind == octets {
		return description(v.text, t.charset)
	}
	return ""
}

// meter is a counter that was read. One that PWG has no word for is named after its
// maker's own number or label, so that nothing is lost: "unnamed.canon-312".
func (c Counter) meter(n int64, oid, code string) Meter {
	unit := cmp.Or(c.Unit, measureOf(c.Name), "unknown")
	if c.Name == "" {
		c.Name = unnamed + slug(code)
	}
	return Meter{
		Name: c.Name, Value: n, Unit: unit, Format: cmp.Or(c.Format, Life),
		Persistence: Lifetime, Code: code, OID: oid, Confirmed: c.Confirmed, Quality: Good,
	}
}

// unnamed begins the names of meters that PWG has no word for.
const unnamed = "unnamed."

// slug is a text in small letters, digits and dashes.
func slug(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// measureOf is the second word of a meter's name, which is what it counts.
func measureOf(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	measure, _, _ := strings.Cut(rest, ".")
	return measure
}

// profileSums are the sums of which the device tells all that is needed. More taken away
// than there is makes none.
func (t telling) profileSums(parts []Meter) []Meter {
	var sums []Meter
	for _, s := range t.profile.Sums {
		sum := Meter{
			Name: s.Name, Unit: measureOf(s.Name), Format: cmp.Or(s.Format, Life),
			Persistence: Lifetime, Confirmed: OnDevice, Quality: Good,
		}
		var codes, oids []string
		complete := true
		for i, code := range slices.Concat(s.Of, s.Also) {
			code, less := strings.CutPrefix(code, "-")
			at := slices.IndexFunc(parts, func(m Meter) bool { return m.Code == code })
			if at < 0 {
				complete = complete && i >= len(s.Of)
				continue
			}
			sign, value := "+", parts[at].Value
			if less {
				sign, value = "-", -value
			}
			sum.Value += value
			codes, oids = append(codes, sign+code), append(oids, sign+parts[at].OID)
			if parts[at].Confirmed == ByDocument {
				sum.Confirmed = ByDocument
			}
		}
		terms := func(list []string) string { return strings.TrimPrefix(strings.Join(list, ""), "+") }
		if sum.Code, sum.OID = terms(codes), terms(oids); complete && len(oids) > 1 && sum.Value >= 0 {
			sums = append(sums, sum)
		}
	}
	return sums
}

// settleMeters says of every lifetime meter which source is billed, and whether the
// sources agree. The order within the list decides: standard counters come before
// or after those of the profile, as its rule says; among equals the first is taken,
// sums last. What counts a large side twice is another count, and is billed only
// where there is no other. Sources of one meter follow each other.
func settleMeters(standard, vendor []Meter, billed Billed) []Meter {
	order := slices.Concat(standard, vendor)
	if billed.By != "standard" {
		order = slices.Concat(vendor, standard)
	}
	best := map[string]int{} // by the name, the place in order
	values := map[string]int64{}
	disputed := map[string]bool{}
	counts := countsOf(order)
	for i, m := range order {
		if m.Persistence != Lifetime {
			continue
		}
		if b, ok := best[m.Name]; !ok || order[b].Format == Equivalent && m.Format != Equivalent {
			best[m.Name] = i
		}
		if n, ok := values[counts[i]]; ok && n != m.Value {
			disputed[counts[i]] = true
		}
		values[counts[i]] = m.Value
	}
	first := map[string]int{}
	for i := range order {
		m := &order[i]
		b, ok := best[m.Name]
		m.Primary = ok && b == i
		if m.Persistence == Lifetime && disputed[counts[i]] {
			m.Quality = Disputed
		}
		if _, ok := first[m.Name]; !ok {
			first[m.Name] = i
		}
	}
	slices.SortStableFunc(order, func(a, b Meter) int { return cmp.Compare(first[a.Name], first[b.Name]) })
	return order
}

// countsOf names what each meter counts: sources of one count should have one value. A source
// that does not say how it counts a large side, and has the value of one that counts it
// twice, does so, too.
func countsOf(meters []Meter) []string {
	counts := make([]string, len(meters))
	for i, m := range meters {
		twice := func(other Meter) bool {
			return other.Format == Equivalent && other.Name == m.Name && other.Value == m.Value
		}
		counts[i] = m.Name
		if m.Format == Equivalent || m.Format == FormatUnknown && m.Persistence == Lifetime && slices.ContainsFunc(meters, twice) {
			counts[i] += " equivalent"
		}
	}
	return counts
}

// profileText returns the first of the objects that has a text.
func (t telling) profileText(objects []Object) string {
	for _, o := range objects {
		v := t.at(splitOID(o.OID))
		if o.Decode == "pml" {
			v.text = pmlText(v.text)
		}
		if text := t.text(v); text != "" {
			return text
		}
	}
	return ""
}

// pmlText takes off the two octets that HP's PML puts before a text: the number of
// its character set.
func pmlText(raw string) string {
	if len(raw) > 2 && (raw[0] < ' ' || raw[0] > '~') {
		return raw[2:]
	}
	return raw
}

// brotherEntry returns the number in the entry with an id of a Brother octet string.
func brotherEntry(v variable, id int) variable {
	value := brotherValue(v, id)
	if len(value) < 1 || len(value) > 4 {
		return variable{}
	}
	n := int64(0)
	for _, octet := range []byte(value) {
		n = n<<8 | int64(octet)
	}
	return variable{name: v.name, kind: integer, num: n}
}

// brotherValue returns the value of the entry with an id of a Brother octet string, ""
// if there is none. The string is a run of entries, each the id, one octet (1), the length
// of the value, and the value, high octets first. The id 255 ends the run.
func brotherValue(v variable, id int) string {
	if v.kind != octets {
		return ""
	}
	for rest := v.text; len(rest) >= 3 && rest[0] != 0xff; {
		length := int(rest[2])
		if len(rest) < 3+length {
			break
		}
		if int(rest[0]) == id {
			return rest[3 : 3+length]
		}
		rest = rest[3+length:]
	}
	return ""
}

// splitOID splits an object into the column it is kept under and the instance
// there. What the columns of a device's own branch are nobody knows, so an object
// that stands alone is taken for one whose column is all but its last number.
func splitOID(oid string) (column, index string) {
	i := strings.LastIndexByte(oid, '.')
	if i < 0 {
		return "", ""
	}
	return oid[:i], oid[i+1:]
}
