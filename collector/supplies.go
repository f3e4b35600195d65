package collector

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

func (t telling) supplies() []Supply {
	rows := t.rows(
		prtMarkerSuppliesClass, prtMarkerSuppliesType, prtMarkerSuppliesDescription,
		prtMarkerSuppliesSupplyUnit, prtMarkerSuppliesMaxCapacity, prtMarkerSuppliesLevel,
	)
	supplies := slices.Grow([]Supply(nil), len(rows))
	for _, index := range rows {
		unit := t.word(prtMarkerSuppliesSupplyUnit, index, units)
		capacity := t.at(prtMarkerSuppliesMaxCapacity, index)
		s := Supply{
			Key:      index,
			Class:    t.word(prtMarkerSuppliesClass, index, supplyClasses),
			Type:     t.word(prtMarkerSuppliesType, index, supplyTypes),
			Unit:     unit,
			Capacity: positive(capacity),
			Level:    levelOf(t.at(prtMarkerSuppliesLevel, index), capacity, unit == "percent"),
		}
		if v := t.at(prtMarkerSuppliesDescription, index); v.kind == octets {
			s.Description = description(v.text, t.charset)
		}
		s.Colorant = t.colorant(index, s.Description)
		s.PartNumber, s.SerialNumber = partNumber(s.Description), serialNumber(s.Description)
		supplies = append(supplies, s)
	}
	return supplies
}

// colorant is the prtMarkerColorantValue a supply refers to, or else the colour that its
// description has in it. A colour in another language is told in English. Where the two name
// different process colours the description is right, by which a cartridge is bought: some
// devices count prtMarkerSuppliesColorantIndex from 0, or number the supplies in it.
func (t telling) colorant(index, description string) string {
	if n, ok := t.at(prtMarkerSuppliesColorantIndex, index).count(); ok && n > 0 {
		device, _, _ := strings.Cut(index, ".")
		text := strings.ToLower(t.text(t.at(prtMarkerColorantValue, device+"."+strconv.FormatInt(n, 10))))
		switch text {
		case "black", "cyan", "magenta", "yellow":
			return cmp.Or(colourIn(description), text)
		case "", "unknown":
			return colourIn(description)
		}
		if colour := colourIn(text); colour != "" && !strings.Contains(text, " ") {
			return colour
		}
		return text
	}
	return colourIn(description)
}

// levelSupplies gives supplies of which no percentage follows from RFC 3805 the maker's
// own level.
func (t telling) levelSupplies(supplies []Supply) {
	if t.profile == nil {
		return
	}
	for _, table := range t.profile.Supplies {
		own := t.ownLevels(table)
		for _, one := range own {
			marks := func(s Supply) bool { return s.marks(one.colour) || len(own) == 1 && s.marks("") }
			i := slices.IndexFunc(supplies, marks)
			if i < 0 || slices.ContainsFunc(supplies[i+1:], marks) { // which of several it is nobody knows
				continue
			}
			if l := &supplies[i].Level; l.Kind == Some || l.Kind == Unknown || l.Kind == Absolute {
				*l = Level{Kind: VendorLevel, Value: &one.value, Percent: &one.percent}
			}
		}
	}
}

// An ownLevel is a level that a maker tells in its own objects.
type ownLevel struct {
	colour  string
	value   int64   // as the device says it
	percent float64 // one decimal
}

// ownLevels are the levels of a table that can be understood.
func (t telling) ownLevels(table SupplyTable) []ownLevel {
	var levels []ownLevel
	add := func(colour string, value, whole int64) {
		if mapped, ok := table.Levels[strconv.FormatInt(value, 10)]; ok {
			levels = append(levels, ownLevel{colour, value, float64(mapped)})
		} else if value >= 0 && value <= whole && whole > 0 {
			levels = append(levels, ownLevel{colour, value, math.Round(1000*float64(value)/float64(whole)) / 10})
		}
	}
	whole := cmp.Or(table.Whole, 100)
	if table.Decode == "brother" {
		v := t.at(splitOID(table.Percent))
		for _, key := range slices.Sorted(maps.Keys(table.Colours)) {
			id, _ := strconv.ParseUint(key, 16, 8) // which was checked when the profile was read
			if value := brotherValue(v, int(id)); len(value) == 2 {
				add(table.Colours[key], int64(value[0]), int64(value[1])) // so many parts of so many
			} else if n, ok := brotherEntry(v, int(id)).count(); ok {
				add(table.Colours[key], n, whole)
			}
		}
		return levels
	}
	for _, index := range t.rows(table.Percent) {
		colour := table.Colours[index]
		if table.Label != "" {
			label := t.key(t.at(table.Label, index))
			if colour = table.Colours[label]; colour == "" {
				colour = colourIn(label)
			}
		}
		if n, ok := t.at(table.Percent, index).signed(); ok {
			add(colour, n, whole)
		}
	}
	return levels
}

// marks says whether a supply is the toner or ink of a colour; "" is that of a device
// that does not speak of colours.
func (s Supply) marks(colour string) bool {
	return slices.Contains([]string{"toner", "tonerCartridge", "ink", "inkCartridge"}, s.Type) && s.Colorant == colour
}

// colourWords begin the words for the process colours in the languages of copiers: Czech,
// Dutch, English, Finnish, French, German, Hungarian, Italian, Japanese, Polish, Portuguese,
// Russian, Spanish, Swedish, Turkish and Chinese.
const colourWords = "black:black,schwarz,noir,nero,negr,preto,preta,zwart,svart,musta,czarn,čern,fekete,черн,чёрн,siyah,ブラック,黒,黑 " +
	"cyan:cya,cian,cián,syaani,azurov,błękit,голуб,camgöbeği,シアン,青 " +
	"magenta:magent,macenta,purpur,bíbor,пурпур,マゼンタ,品红,洋红 " +
	"yellow:yellow,gelb,jaune,giall,amarill,amarel,geel,gul,keltai,żółt,žlut,sárga,желт,жёлт,sarı,イエロー,黄"

// shades are words for what is not a process colour, though it has the name of one.
const shades = " light photo matte mat matt hell foto clair grey gray "

// colourIn is the process colour that a text has in it, "" if none or more than one.
func colourIn(text string) string {
	found := ""
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if strings.Contains(shades, " "+word+" ") {
			return ""
		}
		for list := range strings.FieldsSeq(colourWords) {
			colour, words, _ := strings.Cut(list, ":")
			for begin := range strings.SplitSeq(words, ",") {
				if !strings.HasPrefix(word, begin) || colour == found {
					continue
				}
				if rest := word[len(begin):]; found != "" || strings.Contains(rest, "magenta") || strings.Contains(rest, "yellow") {
					return "" // HP: CyanMagentaYellow
				}
				found = colour
			}
		}
	}
	return found
}
