package text_test

import (
	"testing"
	"time"

	"meteragent/agent/text"
)

func TestForChoosesTheLanguage(t *testing.T) {
	for lang, want := range map[string]text.Lang{
		"":            text.English,
		"C":           text.English,
		"en_GB.UTF-8": text.English,
		"fr_FR":       text.English,
		"de":          text.German,
		"DE":          text.German,
		"de-CH":       text.German,
		"de_AT.UTF-8": text.German,
		"deutsch":     text.English,
	} {
		if got := text.For(lang).Lang(); got != want {
			t.Errorf("For(%q).Lang() = %q, want %q", lang, got, want)
		}
	}
}

func TestSay(t *testing.T) {
	english, german := text.For("en"), text.For("de_AT.UTF-8")
	for _, test := range []struct{ name, got, want string }{
		{"english", english.Say("config.line", "line", 8631), "line 8631"},
		{"german", german.Say("config.line", "line", 12), "Zeile 12"},
		{"unknown key", german.Say("no.such.key", "device", "ABC12345"), "[no.such.key] device ABC12345"},
		{"missing placeholder", english.Say("config.line"), "line {line}"},
		{"a name without a value", english.Say("config.line", "line"), "line {line}"},
		{"a value too many", english.Say("config.line", "line", 1, "colour", "black"), "line 1"},
		{"a placeholder in a value", english.Say("config.line", "line", "{line}"), "line {line}"},
		{"braces that are none", english.Say("config.oneSource"),
			`must name one source: { file = "..." } or { env = "..." }`},
	} {
		if test.got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, test.got, test.want)
		}
	}
}

func TestNumbersAndDates(t *testing.T) {
	english, german := text.For("en"), text.For("de")
	at := time.Date(2026, 11, 30, 18, 5, 0, 0, time.Local)
	for _, test := range []struct{ got, want string }{
		{english.Number(0), "0"},
		{english.Number(-999), "-999"},
		{english.Number(1000), "1,000"},
		{german.Number(-1234567), "-1.234.567"},
		{english.Number(-9223372036854775808), "-9,223,372,036,854,775,808"},
		{english.Decimal(38), "38"},
		{german.Decimal(38.46), "38,5"},
		{english.Time(at.UTC()), "2026-11-30 18:05"},
		{german.Time(at), "30.11.2026 18:05"},
		{german.Time(time.Time{}), ""},
		{english.Duration(4 * time.Hour), "4 h"},
		{english.Duration(90 * time.Minute), "1 h 30 min"},
		{english.Duration(25*time.Hour + 59*time.Second), "1 d 1 h"},
		{german.Duration(49 * time.Hour), "2 T 1 h"},
		{german.Duration(1500 * time.Millisecond), "1,5 s"},
		{english.Duration(-200 * time.Millisecond), "-200 ms"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"short", "short"},
		{"one two three", "one two\n  three"},
		{"zwölf Äpfel", "zwölf\n  Äpfel"},
		{"averylongword", "averylongword"},
		{"averylongword and more", "averylongword\n  and\n  more"},
		{"  item text", "  item\n  text"},
		{"a\nb", "a\nb"},
	} {
		if got := text.Wrap(test.text, 9, "  "); got != test.want {
			t.Errorf("Wrap(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}
