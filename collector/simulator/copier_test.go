package simulator_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"meteragent/collector/simulator"
)

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ask reads objects without a network. The part of the names that all objects of
// the printer have in common is left out by the caller.
func ask(t *testing.T, c *simulator.Copier, names ...string) []string {
	t.Helper()
	g := &gosnmp.GoSNMP{}
	got, err := g.SnmpDecodePacket(c.Answer(packet(t, gosnmp.Version2c, "public", gosnmp.GetRequest, names...)))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, line := range show(got.Variables) {
		_, v, _ := strings.Cut(line, "=")
		values = append(values, v)
	}
	return values
}

// condition is all the device says about its health: hrDeviceStatus,
// hrPrinterStatus, hrPrinterDetectedErrorState and the panel.
func condition(t *testing.T, c *simulator.Copier) []string {
	t.Helper()
	const console = ".1.3.6.1.2.1.43.16.5.1.2.1."
	got := ask(t, c, ".1.3.6.1.2.1.25.3.2.1.5.1", ".1.3.6.1.2.1.25.3.5.1.1.1", ".1.3.6.1.2.1.25.3.5.1.2.1", console+"1", console+"2", console+"3")
	bits := ""
	for i, octet := range []byte(got[2]) {
		for bit := range 8 {
			if octet&(0x80>>bit) != 0 {
				bits += strconv.Itoa(i*8+bit) + " "
			}
		}
	}
	got[2] = strings.TrimSpace(bits)
	return got
}

// alerts are the rows of prtAlertTable: severity, training, group, group index,
// code and description.
func alerts(t *testing.T, c *simulator.Copier) []string {
	t.Helper()
	const table = ".1.3.6.1.2.1.43.18.1.1"
	all, err := dial(t, c, gosnmp.Version2c).BulkWalkAll(table)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	var order []string
	for _, line := range show(all) {
		name, value, _ := strings.Cut(line, "=")
		part := strings.Split(strings.TrimPrefix(name, "2.1.43.18.1.1."), ".")
		row := part[2]
		if !slices.Contains(order, row) {
			order = append(order, row)
		}
		if part[0] != "6" && part[0] != "9" {
			rows[row] = append(rows[row], value)
		}
	}
	var lines []string
	for _, row := range order {
		lines = append(lines, row+": "+strings.Join(rows[row], " "))
	}
	return lines
}

func TestTonerRunsOut(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	if d := cmp.Diff([]string{"2", "3", "", "Ready to copy.", "", ""}, condition(t, c)); d != "" {
		t.Fatal(d)
	}
	// A cyan bottle is good for 19,000 sides of 5 %.
	printed := c.Print(simulator.Job{Pages: 17_500, Colour: true})
	level := ask(t, c, supplies+".9.1.1", supplies+".9.1.2", supplies+".9.1.5", supplies+".8.1.2")
	if d := cmp.Diff([]string{"3700", "363", "59", "4600"}, level); d != "" || printed != 17_500 {
		t.Errorf("after %d colour pages:\n%s", printed, d)
	}
	low := []string{
		"1: 4 3 11 2 1104 Simulated Toner S-51 cyan is low",
		"2: 4 3 11 3 1104 Simulated Toner S-51 magenta is low",
		"3: 4 3 11 4 1104 Simulated Toner S-51 yellow is low",
	}
	if d := cmp.Diff(low, slices.DeleteFunc(alerts(t, c), func(s string) bool { return strings.Contains(s, " 8 ") })); d != "" {
		t.Error(d)
	}
	printed = c.Print(simulator.Job{Pages: 17_500, Colour: true})
	if printed != 1500 || c.Total() != 19_000 {
		t.Errorf("the rest of the toner was good for %d pages, want 1500", printed)
	}
	if d := cmp.Diff([]string{"5", "1"}, condition(t, c)[:2]); d != "" {
		t.Errorf("without toner:\n%s", d)
	}
	if n := c.Print(simulator.Job{Pages: 1}); n != 0 {
		t.Error("it prints without toner")
	}
	for _, colour := range []string{"cyan", "magenta", "yellow"} {
		if err := c.ReplaceSupply(colour); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"3", "3"}, condition(t, c)[:2]); d != "" {
		t.Errorf("after replacement, with some trays low:\n%s", d)
	}
	if n := c.Print(simulator.Job{Pages: 1, Colour: true}); n != 1 {
		t.Error("it does not print with new toner")
	}
}

