package text

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Number shows a counter with the language's thousands separator: 1,234,567 or
// 1.234.567.
func (c *Catalogue) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	separator := ","
	if c.lang == German {
		separator = "."
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return sign + digits
}

// Decimal shows a number with at most one decimal: 38.5 or 38,5, and 38 for 38.0.
func (c *Catalogue) Decimal(f float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	if c.lang == German {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// Bytes shows a number of bytes: 815 B, 41.2 KB, 1.3 MB, of a thousand each.
func (c *Catalogue) Bytes(n int64) string {
	size, units := float64(n), []string{"B", "KB", "MB", "GB"}
	for size >= 999.95 && len(units) > 1 {
		size, units = size/1000, units[1:]
	}
	return c.Decimal(size) + " " + units[0]
}

// Time shows date, hour and minute in local time, and "" for the zero time.
func (c *Catalogue) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if c.lang == German {
		return t.Local().Format("02.01.2006 15:04")
	}
	return t.Local().Format("2006-01-02 15:04")
}

// Date shows the day of a time, in the time's own zone.
func (c *Catalogue) Date(t time.Time) string {
	if c.lang == German {
		return t.Format("02.01.2006")
	}
	return t.Format(time.DateOnly)
}

// Duration shows the two largest units of a duration: "4 h", "1 h 30 min", "2 d 4 h",
// "1.5 s". Less than a second is shown in milliseconds.
func (c *Catalogue) Duration(d time.Duration) string {
	if d < 0 {
		return "-" + c.Duration(-d)
	}
	if d < time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	if d < time.Minute {
		return c.Decimal(d.Seconds()) + " s"
	}
	day := "d"
	if c.lang == German {
		day = "T"
	}
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, day}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for units[0].length > d {
		units = units[1:]
	}
	shown := strconv.FormatInt(int64(d/units[0].length), 10) + " " + units[0].name
	if len(units) > 1 {
		if rest := d % units[0].length / units[1].length; rest > 0 {
			shown += " " + strconv.FormatInt(int64(rest), 10) + " " + units[1].name
		}
	}
	return shown
}

// Wrap breaks a text at spaces so that no line is longer than width runes if its
// words allow it. Lines after a break start with indent; breaks in the text stay.
func Wrap(text string, width int, indent string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		for utf8.RuneCountInString(line) > width {
			at := breakAt(line, width)
			if at < 0 {
				break
			}
			lines = append(lines, line[:at])
			line = indent + line[at+1:]
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// breakAt finds the last space between words within width runes, or else the first
// one after them. It is -1 if the line is one word.
func breakAt(line string, width int) int {
	words := strings.TrimLeft(line, " ")
	at := -1
	for i := len(line) - len(words); i < len(line); i++ {
		if line[i] == ' ' && (at < 0 || utf8.RuneCountInString(line[:i]) <= width) {
			at = i
		}
	}
	return at
}
