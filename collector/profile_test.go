package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// Every profile has a device that is read with it.
func TestEveryProfileHasADevice(t *testing.T) {
	var used []string
	for _, folder := range devices(t) {
		used = append(used, recorded(t, folder, profiles(t)).Profile)
	}
	for _, p := range profiles(t).All() {
		if len(p.Match) > 0 && !slices.Contains(used, p.Name) {
			t.Errorf("no recording in testdata/devices is read with %s", p.Name)
		}
	}
}

func recorded(t *testing.T, folder string, known *collector.Profiles) collector.Reading {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "walk.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := collector.ParseRecording(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rec.Read(context.Background(), collector.Full, known)
	if err != nil {
		t.Fatal(folder, err)
	}
	return r
}

// Of the sources of one lifetime meter exactly one is billed, and sources that differ
// are disputed, all of them.
func TestOneSourceIsBilled(t *testing.T) {
	for _, folder := range devices(t) {
		primary, values, disputed := map[string]int{}, map[string][]int64{}, map[string]int{}
		meters := recorded(t, folder, profiles(t)).Meters
		for _, m := range meters {
			if m.Persistence != collector.Lifetime {
				continue
			}
			primary[m.Name] += 0
			if m.Primary {
				primary[m.Name]++
			}
			twice := slices.ContainsFunc(meters, func(other collector.Meter) bool {
				return other.Format == collector.Equivalent && other.Name == m.Name && other.Value == m.Value && m.Format != collector.Life
			})
			count := m.Name + fmt.Sprint(twice)
			values[count] = append(values[count], m.Value)
			if m.Quality == collector.Disputed {
				disputed[count]++
			}
		}
		for name, n := range primary {
			if n != 1 {
				t.Errorf("%s: %s has %d primary sources", folder, name, n)
			}
		}
		for count, all := range values {
			want := 0
			if slices.Min(all) != slices.Max(all) {
				want = len(all)
			}
			if disputed[count] != want {
				t.Errorf("%s: %s: %d of %v are disputed, want %d", folder, count, disputed[count], all, want)
			}
		}
	}
}

// The rules of the families whose panel does not show prtMarkerLifeCount.
func TestWhatIsBilled(t *testing.T) {
	for folder, want := range map[string]string{
		"canon": "canon:101", "canon-labels": "canon:101", "canon-older": "canon:112+canon:113+canon:122+canon:123",
		"canon-prismasync": "canon:101", "kyocera": "kyocera:total", "hp": "", "sharp": "", "epson-a3": "epson:total",
		"brother-ink": "brother:01+brother:02",
	} {
		for _, m := range recorded(t, filepath.Join("testdata/devices", folder), profiles(t)).Meters {
			if m.Name == "systemTotals.impressions.total" && m.Primary && m.Code != want {
				t.Errorf("%s: billed is %q, want %q", folder, m.Code, want)
			}
		}
	}
}

// The counters of the simulator's makers are read, and move with what is printed.
func TestSimulatedCountersAreRead(t *testing.T) {
	for model, want := range map[string]struct {
		profile, code string
	}{
		"Canon": {"canon", "canon:301"}, "KYOCERA": {"kyocera", "kyocera:total"}, "EPSON": {"epson", "epson:print"},
	} {
		i := slices.IndexFunc(simulator.Models(), func(m simulator.Model) bool { return m.Manufacturer == model })
		copier := simulator.New(simulator.Models()[i], simulator.Options{Seed: 7})
		to := serve(t, copier)
		value := func() int64 {
			r := read(t, collector.New(), to)
			i := slices.IndexFunc(r.Meters, func(m collector.Meter) bool { return m.Code == want.code })
			if r.Profile != want.profile || i < 0 {
				t.Fatalf("%s: got profile %s, meters %+v", model, r.Profile, r.Meters)
			}
			return r.Meters[i].Value
		}
		before := value()
		copier.Print(simulator.Job{Pages: 5})
		if after := value(); after != before+5 {
			t.Errorf("%s: %s went from %d to %d, want 5 more", model, want.code, before, after)
		}
	}
}