// What is left is not enough for one side: the device tries, and is empty.
func TestLastDrop(t *testing.T) {
	c := simulator.New(simulator.MonoLaser(), simulator.Options{})
	if err := c.SetLevel("black", 0.001); err != nil {
		t.Fatal(err)
	}
	if n := c.Print(simulator.Job{Pages: 3}); n != 0 {
		t.Errorf("printed %d", n)
	}
	if d := cmp.Diff([]string{"2: 3 3 11 1 1101 Simulated Toner TK-S400 is empty"}, alerts(t, c)); d != "" {
		t.Error(d)
	}
}

// A side of twice the coverage or twice the size uses twice the toner; a black
// one no colour.
func TestUse(t *testing.T) {
	left := func(j simulator.Job) []float64 {
		c := simulator.New(simulator.ColourMFP(), simulator.Options{})
		c.Print(j)
		var used []float64
		for _, s := range c.Supplies() {
			used = append(used, math.Round(100_000*(100-s.Percent))/100_000)
		}
		return used
	}
	for _, test := range []struct {
		job  simulator.Job
		want []float64 // percent of black, cyan, magenta, yellow, space for waste
	}{
		{simulator.Job{Pages: 360}, []float64{1, 0, 0, 0, 0.21176}},
		{simulator.Job{Pages: 180, Large: true}, []float64{1, 0, 0, 0, 0.21176}},
		{simulator.Job{Pages: 180, Coverage: 10}, []float64{1, 0, 0, 0, 0.21176}},
		{simulator.Job{Pages: 190, Colour: true}, []float64{0.52778, 1, 1, 1, 0.44706}},
	} {
		if d := cmp.Diff(test.want, left(test.job)); d != "" {
			t.Errorf("%+v:\n%s", test.job, d)
		}
	}
}

// Ink tells no level: some is left until nothing is, and only an alert says more.
func TestVagueLevels(t *testing.T) {
	c := simulator.New(simulator.Inkjet(), simulator.Options{})
	level := func() string { return ask(t, c, supplies+".9.1.1")[0] }
	for _, step := range []struct {
		percent float64
		level   string
		alerts  []string
		bits    string
	}{
		{100, "-3", nil, ""},
		{9, "-3", []string{"1: 4 3 11 1 1105 Simulated Ink S80 black is low"}, "2"},
		{0, "0", []string{"2: 3 3 11 1 1102 Simulated Ink S80 black is empty"}, "3"},
		{100, "-3", nil, ""},
	} {
		if err := c.SetLevel("black", step.percent); err != nil {
			t.Fatal(err)
		}
		if got := level(); got != step.level {
			t.Errorf("at %v %%: level %s, want %s", step.percent, got, step.level)
		}
		if d := cmp.Diff(step.alerts, alerts(t, c)); d != "" {
			t.Errorf("at %v %%:\n%s", step.percent, d)
		}
		if got := condition(t, c)[2]; got != step.bits {
			t.Errorf("at %v %%: error bits %q, want %q", step.percent, got, step.bits)
		}
	}
	if got := ask(t, c, ".1.3.6.1.2.1.25.3.5.1.2.1")[0]; len(got) != 1 {
		t.Errorf("hrPrinterDetectedErrorState has %d octets, want the one of this model", len(got))
	}
}

