package cli

import (
	"slices"
	"strings"
	"time"

	"meteragent/agent/text"
	"meteragent/collector"
)

// printReading shows one reading to a person.
func (a *app) printReading(r collector.Reading) {
	d := r.Device
	a.printf("%s\n", cut(joined([]string{d.ID, d.Model}, "  "), width))
	facts := []string{d.Manufacturer, d.Address}
	if d.Firmware != "" {
		facts = append(facts, a.say.Say("read.firmware", "version", d.Firmware))
	}
	if r.UptimeSeconds > 0 {
		facts = append(facts, a.say.Say("read.uptime", "time", time.Duration(r.UptimeSeconds)*time.Second))
	}
	facts = append(facts, r.Status.Device, r.Status.Printer)
	a.printf("%s\n", text.Wrap(joined(facts, " · "), width, "  "))
	if r.Missing != nil {
		a.printf("%s\n", text.Wrap(a.say.Say("read.missing", "groups", strings.Join(r.Missing, ", ")), width, "  "))
	}
	a.printMeters(r.Meters)
	a.printSupplies(r.Supplies)
	a.printInputs(r.Inputs)
	a.printAlerts(r)
}

// joined leaves out what is empty.
func joined(parts []string, by string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, by)
}

func (a *app) section(key text.Key) { a.printf("\n%s\n", a.say.Say(key)) }

func (a *app) printMeters(meters []collector.Meter) {
	if len(meters) == 0 {
		return
	}
	a.section(text.Key("read.meters"))
	sources := map[string]int{}
	for _, m := range meters {
		sources[m.Name]++
	}
	t := table{right: map[int]bool{1: true}, give: 2}
	for _, m := range meters {
		note := marks(m)
		if m.Primary && (sources[m.Name] > 1 || m.Name == "systemTotals.impressions.total") {
			note = joined([]string{a.say.Say("read.primary"), note}, " ")
		}
		t.add("  "+m.Name, a.say.Number(m.Value), joined([]string{unitOf(m), sourceOf(m)}, " "), note)
	}
	a.printf("%s", t.String())
	if slices.ContainsFunc(meters, func(m collector.Meter) bool { return m.Quality == collector.Disputed }) {
		a.printf("  %s\n", a.say.Say("read.disputed"))
	}
	if slices.ContainsFunc(meters, func(m collector.Meter) bool { return m.Confirmed == collector.ByDocument }) {
		a.printf("  %s\n", a.say.Say("read.document"))
	}
}

// marks are those of a meter: "!" if its sources differ, "*" if its meaning is known
// by document only.
func marks(m collector.Meter) string {
	mark := ""
	if m.Quality == collector.Disputed {
		mark = "!"
	}
	if m.Confirmed == collector.ByDocument {
		mark += "*"
	}
	return mark
}

// unitOf is the unit of a meter where its name does not say it, and what counts twice.
func unitOf(m collector.Meter) string {
	unit := m.Unit
	if strings.Contains(m.Name, "."+m.Unit+".") {
		unit = ""
	}
	if m.Format == collector.Equivalent {
		unit = joined([]string{unit, "A3=2"}, " ")
	}
	return unit
}

// sourceOf is the maker's number of a meter; of a sum the maker is named once. A meter of the
// Printer MIB has none, and is told by its object.
func sourceOf(m collector.Meter) string {
	switch {
	case m.Code != "":
		maker, _, _ := strings.Cut(m.Code, ":")
		return strings.NewReplacer("+"+maker+":", "+", "-"+maker+":", "-").Replace(m.Code)
	case strings.HasPrefix(m.OID, "1.3.6.1.2.1.43.10.2.1.4."):
		return "prtMarkerLifeCount"
	case strings.HasPrefix(m.OID, "1.3.6.1.2.1.43.10.2.1.5."):
		return "prtMarkerPowerOnCount"
	}
	return ""
}

func (a *app) printSupplies(supplies []collector.Supply) {
	if len(supplies) == 0 {
		return
	}
	a.section(text.Key("read.supplies"))
	t := table{right: map[int]bool{2: true}, give: 1}
	for _, s := range supplies {
		name := joined([]string{s.Description, partOf(s)}, " · ")
		t.add("  "+s.Key, name, a.level(s.Level), bar(s.Level))
	}
	a.printf("%s", t.String())
}

func partOf(s collector.Supply) string {
	if s.PartNumber != "" && !strings.Contains(s.Description, s.PartNumber) {
		return s.PartNumber
	}
	return ""
}

func (a *app) printInputs(inputs []collector.Input) {
	if len(inputs) == 0 {
		return
	}
	a.section(text.Key("read.inputs"))
	t := table{right: map[int]bool{3: true}, give: 1}
	for _, in := range inputs {
		t.add("  "+in.Key, in.Name, in.Media, a.level(in.Level), bar(in.Level))
	}
	a.printf("%s", t.String())
}

func bar(l collector.Level) string {
	if l.Percent == nil {
		return ""
	}
	return gauge(*l.Percent, 20)
}

// level is a level in a few letters.
func (a *app) level(l collector.Level) string {
	if l.Percent != nil {
		return a.say.Decimal(*l.Percent) + " %"
	}
	return a.say.Say(text.Key("level." + string(l.Kind)))
}

func (a *app) printAlerts(r collector.Reading) {
	if len(r.Alerts)+len(r.Status.Errors) > 0 {
		a.section(text.Key("read.alerts"))
		t := table{give: 2}
		for _, al := range r.Alerts {
			t.add("  "+al.Severity, al.Code, al.Description)
		}
		a.printf("%s", t.String())
		if len(r.Status.Errors) > 0 {
			a.printf("%s\n", text.Wrap("  "+strings.Join(r.Status.Errors, ", "), width, "  "))
		}
	}
	console := joined(r.Status.Console, "\n  ")
	if console != "" {
		a.section(text.Key("read.console"))
		a.printf("  %s\n", console)
	}
}
