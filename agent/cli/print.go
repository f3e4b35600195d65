package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// printJSON writes one object on one line.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printf writes to standard output.
func (a *app) printf(format string, args ...any) {
	fmt.Fprintf(a.out, format, args...)
}

// A table is columns of text that fit the width: the column that may give way is
// cut where it must be.
type table struct {
	head  []string
	rows  [][]string
	right map[int]bool // columns that are numbers
	give  int          // the column that gives way
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table with two blanks between columns.
func (t *table) String() string {
	all := t.rows
	if t.head != nil {
		all = append([][]string{t.head}, t.rows...)
	}
	var widths []int
	for _, row := range all {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	over := 2*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	if over > 0 && t.give < len(widths) {
		widths[t.give] = max(8, widths[t.give]-over)
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			cell = cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// cut shortens text to n runes, with an ellipsis where something is missing.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// gauge draws a percentage as a bar of n places.
func gauge(percent float64, n int) string {
	full := min(n, max(0, int(percent*float64(n)/100+0.5)))
	return strings.Repeat("#", full) + strings.Repeat(".", n-full)
}
