package collector

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A ProfileProblem is one mistake in a profile.
type ProfileProblem struct {
	File string // "" if it is not of one file
	Line int    // from 1; 0 if it is not of one line
	Key  string
	Text string
}

// Error is "file:line: key: text".
func (p ProfileProblem) Error() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key == "" {
		return where + ": " + p.Text
	}
	return where + ": " + p.Key + ": " + p.Text
}

// ProfileProblems are all the mistakes in some profiles.
type ProfileProblems []ProfileProblem

// Error has a line for each.
func (ps ProfileProblems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// parseProfile reads a profile. It is nil if there is a problem.
func parseProfile(file string, data []byte) (*Profile, ProfileProblems) {
	var p Profile
	decoder := toml.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, syntaxProblems(file, err)
	}
	c := checker{file: file, lines: strings.Split(string(data), "\n")}
	c.profile(&p)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	p.complete()
	p.Tables = alternatives(p.Tables)
	return &p, nil
}

// alternatives makes two tables of one that can have its values in either of two columns.
// What was confirmed in the first is known of the second by document only.
func alternatives(tables []Table) []Table {
	var all []Table
	for _, t := range tables {
		if t.Label == "" {
			t.known = t.indexes()
		}
		all = append(all, t)
		if t.Or != "" {
			t.Value, t.Or, t.Fallback, t.Rows = t.Or, "", true, slices.Clone(t.Rows)
			for i := range t.Rows {
				t.Rows[i].Confirmed = ByDocument
			}
			all = append(all, t)
		}
	}
	return all
}

func syntaxProblems(file string, err error) ProfileProblems {
	var strict *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		var problems ProfileProblems
		for _, e := range strict.Errors {
			line, _ := e.Position()
			problems = append(problems, ProfileProblem{File: file, Line: line, Key: strings.Join(e.Key(), "."), Text: "there is no such setting"})
		}
		return problems
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return ProfileProblems{{File: file, Line: line, Key: strings.Join(wrong.Key(), "."), Text: strings.TrimPrefix(wrong.Error(), "toml: ")}}
	}
	return ProfileProblems{{File: file, Text: err.Error()}}
}

// complete writes object identifiers without a leading dot, and says of every counter
// how it is confirmed.
func (p *Profile) complete() {
	trim := func(s *string) { *s = strings.TrimPrefix(*s, ".") }
	for i := range p.Match {
		trim(&p.Match[i].SysObjectID)
	}
	for _, list := range [][]Object{p.Device.Serial, p.Device.Model, p.Device.Firmware} {
		for i := range list {
			trim(&list[i].OID)
		}
	}
	certain := func(c *Counter) { c.Confirmed = cmp.Or(c.Confirmed, p.Confirmed, ByDocument) }
	for i := range p.Meters {
		trim(&p.Meters[i].OID)
		certain(&p.Meters[i])
	}
	for i := range p.Tables {
		for j := range p.Tables[i].Rows {
			certain(&p.Tables[i].Rows[j])
		}
		trim(&p.Tables[i].Key)
		trim(&p.Tables[i].Label)
		trim(&p.Tables[i].Value)
		trim(&p.Tables[i].Or)
	}
	for i := range p.Supplies {
		trim(&p.Supplies[i].Label)
		trim(&p.Supplies[i].Percent)
	}
}

// What one profile may have at most.
const (
	maxCounters = 256 // counters of their own, and tables
	maxRows     = 512 // of one table
)

// A checker checks a profile and finds the lines of what is wrong.
type checker struct {
	file     string
	lines    []string
	problems ProfileProblems
}

// wrong notes a problem with a key in the n-th section of a kind, from 0.
func (c *checker) wrong(section string, n int, key, format string, values ...any) {
	full := strings.TrimPrefix(section+"."+key, ".")
	c.problems = append(c.problems, ProfileProblem{File: c.file, Line: c.line(section, n, key), Key: full, Text: fmt.Sprintf(format, values...)})
}

