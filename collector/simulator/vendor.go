package simulator

// A count is a counter of a maker: its code, its label, and how it follows from
// what was printed.
type count struct {
	code  int
	label string
	value func(s *state) int
}

// shown is a count as an object shows it.
func shown(n func(*state) int) cell { return func(s *state) value { return counter(n(s)) } }

// sides counts sides that have all of these traits, a large one as one.
func sides(traits ...trait) func(*state) int {
	return func(s *state) int { return s.printed.sides(traits...) }
}

// doubled counts the same sides, a large one as two.
func doubled(traits ...trait) func(*state) int {
	add := append([]trait{large}, traits...)
	return func(s *state) int { return s.printed.sides(traits...) + s.printed.sides(add...) }
}

// sheets counts sheets that were printed on both sides.
func sheets(traits ...trait) func(*state) int {
	add := append([]trait{twoSided}, traits...)
	return func(s *state) int { return s.printed.sides(add...) / 2 }
}

// scans counts scanned originals.
func scans(traits ...trait) func(*state) int {
	return func(s *state) int { return s.scanned.sides(traits...) }
}

// canonCounters is the meaning of Canon's counter codes. Names are those that the
// panel's Counter Check shows.
func canonCounters() []count {
	return []count{
		{101, "Total 1", sides()},
		{102, "Total 2", doubled()},
		{103, "Total (Large)", sides(large)},
		{104, "Total (Small)", sides(small)},
		{108, "Total (Black 1)", sides(black)},
		{109, "Total (Black 2)", doubled(black)},
		{112, "Total (Black/Large)", sides(black, large)},
		{113, "Total (Black/Small)", sides(black, small)},
		{114, "Total (2-Sided)", sheets()},
		{116, "Large (2-Sided)", sheets(large)},
		{117, "Small (2-Sided)", sheets(small)},
		{122, "Total (Full Color + Single Color/Large)", sides(colour, large)},
		{123, "Total (Full Color + Single Color/Small)", sides(colour, small)},
		{124, "Total (Full Color + Single Color 2)", doubled(colour)},
		{201, "Copy (Total 1)", sides(copied)},
		{202, "Copy (Total)", sides(copied)},
		{222, "Copy (Black)", sides(copied, black)},
		{301, "Print (Total 1)", sides(printed)},
		{403, "Print (Full Color + Single Color/Large)", sides(printed, colour, large)},
		{404, "Print (Full Color + Single Color/Small)", sides(printed, colour, small)},
		{407, "Copy (Full Color + Single Color/Large)", sides(copied, colour, large)},
		{408, "Copy (Full Color + Single Color/Small)", sides(copied, colour, small)},
		{501, "Scan (Total 1)", scans()},
		{503, "Scan (Large)", scans(large)},
		{504, "Scan (Small)", scans(small)},
		{507, "Black Scan (Large)", scans(black, large)},
		{508, "Black Scan (Small)", scans(black, small)},
	}
}

// canonObjects are Canon's: identity, counters by code, and counters by label
// under a running number.
func canonObjects(t *tree) {
	const canon = "1.3.6.1.4.1.1602.1"
	serial := func(s *state) value { return text(s.serial) }
	t.scalar(canon+".1.1.1", func(s *state) value { return text(s.model.Name) })
	t.scalar(canon+".1.1.4", func(s *state) value { return text(s.model.firmware) })
	t.scalar(canon+".2.1.4", serial)
	t.row(canon+".2.1.8.1", at(1, 1), columns{3: serial})
	for i, c := range canonCounters() {
		t.row(canon+".11.1.3.1", at(uint32(c.code)), columns{2: str(c.label), 4: shown(c.value)})
		t.row(canon+".11.2.1.1", at(uint32(i)+1), columns{2: str(c.label), 3: shown(c.value)})
	}
}

// kyoceraObjects are Kyocera's: identity, printed pages by function and colour,
// pages by paper size.
func kyoceraObjects(t *tree) {
	const kyocera = "1.3.6.1.4.1.1347"
	t.row(kyocera+".43.5.1.1", at(1), columns{
		1:  func(s *state) value { return text(s.model.Name) },
		28: func(s *state) value { return text(s.serial) },
	})
	t.row(kyocera+".43.5.4.1", at(1, 1), columns{5: func(s *state) value { return text(s.model.firmware) }})
	t.row(kyocera+".43.10.1.1", at(1, 1), columns{12: shown(sides())})
	t.row(kyocera+".42.3.1.1.1", at(1), columns{1: shown(sides())})    // by function: 1 is printing
	t.row(kyocera+".42.3.1.2.1", at(1, 1), columns{1: shown(sides())}) // and by colour: 1 is black
	t.row(kyocera+".42.2.2.1.1", at(1, 1), columns{2: str("Monochrome"), 3: shown(sides(black))})
	t.row(kyocera+".42.2.1.1.1", at(1, 3), columns{2: str("A4"), 6: shown(sides())})
}

// epsonObjects are Epson's: identity, pages by colour and by function.
func epsonObjects(t *tree) {
	const epson = "1.3.6.1.4.1.1248.1.2.2"
	t.row(epson+".1.1.1", at(1), columns{
		2: func(s *state) value { return text(s.model.Name) },
		5: func(s *state) value { return text(s.serial) },
	})
	t.row(epson+".27.1.1", at(1, 1), columns{
		3:  shown(sides(black)),
		4:  shown(sides(colour)),
		30: shown(sides()),
	})
	for function, origin := range map[uint32]trait{1: printed, 2: copied} {
		t.row(epson+".27.6.1", at(1, 1, function), columns{
			2: num(int(function)), // it prints and copies
			4: shown(sides(origin)),
			5: shown(sides(origin, colour)),
		})
	}
}
