package config

import (
	"regexp"
	"slices"
	"strings"
)

var numbers = regexp.MustCompile(`\[\d+\]`)

// withoutNumbers turns "network[2].port" into "network.port".
func withoutNumbers(key string) string { return numbers.ReplaceAllString(key, "") }

// nearest is the known key that was probably meant by an unknown one, or "". A
// setting of the same section with a similar name comes first, then one of the same
// name in another section, then anything similar.
func nearest(unknown string, known []string) string {
	unknown = withoutNumbers(unknown)
	section, name := cutLast(unknown)
	return closest(known, func(key string) int {
		otherSection, otherName := cutLast(key)
		switch {
		case otherSection == section:
			return within(Distance(name, otherName), len(name))
		case otherName == name:
			return 10
		default:
			return 20 + within(Distance(unknown, key), len(unknown))
		}
	})
}

// nearestWord is the allowed word that was probably meant, in quotes, or "".
func nearestWord(word string, allowed []string) string {
	word = strings.ToLower(word)
	near := closest(allowed, func(other string) int { return within(Distance(word, other), len(word)) })
	if near == "" {
		return ""
	}
	return `"` + near + `"`
}

const far = 1000

// within is the distance if a typing mistake explains it, else far: one letter, two
// from six letters on, three from nine.
func within(distance, length int) int {
	if distance > max(1, length/3) || distance >= length {
		return far
	}
	return distance
}

func closest(words []string, distance func(string) int) string {
	best, at := "", far
	for _, word := range slices.Sorted(slices.Values(words)) {
		if d := distance(word); d < at {
			best, at = word, d
		}
	}
	return best
}

func cutLast(key string) (section, name string) {
	at := strings.LastIndexByte(key, '.')
	return key[:max(at, 0)], key[at+1:]
}

// Distance counts the letters to insert, delete or replace to turn a into b. Two
// letters in the wrong order count one.
func Distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := 1; j <= len(b); j++ {
			if i == 0 {
				rows[0][j] = j
				continue
			}
			differs := 1
			if a[i-1] == b[j-1] {
				differs = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differs)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
