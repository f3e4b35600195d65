package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLevels(t *testing.T) {
	n := func(n int64) variable { return variable{kind: integer, num: n} }
	text := func(s string) variable { return variable{kind: octets, text: s} }
	missing := variable{}
	for _, c := range []struct {
		level, capacity variable
		percent         bool
		want            string
	}{
		{n(1900), n(5000), false, `{"kind":"measured","value":1900,"percent":38}`},
		{n(712), n(6480), false, `{"kind":"measured","value":712,"percent":11}`},
		{n(1), n(3), false, `{"kind":"measured","value":1,"percent":33.3}`},
		{n(0), n(100), false, `{"kind":"measured","value":0,"percent":0}`},
		{n(100), n(100), false, `{"kind":"measured","value":100,"percent":100}`},
		{n(38), n(-2), true, `{"kind":"measured","value":38,"percent":38}`},
		{n(38), missing, true, `{"kind":"measured","value":38,"percent":38}`},
		{n(38), n(200), true, `{"kind":"measured","value":38,"percent":19}`},
		{n(100), n(-2), false, `{"kind":"absolute","value":100}`},
		{n(100), n(-1), false, `{"kind":"absolute","value":100}`},
		{n(5), n(0), false, `{"kind":"absolute","value":5}`},
		{n(0), missing, false, `{"kind":"absolute","value":0}`},
		{n(-3), n(100), false, `{"kind":"some","value":-3}`},
		{n(-3), n(-2), true, `{"kind":"some","value":-3}`},
		{n(-2), n(100), false, `{"kind":"unknown","value":-2}`},
		{missing, n(100), false, `{"kind":"unknown"}`},
		{text("full"), n(100), false, `{"kind":"unknown"}`},
		{n(-1), n(100), false, `{"kind":"unrestricted","value":-1}`},
		{n(150), n(100), false, `{"kind":"invalid","value":150}`},
		{n(150), missing, true, `{"kind":"invalid","value":150}`},
		{n(-100), n(100), false, `{"kind":"invalid","value":-100}`},
		{text("38"), text("100"), false, `{"kind":"measured","value":38,"percent":38}`},
		{n(4294967293), n(100), false, `{"kind":"some","value":-3}`},
		{n(4294967294), n(100), true, `{"kind":"unknown","value":-2}`},
		{n(50), n(4294967294), false, `{"kind":"absolute","value":50}`},
		{n(50), n(4294967294), true, `{"kind":"measured","value":50,"percent":50}`},
		{text("38 "), text("100\x00"), false, `{"kind":"measured","value":38,"percent":38}`},
		{text("-3"), n(100), false, `{"kind":"some","value":-3}`},
	} {
		b, err := json.Marshal(levelOf(c.level, c.capacity, c.percent))
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != c.want {
			t.Errorf("level %+v of %+v, percent %v: got %s, want %s", c.level, c.capacity, c.percent, b, c.want)
		}
	}
}