func TestTroubles(t *testing.T) {
	for _, test := range []struct {
		trouble simulator.Trouble
		index   int
		want    []string // hrDeviceStatus, hrPrinterStatus, error bits, panel
		alert   string
	}{
		{simulator.Jam, 0, []string{"5", "1", "5", "Paper jam", "", ""}, "1: 3 3 13 1 8 Paper jam"},
		{simulator.ServiceCall, 0, []string{"5", "1", "7", "Call for service", "", ""}, "1: 3 5 5 1 30 Call for service"},
		{simulator.CoverOpen, 2, []string{"5", "1", "4", "Right cover is open", "", ""}, "1: 3 3 6 2 3 Right cover is open"},
		{simulator.TrayEmpty, 3, []string{"3", "3", "13", "Ready to copy.", "Drawer 2 is empty", ""}, "1: 4 3 8 3 808 Drawer 2 is empty"},
		{simulator.TrayLow, 1, []string{"3", "3", "0", "Ready to copy.", "Multi-purpose tray is low on paper", ""}, "1: 4 3 8 1 807 Multi-purpose tray is low on paper"},
		{simulator.TonerLow, 1, []string{"3", "3", "2", "Ready to copy.", "Simulated Toner S-51 black is low", ""}, "1: 4 3 11 1 1104 Simulated Toner S-51 black is low"},
		{simulator.TonerEmpty, 4, []string{"5", "1", "3", "Simulated Toner S-51 yellow is empty", "", ""}, "1: 3 3 11 4 1101 Simulated Toner S-51 yellow is empty"},
		{simulator.WasteTonerAlmostFull, 5, []string{"3", "3", "", "Ready to copy.", "Simulated Waste Toner Container is almost full", ""}, "1: 4 4 11 5 1107 Simulated Waste Toner Container is almost full"},
		{simulator.WasteTonerFull, 5, []string{"5", "1", "7", "Simulated Waste Toner Container is full", "", ""}, "1: 3 4 11 5 1109 Simulated Waste Toner Container is full"},
	} {
		t.Run(test.trouble.String(), func(t *testing.T) {
			c := simulator.New(simulator.ColourMFP(), simulator.Options{})
			well := condition(t, c)
			if err := c.Raise(test.trouble, test.index); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, condition(t, c)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{test.alert}, alerts(t, c)); d != "" {
				t.Error(d)
			}
			stopped := test.want[0] == "5"
			if n := c.Print(simulator.Job{Pages: 1}); (n == 0) != stopped {
				t.Errorf("printed %d", n)
			}
			if err := c.Clear(test.trouble, test.index); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(well, condition(t, c)); d != "" {
				t.Errorf("not as before:\n%s", d)
			}
		})
	}
}

func TestNoSuchPart(t *testing.T) {
	c := simulator.New(simulator.MonoLaser(), simulator.Options{})
	for trouble, index := range map[simulator.Trouble]int{
		simulator.CoverOpen: 3, simulator.TrayEmpty: 0, simulator.TonerLow: 2, simulator.InkLow: 1, 0: 1, 99: 1, -1: 1,
	} {
		if err := c.Raise(trouble, index); err == nil {
			t.Errorf("%q of part %d was raised", trouble, index)
		}
	}
	if err := c.ReplaceSupply("cyan"); err == nil {
		t.Error("a supply that is not there was replaced")
	}
}

// A row stays while its trouble lasts; a trouble that comes again is a new row.
func TestAlertRows(t *testing.T) {
	c := simulator.New(simulator.MonoLaser(), simulator.Options{})
	for _, do := range []error{
		c.Raise(simulator.Jam, 0), c.Raise(simulator.DrumAlmostOver, 2), c.Clear(simulator.Jam, 0), c.Raise(simulator.Jam, 0),
	} {
		if do != nil {
			t.Fatal(do)
		}
	}
	want := []string{"2: 4 5 11 2 1111 Simulated Drum DK-S400 is near its end", "3: 3 3 13 1 8 Paper jam"}
	if d := cmp.Diff(want, alerts(t, c)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"2", "3"}, ask(t, c, ".1.3.6.1.2.1.43.5.1.1.18.1", ".1.3.6.1.2.1.43.5.1.1.19.1")); d != "" {
		t.Errorf("critical and all alerts ever:\n%s", d)
	}
	if d := cmp.Diff([]string{"Paper jam", "Simulated Drum DK-S400 is near its end", ""}, condition(t, c)[3:]); d != "" {
		t.Errorf("the panel shows what is critical first:\n%s", d)
	}
}