const goodProfile = `name = "acme"
source = "a document"
[[match]]
sys_object_id = "1.3.6.1.4.1.1602"
model = "iR-S*"
[[meter]]
name = "print.impressions.total"
code = "acme:1"
oid = "1.3.6.1.4.1.1602.1.11.1.3.1.4.301"
`

func profileFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Mistakes are all named, with file, line and key.
func TestProfileProblems(t *testing.T) {
	for _, c := range []struct {
		old, new string
		want     []string
	}{
		{`source = "a document"`, ``, []string{"source: is missing"}},
		{`"acme"`, `"Acme!"`, []string{":1: name: "}},
		{`print.impressions.total`, `print.pages.total`, []string{`:7: meter.name: is "print.pages.total"`, "systemTotals|copy|print", "impressions|sheets|images"}},
		{`oid = "1.3`, `oid = "1.x`, []string{":9: meter.oid: ", "not an object identifier"}},
		{`oid = "1.3.6.1.4`, `oid = "2.3.6.1.4`, []string{":9: meter.oid: ", "does not lie under"}},
		{`code =`, `cod =`, []string{":8: meter.cod: there is no such setting"}},
		{`code = "acme:1"`, "format = \"a3\"\nconfirmed = \"yes\"\nunit = \"pages\"", []string{":8: meter.format", ":9: meter.confirmed", ":10: meter.unit"}},
		{`model =`, `model`, []string{":5"}},
		{`[[match]]`, "extends = \"nothing\"\n[[match]]", []string{"extends", `"nothing"`}},
		{`[[meter]]`, "[[sum]]\nname = \"print.impressions.total\"\nof = [\"acme:9\"]\n[[meter]]", []string{":8: sum.of", "acme:9"}},
		{`[[match]]`, "[billed]\nby = \"me\"\n[[match]]", []string{":4: billed.by", "billed.rule"}},
		{`[[match]]`, "[snmp]\nversion = \"2\"\n[[match]]", []string{":4: snmp.version: ", `"2"`, `"1"`}},
	} {
		if !strings.Contains(goodProfile, c.old) {
			t.Fatal(c.old)
		}
		file := profileFile(t, "acme.toml", strings.Replace(goodProfile, c.old, c.new, 1))
		_, err := collector.LoadProfiles(file)
		var problems collector.ProfileProblems
		if !errors.As(err, &problems) {
			t.Errorf("%s: got %v", c.new, err)
			continue
		}
		for _, want := range append(c.want, "acme") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", c.new, err, want)
			}
		}
	}
}

