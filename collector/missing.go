package collector

import (
	"errors"
	"slices"
)

// An unread is why a walk has ended too soon, and which columns it has not read.
type unread struct {
	error
	columns []string // without those after them in a span
	unknown bool     // it is not known what else there would have been to read
}

func (u unread) Unwrap() error { return u.error }

// unread says what is left of a walk that ends with an error.
func (w *walker) unread(err error) error {
	left := unread{error: err, unknown: w.learn != nil}
	for i := range w.walks {
		if !w.walks[i].done {
			left.columns = append(left.columns, w.walks[i].from)
		}
	}
	return left
}

// The groups of what a reading can lack.
const (
	missingDevice   = "device"   // who it is, its status and its places for texts
	missingMeters   = "meters"   // of RFC 3805
	missingSupplies = "supplies" // and their colours
	missingInputs   = "inputs"
	missingAlerts   = "alerts"
	missingConsole  = "console"
	missingVendor   = "vendor" // what the profile names: counters, levels, serial numbers
)

// groupOf is the group that a column belongs to.
func groupOf(column string) string {
	for _, g := range []struct{ branch, group string }{
		{printerMIB + ".8", missingInputs}, {printerMIB + ".10", missingMeters}, {printerMIB + ".11", missingSupplies},
		{printerMIB + ".12", missingSupplies}, {printerMIB + ".16", missingConsole}, {printerMIB + ".18", missingAlerts},
		{enterprises, missingVendor},
	} {
		if under(g.branch, column) {
			return g.group
		}
	}
	return missingDevice
}

// missing are the groups of which something was not read, sorted: what a walk had not come to,
// and columns about which the device was silent; none if the reading came to its end.
func missing(err error, scope Scope, silent []string) []string {
	var left unread
	if !errors.As(err, &left) && len(silent) == 0 {
		return nil
	}
	var groups []string
	for _, column := range slices.Concat(left.columns, silent) {
		if !(scope == Supplies && onlyFull(column)) {
			groups = append(groups, groupOf(column))
		}
	}
	if left.unknown {
		groups = append(groups, missingVendor)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// lack notes what a reading lacks. Without what the maker counts nobody can say which
// of several sources is billed, so none is.
func (r *Reading) lack(groups []string) {
	r.Missing = groups
	if r.Lacks(missingVendor) {
		for i := range r.Meters {
			r.Meters[i].Primary = false
		}
	}
}

// Lacks says whether the device stopped answering before all of a group was read. What
// is absent from such a group was not read; it is not known to be gone.
func (r Reading) Lacks(groups ...string) bool {
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(r.Missing, g) })
}
