package simulator

// A trait is one property by which sides are told apart. A kind of side is the
// sum of the traits it has.
type trait int

const (
	colour trait = 1 << iota
	large
	twoSided
	copied // from the glass or the feeder; without it the side came over the network
	kinds  // how many kinds there are
)

// Traits that a side must not have are written negated.
const (
	black   = ^colour
	small   = ^large
	printed = ^copied
)

// tallies count sides by kind. Every counter of a device is a sum over them, and
// so they agree with each other at any moment.
type tallies [kinds]int

// has says whether a side of this kind has trait t, or lacks it if t is negated.
func (kind trait) has(t trait) bool {
	if t < 0 {
		return kind&^t == 0
	}
	return kind&t != 0
}

// sides counts the sides that have all of these traits.
func (t *tallies) sides(traits ...trait) int {
	sum := 0
	for kind, n := range t {
		all := true
		for _, want := range traits {
			all = all && trait(kind).has(want)
		}
		if all {
			sum += n
		}
	}
	return sum
}

// kind is what the sides of a job are, apart from being on both sides of a sheet.
func (j Job) kind() trait {
	var k trait
	if j.Colour {
		k |= colour
	}
	if j.Large {
		k |= large
	}
	if j.Copy {
		k |= copied
	}
	return k
}

// count adds a job of n sides. The last side of an odd number on two-sided
// paper is alone on its sheet and counts as one-sided.
func (t *tallies) count(j Job, n int) {
	both := 0
	if j.TwoSided {
		both = n - n%2
	}
	t[j.kind()|twoSided] += both
	t[j.kind()] += n - both
}