// line finds the line of a key in the n-th [section] or [[section]]; that of the
// section if the key is not there, and 0 if neither is.
func (c *checker) line(section string, n int, key string) int {
	inside, at := section == "", 0
	for i, line := range c.lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			if inside {
				return at
			}
			if name := strings.TrimSpace(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t")); name == section {
				inside, at = n == 0, i+1
				n--
			}
			continue
		}
		name, _, _ := strings.Cut(line, "=")
		if inside && strings.TrimSpace(name) == key {
			return i + 1
		}
	}
	return at
}

func (c *checker) profile(p *Profile) {
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		c.wrong("", 0, "name", "is %q; it must be of small letters, digits and dashes", p.Name)
	}
	if p.Source == "" {
		c.wrong("", 0, "source", "is missing; say which document or recording the objects are from")
	}
	c.confirmed("", 0, p.Confirmed)
	for i, m := range p.Match {
		if m == (Match{}) {
			c.wrong("match", i, "sys_object_id", "is missing, and model and description, too")
		}
		if m.SysObjectID != "" {
			c.oid("match", i, "sys_object_id", m.SysObjectID)
		}
	}
	if !slices.Contains([]string{"", V1.String()}, p.SNMP.Version) {
		c.wrong("snmp", 0, "version", `is %q; it can only be "1": version 2c is tried first in any case, and what is configured counts`, p.SNMP.Version)
	}
	if p.SNMP.MaxVarbinds < 0 || p.SNMP.MaxRepetitions < 0 {
		c.wrong("snmp", 0, "max_varbinds", "must not be less than 0")
	}
	if !slices.Contains([]string{"", "vendor", "standard"}, p.Billed.By) {
		c.wrong("billed", 0, "by", `is %q; it must be "vendor" or "standard"`, p.Billed.By)
	}
	if (p.Billed.By == "") != (p.Billed.Rule == "") {
		c.wrong("billed", 0, "rule", "by and rule belong together")
	}
	if len(p.Meters)+len(p.Tables) > maxCounters {
		c.wrong("meter", maxCounters, "oid", "there are more than %d", maxCounters)
	}
	c.identity(p.Device)
	for i, m := range p.Meters {
		c.oid("meter", i, "oid", m.OID)
		c.counter("meter", i, m)
	}
	c.tables(p.Tables)
	c.sums(p)
	c.supplies(p.Supplies)
}

func (c *checker) identity(d Identity) {
	for key, list := range map[string][]Object{"serial": d.Serial, "model": d.Model, "firmware": d.Firmware} {
		for _, o := range list {
			c.oid("device", 0, key, o.OID)
			if o.Decode != "" && o.Decode != "pml" {
				c.wrong("device", 0, key, `decode is %q; there is only "pml"`, o.Decode)
			}
		}
	}
}

func (c *checker) oid(section string, n int, key, oid string) {
	if _, ok := parseOID(oid); !ok {
		c.wrong(section, n, key, "%q is not an object identifier", oid)
	} else if !under("1.3.6.1", strings.TrimPrefix(oid, ".")) {
		c.wrong(section, n, key, "%q does not lie under 1.3.6.1", oid)
	}
}

func (c *checker) confirmed(section string, n int, how Confirmed) {
	if how != "" && how != OnDevice && how != ByDocument {
		c.wrong(section, n, "confirmed", `is %q; it must be "device" or "document"`, how)
	}
}

func (c *checker) counter(section string, n int, m Counter) {
	c.name(section, n, m.Name, section == "table.row" || m.Code != "")
	c.format(section, n, m.Format)
	c.confirmed(section, n, m.Confirmed)
	if m.Decode != "" && m.Decode != "brother" {
		c.wrong(section, n, "decode", `is %q; there is only "brother"`, m.Decode)
	}
	if m.Decode == "" && m.Entry != 0 || m.Entry < 0 || m.Entry > 254 {
		c.wrong(section, n, "entry", `is %d; it is from 0 to 254, and only with decode = "brother"`, m.Entry)
	}
	if m.Unit != "" && m.Unit != "images" && m.Unit != "inches" && !slices.Contains(strings.Fields(units), m.Unit) {
		c.wrong(section, n, "unit", "is %q; it must be images, inches or one of: %s", m.Unit, strings.ReplaceAll(units, " _", ""))
	}
}

