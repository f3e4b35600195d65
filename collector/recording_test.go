package collector_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"meteragent/collector"
)

func TestRecordingReadsEveryTag(t *testing.T) {
	const lines = "# a comment\r\n\r\n" +
		"1.3.6.1.2.1.43.11.1.1.6.1.1|4|Toner | black\n" + // a bar in the value
		".1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.1602.4.7\r\n" +
		"1.3.6.1.2.1.1.1.0|4x|43616e6f6e204339\n" +
		"1.3.6.1.2.1.1.3.0|67:numeric|12345\n" + // what follows the tag is for simulators
		"1.3.6.1.2.1.4.20.1.1.10.0.0.1|64|10.0.0.1\n" +
		"1.3.6.1.2.1.25.3.5.1.2.1|5|\n" +
		"1.3.6.1.2.1.43.10.2.1.4.1.1|70|1000\n" +
		"1.3.6.1.2.1.43.10.2.1.4.1.1|65|2000\n" // the first of two counts
	rec, err := collector.ParseRecording(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rec.Read(context.Background(), collector.Full, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Device.Model != "C9" || r.Device.SysObjectID != "1.3.6.1.4.1.1602.4.7" || r.UptimeSeconds != 123 || len(r.Supplies) != 1 ||
		r.Supplies[0].Description != "Toner | black" || len(r.Meters) != 1 || r.Meters[0].Value != 1000 {
		t.Errorf("got %+v", r)
	}
}

func TestRecordingRefuses(t *testing.T) {
	const good = "1.3.6.1.2.1.1.1.0|4|copier\n"
	for line, want := range map[string]string{
		"nonsense":                       "three parts",
		"1.3.6.1|4":                      "three parts",
		"1.3.six|4|x":                    `"1.3.six" is not an object identifier`,
		"1.3.6.1|4x|0g":                  `"0g" is not in hex`,
		"1.3.6.1|4x|0":                   "not in hex",
		"1.3.6.1|2|many":                 `"many" is not a number`,
		"1.3.6.1|2|99999999999999999999": "not a number",
		"1.3.6.1|70|-1":                  "not a number",
		"1.3.6.1|6|enterprises":          "not an object identifier",
		"1.3.6.1|99|x":                   `"99" is not a known tag`,
		"1.3.6.1|x|00":                   "is not a known tag",
	} {
		_, err := collector.ParseRecording(strings.NewReader(good + line + "\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "recording: line 2: ") {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
	if _, err := collector.ParseRecording(strings.NewReader(strings.Repeat("x", 2<<20))); err == nil {
		t.Error("a line of 2 MiB is taken")
	}
	rec, err := collector.ParseRecording(strings.NewReader("1.3.6.1.2.1.1.1.0|4|Linux box\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rec.Read(context.Background(), collector.Full, nil); !errors.Is(err, collector.ErrNotPrinter) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := rec.Read(ctx, collector.Full, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