// Paper comes from the trays of the size, and people refill them.
func TestPaper(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	sheets := func() []string {
		const level = ".1.3.6.1.2.1.43.8.2.1.10.1."
		return ask(t, c, level+"1", level+"2", level+"3", level+"4", level+"5")
	}
	for _, step := range []struct {
		job  simulator.Job
		want []string
	}{
		{simulator.Job{Pages: 201, TwoSided: true}, []string{"0", "549", "550", "550", "550"}},
		{simulator.Job{Pages: 60, Large: true}, []string{"0", "549", "550", "490", "550"}},
		{simulator.Job{Pages: 1110}, []string{"89", "550", "550", "490", "550"}},
	} {
		c.Print(step.job)
		if d := cmp.Diff(step.want, sheets()); d != "" {
			t.Errorf("%+v:\n%s", step.job, d)
		}
	}
	for tray := range 5 {
		if err := c.Raise(simulator.TrayEmpty, tray+1); err != nil {
			t.Fatal(err)
		}
	}
	if got := condition(t, c)[2]; got != "1 13" {
		t.Errorf("with all trays empty the error bits are %q, want noPaper and inputTrayEmpty", got)
	}
}

func TestSleep(t *testing.T) {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{})
	c.Sleep(true)
	if d := cmp.Diff([]string{"2", "1", "", "Sleeping...", "", ""}, condition(t, c)); d != "" {
		t.Error(d)
	}
	c.Print(simulator.Job{Pages: 1})
	if got := condition(t, c)[1]; got != "3" {
		t.Errorf("after a job hrPrinterStatus is %s, want idle", got)
	}
}

// The clock of the device runs by itself, and begins again with a restart.
func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const powerOnCount = ".1.3.6.1.2.1.43.10.2.1.5.1.1"
		c := simulator.New(simulator.ColourMFP(), simulator.Options{Lag: 3})
		c.Print(simulator.Job{Pages: 10})
		time.Sleep(90 * time.Minute)
		if d := cmp.Diff([]string{"540000", "10", "7"}, ask(t, c, sysUpTime, powerOnCount, lifeCount)); d != "" {
			t.Error(d)
		}
		c.Reboot()
		time.Sleep(time.Second)
		if d := cmp.Diff([]string{"100", "0", "7"}, ask(t, c, sysUpTime, powerOnCount, lifeCount)); d != "" {
			t.Errorf("after a restart:\n%s", d)
		}
		time.Sleep(1<<32*10*time.Millisecond - time.Second)
		if d := cmp.Diff([]string{"0"}, ask(t, c, sysUpTime)); d != "" {
			t.Errorf("after 497 days:\n%s", d)
		}
	})
}

// Another serial number is another device; a new board is the same with no past.
func TestSwaps(t *testing.T) {
	const canonSerial, total = ".1.3.6.1.4.1.1602.1.2.1.8.1.3.1.1", ".1.3.6.1.4.1.1602.1.11.1.3.1.4.101"
	const serial = ".1.3.6.1.2.1.43.5.1.1.17.1"
	c := simulator.New(simulator.Model{}, simulator.Options{Serial: "ABC12345"})
	c.Print(simulator.Job{Pages: 4})
	c.SetLag(1)
	if d := cmp.Diff([]string{"ABC12345", "ABC12345", "4", "3"}, ask(t, c, serial, canonSerial, total, lifeCount)); d != "" {
		t.Error(d)
	}
	c.SetSerial("ABC12346")
	c.SwapBoard()
	if d := cmp.Diff([]string{"ABC12346", "ABC12346", "0", "0"}, ask(t, c, serial, canonSerial, total, lifeCount)); d != "" {
		t.Error(d)
	}
}