func (c *checker) format(section string, n int, f Format) {
	if !slices.Contains([]Format{"", Life, Equivalent, FormatUnknown}, f) {
		c.wrong(section, n, "format", "is %q; it must be %s, %s or %s", f, Life, Equivalent, FormatUnknown)
	}
}

// name checks that a meter has a name of the vocabulary. A part of a sum needs none.
func (c *checker) name(section string, n int, name string, part bool) {
	if name == "" && part {
		return
	}
	if !knownMeter(name) {
		c.wrong(section, n, "name", "is %q; it must be %s", name, vocabulary())
	}
}

func (c *checker) tables(tables []Table) {
	first := 0 // row of this table
	for i, t := range tables {
		c.oid("table", i, "value", t.Value)
		if t.Key != "" {
			c.oid("table", i, "key", t.Key)
		}
		if t.Or != "" {
			c.oid("table", i, "or", t.Or)
		}
		if t.Label != "" {
			c.oid("table", i, "label", t.Label)
		}
		if t.Unlisted && t.Code == "" {
			c.wrong("table", i, "unlisted", "needs a code for the table")
		}
		if len(t.Rows) == 0 || len(t.Rows) > maxRows {
			c.wrong("table", i, "value", "has %d rows; it must have 1 to %d", len(t.Rows), maxRows)
		}
		for j, row := range t.Rows {
			c.counter("table.row", first+j, row)
			if len(row.Is) == 0 || row.OID != "" {
				c.wrong("table.row", first+j, "is", "is missing, or the row has an oid, which the table has")
			}
		}
		first += len(t.Rows)
	}
}

func (c *checker) sums(p *Profile) {
	for i, s := range p.Sums {
		c.name("sum", i, s.Name, false)
		c.format("sum", i, s.Format)
		if len(s.Of) == 0 {
			c.wrong("sum", i, "of", "is missing")
		}
		for _, code := range slices.Concat(s.Of, s.Also) {
			if p.Extends == "" && !p.tells(strings.TrimPrefix(code, "-")) {
				c.wrong("sum", i, "of", "there is no counter with the code %q", code)
			}
		}
	}
}

// tells says whether a counter of the profile has this code.
func (p *Profile) tells(code string) bool {
	for _, m := range p.Meters {
		if m.Code == code {
			return true
		}
	}
	for _, t := range p.Tables {
		for _, row := range t.Rows {
			if slices.ContainsFunc(row.Is, func(key string) bool { return t.code(row, key) == code }) {
				return true
			}
		}
	}
	return false
}

func (c *checker) supplies(tables []SupplyTable) {
	for i, s := range tables {
		c.oid("supplies", i, "percent", s.Percent)
		if s.Source == "" {
			c.wrong("supplies", i, "source", "is missing")
		}
		if s.Label == "" && len(s.Colours) == 0 {
			c.wrong("supplies", i, "label", "give label or colours")
		}
		if s.Label != "" {
			c.oid("supplies", i, "label", s.Label)
		}
		if s.Whole < 0 {
			c.wrong("supplies", i, "whole", "must not be less than 0")
		}
		for level, percent := range s.Levels {
			if _, err := strconv.ParseInt(level, 10, 32); err != nil || percent < 0 || percent > 100 {
				c.wrong("supplies", i, "levels", "%q = %d is not a number and its percentage", level, percent)
			}
		}
		c.entries(i, s)
	}
}

// entries checks the ids of the entries of an octet string.
func (c *checker) entries(i int, s SupplyTable) {
	if s.Decode != "" && (s.Decode != "brother" || s.Label != "") {
		c.wrong("supplies", i, "decode", `is %q; there is only "brother", and no label with it`, s.Decode)
	}
	for id := range s.Colours {
		if _, err := strconv.ParseUint(id, 16, 8); err != nil && s.Decode != "" {
			c.wrong("supplies", i, "colours", "%q is not the id of an entry, such as 6f", id)
		}
	}
}
