package collector

import (
	"maps"
	"slices"
	"time"
)

// learn makes a plan of what a full reading, begun at a time, has found. It returns nil
// for a device that says nothing by which it could be told from another one.
func (t telling) learn(began time.Time, print uint64, l limits) *plan {
	p := &plan{print: print, learnt: began, limits: l, contents: new(contents)}
	if t.profile != nil {
		p.profile = t.profile.Name
	}
	p.uptime, _ = t.first(sysUpTime).count()
	roles := t.roles()
	if !slices.Contains(slices.Collect(maps.Values(roles)), exact) {
		return nil
	}
	fenced := t.fenced(roles, l.rowWise)
	for _, name := range slices.SortedFunc(maps.Keys(t.harvest), compareOID) {
		c := planColumn{name: name, from: len(p.objects)}
		for _, v := range t.column(name) {
			p.objects = append(p.objects, v)
			p.marks = append(p.marks, planMark{role: roles[v.name], low: v.num, step: t.step(name, v)})
		}
		c.to = len(p.objects)
		p.columns = append(p.columns, c)
		if fenced[name] && !slices.Contains(l.mute, name) { // what follows may be what the device is silent about
			p.fence(name, p.objects[c.to-1].name)
		}
	}
	mute := slices.ContainsFunc(l.mute, func(column string) bool { return under(prtAlertEntry, column) })
	if !mute && len(t.rows(prtAlertSeverityLevel, prtAlertCode, prtAlertDescription)) == 0 {
		p.fence(prtAlertEntry, prtAlertSeverityLevel)
	}
	p.questions = [...][]byte{Full: p.prepare(Full), Supplies: p.prepare(Supplies)}
	return p
}

// column returns the objects of a column in their order, each once.
func (h harvest) column(name string) []variable {
	list := slices.Clone(h[name])
	slices.SortStableFunc(list, func(a, b variable) int { return compareOID(a.name, b.name) })
	return slices.CompactFunc(list, func(a, b variable) bool { return a.name == b.name })
}

// fence says that nothing of a branch must follow a name.
func (p *plan) fence(branch, after string) {
	at := len(p.objects)
	p.objects, p.marks = append(p.objects, variable{name: branch, after: after}), append(p.marks, planMark{role: absent})
	p.columns = append(p.columns, planColumn{name: branch, from: at, to: at + 1})
}

// roles are those of what a planned reading asks for, by the names of the objects.
func (t telling) roles() map[string]role {
	roles := map[string]role{}
	set := func(r role, variables ...variable) {
		for _, v := range variables {
			switch {
			case v.kind == nothing || v.kind == end:
			case r == sinking && v.kind != integer: // it is told as text, and cannot be followed
				roles[v.name] = exact
			case r == running && v.kind != integer:
			default:
				roles[v.name] = r
			}
		}
	}
	set(running, t.first(sysUpTime))
	set(exact, t.first(prtGeneralConfigChanges))
	set(varying, t.at(hrDeviceStatus, t.harvest.device()), t.at(hrPrinterStatus, t.harvest.device()), t.first(hrPrinterDetectedErrorState))
	for _, column := range []string{prtMarkerLifeCount, prtMarkerPowerOnCount, prtInputCurrentLevel, prtConsoleDisplayBufferText} {
		set(varying, t.harvest[column]...)
	}
	t.supplyRoles(set)
	set(exact, t.alertProof()...)
	t.profileRoles(set)
	set(exact, t.identifying()...)
	return roles
}

// supplyRoles are those of the supplies. What goes with a cartridge is asked for: its
// capacity, if the level is not a percentage, and its text, if numbers are in it.
func (t telling) supplyRoles(set func(role, ...variable)) {
	set(sinking, t.harvest[prtMarkerSuppliesLevel]...)
	for _, v := range t.harvest[prtMarkerSuppliesMaxCapacity] {
		if t.word(prtMarkerSuppliesSupplyUnit, v.name[len(prtMarkerSuppliesMaxCapacity)+1:], units) != "percent" && positive(v) != nil {
			set(exact, v)
		}
	}
	for _, v := range t.harvest[prtMarkerSuppliesDescription] {
		if text := description(v.text, t.charset); partNumber(text) != "" || serialNumber(text) != "" {
			set(exact, v)
		}
	}
}

