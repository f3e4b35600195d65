package collector

import (
	"strconv"
	"strings"
)

// Object identifiers are written as text, in decimal, without a leading dot and
// without leading zeros: "1.3.6.1.2.1.1.1.0". They are the names of variables.

// maxSubIDs is how many numbers an object identifier may have (RFC 3416 section 4.1).
const maxSubIDs = 128

// parseOID checks s and returns it without a leading dot.
func parseOID(s string) (string, bool) {
	s = strings.TrimPrefix(s, ".")
	numbers := 0
	for rest, more := s, true; more; numbers++ {
		var number string
		number, rest, more = strings.Cut(rest, ".")
		if len(number) > 1 && number[0] == '0' || strings.HasPrefix(number, "+") {
			return "", false
		}
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return "", false
		}
	}
	return s, numbers >= 2 && numbers <= maxSubIDs
}

// compareOID orders names as a device does: number by number.
func compareOID(a, b string) int {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	start := strings.LastIndexByte(a[:same], '.') + 1
	numberA, _, _ := strings.Cut(a[start:], ".")
	numberB, _, _ := strings.Cut(b[start:], ".")
	if len(numberA) != len(numberB) {
		return len(numberA) - len(numberB) // without leading zeros the longer is the larger
	}
	if c := strings.Compare(numberA, numberB); c != 0 {
		return c
	}
	return len(a) - len(b)
}

// under says whether name lies in the subtree of root, root itself not included.
func under(root, name string) bool {
	return len(name) > len(root) && name[len(root)] == '.' && name[:len(root)] == root
}

// columnOf returns the number of the column of the table entry that name lies in;
// 0 if it lies outside the table, or names no instance.
func columnOf(entry, name string) int {
	if !under(entry, name) {
		return 0
	}
	number, index, _ := strings.Cut(name[len(entry)+1:], ".")
	column, err := strconv.Atoi(number)
	if err != nil || index == "" {
		return 0
	}
	return column
}
