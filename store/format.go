package store

import (
	"fmt"
	"strconv"
)

// format is the layout in the package comment. A version that changes it in a way
// that this one would misread raises the number and converts older files in Open.
const format = 4

// Reads is the newest format that this version reads: Open refuses newer ones. A version
// that raises format comes after one that raises only Reads, so that an update which fails
// leaves a file that the version before can open.
const Reads = format

// Mark stands in every program that writes the format, for those who publish it: an update
// says which one it brings.
const Mark = "meteragent database format 4"

func formatOf(value []byte) (n int, ok bool) {
	n, err := strconv.Atoi(string(value))
	return n, err == nil && n > 0
}

func newer(found int) error {
	return fmt.Errorf("%w: it has format %d, this program reads up to %d and brings %q", ErrNewer, found, Reads, Mark)
}
