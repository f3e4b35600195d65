package collector

import (
	"fmt"
	"strings"
	"testing"
)

func TestColourIn(t *testing.T) {
	for text, want := range map[string]string{
		"Black Toner Cartridge": "black", "Toner Schwarz": "black", "Schwarztoner": "black", "Toner noir": "black", "Toner nero": "black",
		"Tóner negro": "black", "Zwarte toner": "black", "Черный тонер": "black", "ブラックトナー": "black", "黑色碳粉": "black",
		"Cyan Drum": "cyan", "Toner ciano": "cyan", "Tóner cián": "cyan", "Cyaan toner": "cyan", "シアン": "cyan",
		"Magenta": "magenta", "purpurový toner": "magenta", "Gelber Toner": "yellow", "Toner jaune": "yellow", "Toner [Y] (giallo)": "yellow",
		"Light Cyan": "", "Photo Black": "", "Hell-Cyan": "", "Black Photoconductor": "black", "Black/Cyan": "", "Tri-colour": "",
		"CyanMagentaYellow Ink": "", "Color(CyanMagentaYellow)": "", "YellowToner": "yellow",
		"Resttoner": "", "Regular toner": "", "": "",
	} {
		if got := colourIn(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestColorant(t *testing.T) {
	const text, at, descr = prtMarkerColorantValue + ".1.", prtMarkerSuppliesColorantIndex + ".1.", prtMarkerSuppliesDescription + ".1."
	for _, c := range []struct{ value, index, description, want string }{
		{"4|Black", "2|1", "4|Toner", "black"},
		{"4x|6379616e00", "2|1", "4|Toner", "cyan"},
		{"4|Schwarz", "2|1", "4|Toner", "black"},
		{"4|light cyan", "2|1", "4|Cyan Ink", "light cyan"},
		{"4|red", "2|1", "4|Ink", "red"},
		{"4|unknown", "2|1", "4|Toner jaune", "yellow"},
		{"4|black", "2|0", "4|Waste Toner Box", ""},
		{"4|black", "2|0", "4|Magenta Toner", "magenta"},
		{"4|black", "2|7", "4|Toner", ""},
		{"4|black", "2|1", "4|Cyan Toner", "cyan"},
		{"4|black", "2|1", "4|Toner K", "black"},
		{"4|black", "2|-2", "4|Toner", ""},
	} {
		supplies := telling{harvest: parse(t, text+"1|"+c.value, at+"1|"+c.index, descr+"1|"+c.description)}.supplies()
		if len(supplies) != 1 || supplies[0].Colorant != c.want {
			t.Errorf("%+v: got %+v", c, supplies)
		}
	}
}

// Levels of the makers' own replace those that RFC 3805 does not tell, and no others.
func TestOwnLevels(t *testing.T) {
	const brother = "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.8.0|4x|"
	ricoh := func(column, row int, value string) string {
		return fmt.Sprintf("1.3.6.1.4.1.367.3.2.1.2.24.1.1.%d.%d|%s", column, row, value)
	}
	supply := func(row int, kind, description, level string) []string {
		index := fmt.Sprintf(".1.%d|", row)
		return []string{prtMarkerSuppliesType + index + "2|" + kind, prtMarkerSuppliesDescription + index + "4|" + description,
			prtMarkerSuppliesMaxCapacity + index + "2|-2", prtMarkerSuppliesLevel + index + "2|" + level}
	}
	for name, c := range map[string]struct {
		maker int
		lines [][]string
		want  string // of each supply
	}{
		"Brother, hundredths": {2435, [][]string{{brother + "6301040000000131010400000001" + "6f0104000019c8" + "700104000003e8" + "8201040000000a" + "ff"},
			supply(1, "3", "Black Toner Cartridge", "-3"), supply(2, "3", "Cyan Toner Cartridge", "-3"), supply(3, "3", "Magenta Toner Cartridge", "-3"), supply(4, "9", "Drum Unit", "-3")},
			"vendor 66, vendor 10, some, some"},
		"Brother, steps":     {2435, [][]string{{brother + "81010400000050"}, supply(1, "3", "Black Toner Cartridge", "-3")}, "vendor 80"},
		"Brother, parts":     {2435, [][]string{{brother + "a101020414a201020c14"}, supply(1, "6", "Black", "-2"), supply(2, "6", "Cyan", "-3")}, "vendor 20, vendor 60"},
		"Brother, cut":       {2435, [][]string{{brother + "6f010400001e"}, supply(1, "3", "Black Toner Cartridge", "-3")}, "some"},
		"Brother, too large": {2435, [][]string{{brother + "6f01040000ffff"}, supply(1, "3", "Black Toner Cartridge", "-3")}, "some"},
		"Brother, absolute":  {2435, [][]string{{brother + "6f0104000019c8"}, supply(1, "3", "Black Toner Cartridge", "1")}, "vendor 66"},
		"Brother, measured": {2435, [][]string{{brother + "6f0104000019c8", prtMarkerSuppliesSupplyUnit + ".1.1|2|19"},
			supply(1, "3", "Black Toner Cartridge", "60")}, "measured 60"},
		"Brother, no colour": {2435, [][]string{{brother + "6f0104000019c8"}, supply(1, "3", "Toner", "-3"), supply(2, "9", "Drum", "-3")}, "vendor 66, some"},
		"Ricoh, by type": {367, [][]string{{ricoh(4, 1, "2|10"), ricoh(4, 2, "2|13"), ricoh(5, 1, "2|40"), ricoh(5, 2, "2|-100")},
			supply(1, "3", "Toner Schwarz", "-3"), supply(2, "3", "Toner Cyan", "-3"), supply(3, "4", "Resttoner", "-3")}, "vendor 10, vendor 40, some"},
		"Ricoh, by name": {367, [][]string{{ricoh(3, 1, "4|Toner noir"), ricoh(5, 1, "4|30")}, supply(1, "3", "Toner noir", "-3"), supply(2, "4", "Toner usagé", "-3")}, "vendor 30, some"},
		"Ricoh, mono":    {367, [][]string{{ricoh(4, 1, "2|3"), ricoh(5, 1, "2|0")}, supply(1, "3", "Toner", "-3")}, "vendor 0"},
		"Ricoh, some":    {367, [][]string{{ricoh(4, 1, "2|3"), ricoh(5, 1, "2|-3")}, supply(1, "3", "Toner", "-3")}, "some"},
		"Ricoh, two black": {367, [][]string{{ricoh(4, 1, "2|3"), ricoh(5, 1, "2|20")},
			supply(1, "3", "Black Toner 1", "-3"), supply(2, "3", "Black Toner 2", "-3")}, "some, some"},
	} {
		lines := []string{fmt.Sprintf("%s.0|6|1.3.6.1.4.1.%d.1", sysObjectID, c.maker)}
		for _, list := range c.lines {
			lines = append(lines, list...)
		}
		rec, err := ParseRecording(strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		known, err := EmbeddedProfiles()
		if err != nil {
			t.Fatal(err)
		}
		r, err := rec.Read(t.Context(), Full, known)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, s := range r.Supplies {
			text := string(s.Level.Kind)
			if s.Level.Percent != nil {
				text += fmt.Sprint(" ", *s.Level.Percent)
			}
			got = append(got, text)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