// alertProof are the objects that show that the alerts are still those that were read.
// When an alert came tells it from every other one; on devices that do not say when,
// all that is read of it must be the same.
func (t telling) alertProof() []variable {
	began, _ := t.first(sysUpTime).count()
	times := t.harvest[prtAlertTime]
	rows := t.rows(prtAlertSeverityLevel, prtAlertGroup, prtAlertCode, prtAlertDescription)
	told := map[int64]bool{}
	for _, v := range times {
		if n, ok := v.count(); ok && n > 0 && n <= began {
			told[n] = true
		}
	}
	if len(told) == len(rows) && len(times) == len(rows) {
		return times
	}
	var all []variable
	for _, column := range []string{
		prtAlertSeverityLevel, prtAlertTrainingLevel, prtAlertGroup, prtAlertGroupIndex, prtAlertLocation, prtAlertCode, prtAlertDescription,
	} {
		all = append(all, t.harvest[column]...)
	}
	return all
}

// profileRoles are those of the maker's own objects. Of the rows of a table only those
// are asked for that are counted, with what says what they count.
func (t telling) profileRoles(set func(role, ...variable)) {
	if t.profile == nil {
		return
	}
	for _, c := range t.profile.Meters {
		set(varying, t.at(splitOID(c.OID)))
	}
	for _, table := range t.profile.Tables {
		for _, index := range t.tableRows(table) {
			if _, _, known := t.counted(table, index); known {
				set(varying, t.at(table.Value, index))
				set(exact, t.at(table.Key, index))
			}
		}
	}
	for _, table := range t.profile.Supplies {
		if table.Decode != "" {
			set(varying, t.at(splitOID(table.Percent)))
			continue
		}
		set(sinking, t.harvest[table.Percent]...)
	}
}

// identifying are the objects by which the device is known: that of its serial number,
// or all that comes closest.
func (t telling) identifying() []variable {
	if serial(t.text(t.first(prtGeneralSerialNumber))) != "" {
		return []variable{t.first(prtGeneralSerialNumber)}
	}
	if t.profile != nil {
		for _, o := range t.profile.Device.Serial {
			if serial(t.profileText([]Object{o})) != "" {
				return []variable{t.at(splitOID(o.OID))}
			}
		}
	}
	return slices.Concat(t.harvest[ifPhysAddress], []variable{t.first(sysObjectID), t.first(sysDescr), t.first(hrDeviceDescr)})
}

// step is by how much a level may rise before it is that of a new cartridge: 3 % of
// the whole, which a shaken cartridge gains easily.
func (t telling) step(column string, v variable) int64 {
	whole := int64(100)
	if column == prtMarkerSuppliesLevel {
		whole, _ = t.at(prtMarkerSuppliesMaxCapacity, v.name[len(column)+1:]).number()
		if whole <= 0 {
			whole = max(v.num, 0)
		}
	}
	return max(whole/100, 1) * 3
}

// fenced are the columns that need a question of their own for the row behind their
// last one: one of each table in which a new row would matter and would not be noticed,
// since nothing that is asked for follows the end of a column of the table. A table
// that was cut short has no end to watch.
func (t telling) fenced(roles map[string]role, rowWise bool) map[string]bool {
	asked := map[string]bool{} // what is asked for by the name of what it follows
	for column := range t.harvest {
		for _, v := range t.harvest[column] {
			asked[v.after] = asked[v.after] || roles[v.name] != fixed
		}
	}
	fenced := map[string]bool{}
	for _, table := range t.tables(rowWise) {
		chosen, watched := "", false
		for _, column := range table.columns {
			rows := t.column(column)
			if len(rows) == 0 {
				continue
			}
			last := rows[len(rows)-1].name
			watched = watched || asked[last] || len(rows) >= table.most
			if slices.ContainsFunc(rows, func(v variable) bool { return roles[v.name] != fixed }) {
				chosen = column
			}
		}
		if chosen != "" && !watched {
			fenced[chosen] = true
		}
	}
	return fenced
}

// A watchedTable is a table in which a new row would matter.
type watchedTable struct {
	columns []string // those that have every row
	most    int      // rows that are read
}

func (t telling) tables(rowWise bool) []watchedTable {
	tables := []watchedTable{
		{[]string{prtMarkerLifeCount, prtMarkerPowerOnCount}, mostMarkers},
		{[]string{prtMarkerSuppliesMaxCapacity, prtMarkerSuppliesLevel}, mostSupplies},
		{[]string{prtInputMaxCapacity, prtInputCurrentLevel}, mostInputs},
		{[]string{prtAlertSeverityLevel, prtAlertCode, prtAlertDescription, prtAlertTime}, mostAlerts},
	}
	if t.profile == nil {
		return tables
	}
	for _, table := range t.profile.Tables {
		if table.known == nil || !rowWise { // row by row only the known rows are read of a table without keys
			tables = append(tables, watchedTable{[]string{table.Value}, maxTableRows})
		}
	}
	for _, table := range t.profile.Supplies {
		if table.Decode == "" {
			tables = append(tables, watchedTable{[]string{table.Percent}, maxTableRows})
		}
	}
	return tables
}
