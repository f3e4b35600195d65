package cli

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/collector"
)

var rewrite = flag.Bool("update", false, "rewrite the output in docs/orders.md")

const (
	orderDocs = "../../docs/orders.md"
	days      = 24 * time.Hour
)

// past is a copier's history of half a year: it prints on weekdays, rests for a week
// now and then, and gets a new cartridge two days after one is empty.
func past() (devices []page.Device, history []page.Entry, now time.Time) {
	supply := func(key, colour string) collector.Supply {
		return collector.Supply{
			Key: key, Class: "supplyThatIsConsumed", Type: "toner", Colorant: colour,
			Description: "C-EXV 51 " + strings.ToUpper(colour[:1]) + colour[1:] + " Toner", Level: collector.Level{Kind: collector.Measured},
		}
	}
	r := collector.Reading{
		Device:   collector.Device{ID: "ABC12345", Serial: "ABC12345", Manufacturer: "Canon", Model: "iR-ADV C5535"},
		Supplies: []collector.Supply{supply("1.1", "black"), supply("1.2", "cyan")},
	}
	start := time.Date(2026, 6, 1, 18, 0, 0, 0, time.UTC)
	left, use, dry := []float64{80, 60}, []float64{2.3, 0.9}, []int{0, 0}
	pages := int64(120_000)
	for day := range 183 {
		at := start.Add(time.Duration(day) * days)
		e := page.Entry{At: at, Device: r.Device.ID, Meters: map[string]int64{}, Supplies: map[string]float64{}}
		works := at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && day/7%8 != 5
		for i, s := range r.Supplies {
			if works {
				left[i] = max(0, left[i]-use[i]*(1+0.3*float64(day%3-1)))
			}
			if left[i] == 0 {
				dry[i]++
			}
			if dry[i] > 2 {
				left[i], dry[i] = 100, 0
			}
			e.Supplies[s.Key] = float64(int(left[i] + 0.5))
		}
		if works {
			pages += 250 + int64(day%3)*75
		}
		e.Meters["systemTotals.impressions.total"] = pages
		history, now = append(history, e), at
	}
	return []page.Device{{ID: r.Device.ID, Reading: &r}}, history, now
}

// What docs/orders.md shows is what the commands say, and fits into 80 columns in both
// languages.
func TestTheHandbookShowsRealOutput(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	devices, history, now := past()
	usual := config.Default()
	plain := usual
	plain.Toner.OrderBelow, plain.Toner.DaysLeft = 20, 0
	orders := agent.Replay(usual, devices, history, now.Add(-90*days))
	if len(orders) == 0 {
		t.Fatal("nothing is ordered")
	}
	o := agent.ShowOrder(agent.OrderEntry{Order: orders[0].Order, State: "shipped", Changed: orders[0].Order.DecidedAt.Add(days)})
	say := func(lang string, what func(*app)) string {
		var out bytes.Buffer
		what(&app{out: &out, say: text.For(lang)})
		for _, line := range strings.Split(out.String(), "\n") {
			if utf8.RuneCountInString(line) > width || strings.ContainsAny(line, "[{") {
				t.Errorf("%s: %s", lang, line)
			}
		}
		return out.String()
	}
	why := func(a *app) { a.printWhy(o) }
	replay := func(cfg config.Config) func(*app) {
		return func(a *app) { a.printReplay(agent.Replay(cfg, devices, history, now.Add(-90*days)), 90) }
	}
	got, err := os.ReadFile(orderDocs)
	if err != nil {
		t.Fatal(err)
	}
	want := string(got)
	for command, output := range map[string]string{
		"meteragent orders --why ":                                            say("en", why),
		"meteragent --lang de orders --why ":                                  say("de", why),
		"meteragent orders simulate --days 90\n":                              say("en", replay(usual)),
		"meteragent orders simulate --days 90 --order-below 20 --days-left 0": say("en", replay(plain)),
	} {
		_ = say("de", replay(usual))
		want = shown(t, want, command, output, short(o.ID))
	}
	if *rewrite {
		if err := os.WriteFile(orderDocs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/orders.md (-real +shown):\n%s", diff)
	}
}

// shown puts the output of a command below it in a text.
func shown(t *testing.T, doc, command, output, id string) string {
	t.Helper()
	before, after, found := strings.Cut(doc, "$ "+command)
	if !found {
		t.Fatalf("docs/orders.md does not show %q", command)
	}
	_, after, found = strings.Cut(after, "```\n")
	if !found {
		t.Fatalf("docs/orders.md does not end the output of %q", command)
	}
	line := strings.TrimSuffix(command, "\n")
	if strings.HasSuffix(line, " ") {
		line += id
	}
	return before + "$ " + line + "\n" + output + "```\n" + after
}