// The most specific profile wins; one of the same name replaces; one can extend.
func TestProfileChoice(t *testing.T) {
	const canon = "testdata/devices/canon"
	own, err := collector.LoadProfiles(filepath.Dir(profileFile(t, "acme.toml", goodProfile)))
	if err != nil {
		t.Fatal(err)
	}
	if r := recorded(t, canon, own); r.Profile != "acme" || len(r.Meters) != 3 {
		t.Errorf("got %s with %+v", r.Profile, r.Meters)
	}
	extending, err := collector.LoadProfiles(profileFile(t, "a.toml", strings.Replace(goodProfile, "source", "extends = \"canon\"\nsource", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if r := recorded(t, canon, extending); r.Profile != "acme" || len(r.Meters) < 25 || r.Device.Serial == "" {
		t.Errorf("got %s with %d meters", r.Profile, len(r.Meters))
	}
	replaced, err := collector.LoadProfiles(profileFile(t, "a.toml", strings.Replace(goodProfile, "acme\"", "canon\"", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if r := recorded(t, canon, replaced); r.Profile != "canon" || len(r.Meters) != 3 {
		t.Errorf("got %s with %+v", r.Profile, r.Meters)
	}
	if _, err := collector.LoadProfiles(t.TempDir(), filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
}

// A capture reads like the device, and says nothing private.
func TestCapture(t *testing.T) {
	copier := colourMFP()
	var b bytes.Buffer
	r, err := collector.New().Capture(context.Background(), serve(t, copier), &b)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{copier.Serial(), r.Device.Name, r.Device.Location, r.Device.MAC, strings.ReplaceAll(r.Device.MAC, ":", "")} {
		if private != "" && strings.Contains(strings.ToLower(b.String()), strings.ToLower(private)) {
			t.Errorf("%q is in the recording", private)
		}
	}
	rec, err := collector.ParseRecording(&b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := rec.Read(context.Background(), collector.Full, profiles(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Meters, again.Meters); diff != "" {
		t.Error(diff)
	}
	if len(again.Supplies) != len(r.Supplies) || again.Device.Model != r.Device.Model {
		t.Errorf("got %+v", again)
	}
}

// docs/counters.md is made of the profiles: go test ./collector -run Counters -update.
func TestCountersDocument(t *testing.T) {
	const file = "../docs/counters.md"
	got := countersDocument(profiles(t))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// entries names the entries of an octet string that have levels.
func entries(s collector.SupplyTable) string {
	if s.Decode == "" {
		return ""
	}
	return ", entries " + strings.Join(slices.Sorted(maps.Keys(s.Colours)), ", ")
}

func countersDocument(known *collector.Profiles) string {
	var b strings.Builder
	b.WriteString("# What is read from which family\n\nMade from the device profiles (`collector/profiles`) by a test. Every device is read by RFC 3805 first:\n" +
		"`prtMarkerLifeCount` is its total. The objects below come on top. *Device*: the meaning was confirmed on a\n" +
		"device; *document*: it is known by document only. An A3 side counts one; two where it says equivalent, and one\n" +
		"or two where it says unknown.\n")
	large := map[collector.Format]string{collector.Equivalent: " (equivalent)", collector.FormatUnknown: " (unknown)"}
	for _, p := range known.All() {
		fmt.Fprintf(&b, "\n## %s\n\nSource: %s.\n\n", p.Name, p.Source)
		if p.Extends != "" {
			fmt.Fprintf(&b, "Extends %s.\n\n", p.Extends)
		}
		if p.Billed.By != "" {
			fmt.Fprintf(&b, "Billed by the %s counter. %s\n\n", p.Billed.By, p.Billed.Rule)
		}
		if len(p.Device.Serial) > 0 {
			var oids []string
			for _, o := range p.Device.Serial {
				oids = append(oids, "`"+o.OID+"`")
			}
			fmt.Fprintf(&b, "Serial number, where RFC 3805 has none: %s.\n\n", strings.Join(oids, ", "))
		}
		for _, s := range p.Supplies {
			fmt.Fprintf(&b, "Levels, where RFC 3805 has none: `%s`%s (%s).\n\n", s.Percent, entries(s), s.Source)
		}
		if len(p.Meters)+len(p.Tables) == 0 {
			continue
		}
		b.WriteString("| meter | code | object | confirmed | source, where it differs |\n| --- | --- | --- | --- | --- |\n")
		line := func(c collector.Counter, code, object string) {
			name := c.Name
			if name == "" && slices.ContainsFunc(p.Sums, func(s collector.Sum) bool { return slices.Contains(slices.Concat(s.Of, s.Also), code) }) {
				name = "(part of a sum)"
			} else if name == "" {
				name = "(unnamed)"
			}
			fmt.Fprintf(&b, "| %s%s | %s | `%s` | %s | %s |\n", name, large[c.Format], code, object, c.Confirmed, c.Source)
		}
		for _, m := range p.Meters {
			object := m.OID
			if m.Decode != "" {
				object = fmt.Sprintf("%s, entry %02x", m.OID, m.Entry)
			}
			line(m, m.Code, object)
		}
		for _, table := range p.Tables {
			for _, row := range table.Rows {
				code := row.Code
				if code == "" && table.Code != "" {
					code = table.Code + ":" + row.Is[0]
				}
				object := table.Value + "." + row.Is[0]
				if table.Key != "" {
					object = table.Value + ", " + strings.Join(row.Is, " or ")
				}
				line(row, code, object)
			}
		}
		for _, s := range p.Sums {
			parts := strings.ReplaceAll(strings.Join(append(slices.Clone(s.Of), s.Also...), " + "), "+ -", "- ")
			fmt.Fprintf(&b, "| %s%s | sum | %s | | %s |\n", s.Name, large[s.Format], parts, s.Source)
		}
	}
	return b.String()
}