func TestMeters(t *testing.T) {
	const unit, life, on = prtMarkerCounterUnit + ".", prtMarkerLifeCount + ".", prtMarkerPowerOnCount + "."
	meter := func(name, unit string, value int64, p Persistence, oid string) Meter {
		return Meter{Name: name, Unit: unit, Value: value, Persistence: p, OID: oid, Primary: p == Lifetime, Format: FormatUnknown, Quality: Good}
	}
	for name, c := range map[string]struct {
		lines []string
		want  []Meter
	}{
		"one marker": {
			[]string{unit + "1.1|2|7", life + "1.1|65|1000", on + "1.1|65|5"},
			[]Meter{
				meter("systemTotals.impressions.total", "impressions", 1000, Lifetime, life+"1.1"),
				meter("systemTotals.impressions.total", "impressions", 5, PowerOn, on+"1.1"),
			},
		},
		"sheets":      {[]string{unit + "1.1|2|8", life + "1.1|65|7"}, []Meter{meter("systemTotals.sheets.total", "sheets", 7, Lifetime, life+"1.1")}},
		"hours":       {[]string{unit + "1.1|2|11", life + "1.1|65|7"}, []Meter{meter("systemTotals.hours.total", "hours", 7, Lifetime, life+"1.1")}},
		"no unit":     {[]string{life + "1.1|65|0"}, []Meter{meter("systemTotals.impressions.total", "unknown", 0, Lifetime, life+"1.1")}},
		"as text":     {[]string{life + "1.1|4|4321"}, []Meter{meter("systemTotals.impressions.total", "unknown", 4321, Lifetime, life+"1.1")}},
		"negative":    {[]string{unit + "1.1|2|7", life + "1.1|2|-2"}, nil},
		"too large":   {[]string{life + "1.1|70|18446744073709551615"}, nil},
		"no number":   {[]string{life + "1.1|4|many"}, nil},
		"only a unit": {[]string{unit + "1.1|2|7"}, nil},
		"three markers": {
			[]string{unit + "1.1|2|7", unit + "1.2|2|7", unit + "1.3|2|11", life + "1.1|65|1000", life + "1.2|65|300", life + "1.3|65|12"},
			[]Meter{
				meter("marker1-1.impressions.total", "impressions", 1000, Lifetime, life+"1.1"),
				meter("marker1-2.impressions.total", "impressions", 300, Lifetime, life+"1.2"),
				meter("marker1-3.hours.total", "hours", 12, Lifetime, life+"1.3"),
				meter("systemTotals.impressions.total", "impressions", 1300, Lifetime, life+"1.1+"+life+"1.2"),
				meter("systemTotals.hours.total", "hours", 12, Lifetime, life+"1.3"),
			},
		},
	} {
		got := telling{harvest: parse(t, c.lines...)}.meters()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAlerts(t *testing.T) {
	const severity, training, group, groupIndex, location, code, descr = prtAlertSeverityLevel + ".", prtAlertTrainingLevel + ".", prtAlertGroup + ".",
		prtAlertGroupIndex + ".", prtAlertLocation + ".", prtAlertCode + ".", prtAlertDescription + "."
	got := telling{harvest: parse(t,
		severity+"1.2|2|3", training+"1.2|2|3", group+"1.2|2|13", groupIndex+"1.2|2|1", location+"1.2|2|-2", code+"1.2|2|8", descr+"1.2|4x|4a616d0000",
		severity+"1.10|2|5", code+"1.10|2|1104",
		descr+"1.300|4|Sleep",
	)}.alerts()
	want := []Alert{
		{Severity: "critical", Training: "untrained", Group: "mediaPath", GroupIndex: 1, Location: -2, Code: "jam", Description: "Jam"},
		{Severity: "warningBinaryChangeEvent", Code: "markerTonerAlmostEmpty"},
		{Description: "Sleep"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The current language is found even if it is the last of many.
func TestFarLocalization(t *testing.T) {
	lines := []string{prtGeneralCurrentLocalization + ".1|2|30", prtInputName + ".1.1|4x|b3f364bc"}
	for n := 1; n <= 40; n++ {
		set := 106
		if n == 30 {
			set = 5 // ISO-8859-2
		}
		lines = append(lines, fmt.Sprintf("%s.1.%d|2|%d", prtLocalizationCharacterSet, n, set))
	}
	rec, err := ParseRecording(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rec.Read(context.Background(), Full, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Inputs) != 1 || r.Inputs[0].Name != "łódź" {
		t.Errorf("got %+v", r.Inputs)
	}
}

func TestCharacterSetOfTheDevice(t *testing.T) {
	const current, set, name = prtGeneralCurrentLocalization + ".", prtLocalizationCharacterSet + ".", prtInputName + "."
	for want, lines := range map[string][]string{
		"łódź": {current + "1|2|2", set + "1.1|2|106", set + "1.2|2|5"},
		"³ód¼": {current + "1|2|1", set + "1.1|2|106", set + "1.2|2|5"},
		"ГѓdМ": {current + "1|2|9", set + "1.1|2|8"}, // the current one is not listed: the first
		"łódŒ": {set + "1.3|2|112"},                  // no current one
	} {
		lines = append(lines, name+"1.1|4x|b3f364bc")
		inputs := telling{harvest: parse(t, lines...), charset: parse(t, lines...).charset()}.inputs()
		if len(inputs) != 1 || inputs[0].Name != want {
			t.Errorf("%v: got %+v, want %q", lines, inputs, want)
		}
	}
}
