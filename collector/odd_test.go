package collector_test

import (
	"strings"
	"testing"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// oddDevice is a printer as RFC 3805 has it, of which lines replace or add objects.
func oddDevice(t *testing.T, lines ...string) *simulator.Copier {
	t.Helper()
	objects := []string{
		"1.3.6.1.2.1.1.1.0|4|Acme Printer 9", "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.55555.1", "1.3.6.1.2.1.1.3.0|67|1000",
		"1.3.6.1.2.1.43.5.1.1.17.1|4|SER00001", "1.3.6.1.2.1.43.10.2.1.3.1.1|2|7", "1.3.6.1.2.1.43.10.2.1.4.1.1|65|1000",
		"1.3.6.1.2.1.43.11.1.1.7.1.1|2|19", "1.3.6.1.2.1.43.11.1.1.8.1.1|2|100", "1.3.6.1.2.1.43.11.1.1.9.1.1|2|50",
	}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "|")
		at := -1
		for i, o := range objects {
			if strings.HasPrefix(o, name+"|") {
				at = i
			}
		}
		if at < 0 {
			objects = append(objects, line)
		} else {
			objects[at] = line
		}
	}
	c, err := simulator.FromRecording(strings.NewReader(strings.Join(objects, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What devices do that no document foresees. Serial, model, total; "" and -1 for none.
func TestOddDevices(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []string
		serial string
		model  string
		total  int64
	}{
		"as it should be":         {nil, "SER00001", "Acme Printer 9", 1000},
		"padded serial":           {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4x|20204142433120ffff00"}, "ABC1", "Acme Printer 9", 1000},
		"serial as PWG 5107.1":    {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4|Not available", "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1|4|MFG:ACME;MDL:9;SN:Q77;"}, "Q77", "Acme Printer 9", 1000},
		"serial as HP":            {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4|", "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0|4x|0115515138"}, "QQ8", "Acme Printer 9", 1000},
		"serial in sysDescr":      {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4|", "1.3.6.1.2.1.1.1.0|4|HP ETHERNET MULTI-ENVIRONMENT,SN:VN9,FN:1,SVCID:2,PID:HP LaserJet 9"}, "VN9", "LaserJet 9", 1000},
		"serial in Samsung's way": {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4|", "1.3.6.1.2.1.1.1.0|4|Samsung ML-9 Series OS 1.0;Engine 1.0;NIC V4.0(ML-9);S/N Z9BKE41"}, "Z9BKE41", "ML-9", 1000},
		"model in the device ID":  {[]string{"1.3.6.1.2.1.43.5.1.1.17.1|4|", "1.3.6.1.2.1.1.1.0|4|HP ETHERNET MULTI-ENVIRONMENT,JETDIRECT", "1.3.6.1.4.1.11.2.3.9.1.1.7.0|4|MFG:HP;MDL:HP LaserJet 2;SERN:F1;"}, "F1", "LaserJet 2", 1000},
		"count as text":           {[]string{"1.3.6.1.2.1.43.10.2.1.4.1.1|4x|2030303132333400"}, "SER00001", "Acme Printer 9", 1234},
		"count of 64 bits":        {[]string{"1.3.6.1.2.1.43.10.2.1.4.1.1|70|5000000000"}, "SER00001", "Acme Printer 9", 5000000000},
		"count that is not known": {[]string{"1.3.6.1.2.1.43.10.2.1.4.1.1|2|-2"}, "SER00001", "Acme Printer 9", -1},
		"nothing printed yet":     {[]string{"1.3.6.1.2.1.43.10.2.1.4.1.1|65|0"}, "SER00001", "Acme Printer 9", 0},
		"a second printer behind": {[]string{"1.3.6.1.2.1.43.10.2.1.3.2.1|2|7", "1.3.6.1.2.1.43.10.2.1.4.2.1|65|77", "1.3.6.1.2.1.43.5.1.1.17.2|4|SER00002"}, "SER00001", "Acme Printer 9", 1000},
		"a second marker":         {[]string{"1.3.6.1.2.1.43.10.2.1.3.1.2|2|7", "1.3.6.1.2.1.43.10.2.1.4.1.2|65|77"}, "SER00001", "Acme Printer 9", 1077},
		"a maker's objects only":  {[]string{"1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.4.1.18334.1.1.1.5.7.2.1.1.0|65|990"}, "SER00001", "Acme Printer 9", 990},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := read(t, collector.New(), serve(t, oddDevice(t, c.lines...)))
			total := int64(-1)
			for _, m := range r.Meters {
				if m.Primary && m.Name == "systemTotals.impressions.total" {
					total = m.Value
				}
			}
			if r.Device.Serial != c.serial || r.Device.Model != c.model || total != c.total {
				t.Errorf("got %q, %q, %d, want %q, %q, %d", r.Device.Serial, r.Device.Model, total, c.serial, c.model, c.total)
			}
			if len(r.Supplies) != 1 {
				t.Errorf("%d supplies", len(r.Supplies))
			}
		})
	}
}

// A device that names itself only in the device ID of IEEE 1284 is known by it.
func TestDeviceIDOfIEEE1284(t *testing.T) {
	for name, c := range map[string]struct {
		lines               []string
		manufacturer, model string
	}{
		"of the PWG, beside a bare model": {
			[]string{
				"1.3.6.1.2.1.1.1.0|4|Linux 4.9", "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.2.1.25.3.2.1.3.1|4|L9DW",
				"1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1|4|MFG:PANTUM;CMD:PCL;MDL:L9DW series;",
			}, "Pantum", "L9DW",
		},
		"of Brother": {
			[]string{"1.3.6.1.2.1.1.1.0|4|", "1.3.6.1.4.1.2435.2.3.9.1.1.7.0|4|MFG:Brother;CMD:PJL;MDL:DCP-9DW series;CLS:PRINTER;"},
			"Brother", "DCP-9DW",
		},
		"of a maker that we do not know": {
			[]string{"1.3.6.1.2.1.1.1.0|4|", "1.3.6.1.4.1.11.2.3.9.1.1.7.0|4|MANUFACTURER:Nobody;MODEL:9;"}, "Nobody", "9",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := read(t, collector.New(), serve(t, oddDevice(t, c.lines...))).Device
			if d.Manufacturer != c.manufacturer || d.Model != c.model {
				t.Errorf("got %q, %q, want %q, %q", d.Manufacturer, d.Model, c.manufacturer, c.model)
			}
		})
	}
}
