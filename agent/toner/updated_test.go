package toner_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"meteragent/collector"
)

// updated is this package where the firmware of the copier is updated now and then: the rows
// are numbered anew, and another counter tells what was printed.
type updated struct {
	ours
	fate  *rand.Rand
	order []int // of the rows: the number of each
	ahead int64 // pages, of the counter that is told
	twins bool  // all rows have one colour
}

func (u *updated) see(r collector.Reading) (ids, keys []string) {
	if u.fate.IntN(500) == 0 || u.order == nil { // about every six weeks
		u.order, u.ahead = u.fate.Perm(6), u.fate.Int64N(1_000_000)
	}
	names, numbers := map[string]string{}, map[int64]int64{}
	r.Supplies, r.Meters, r.Alerts = slices.Clone(r.Supplies), slices.Clone(r.Meters), slices.Clone(r.Alerts)
	for i := range r.Supplies {
		s := &r.Supplies[i]
		key := fmt.Sprintf("1.%d", u.order[i]+1)
		names[key], numbers[int64(i+1)] = s.Key, int64(u.order[i]+1)
		if s.Key = key; u.twins {
			s.Colorant = "black"
		}
	}
	for i := range r.Alerts {
		r.Alerts[i].GroupIndex = numbers[r.Alerts[i].GroupIndex]
	}
	r.Meters[0].Value += u.ahead
	r.Meters[0].OID = fmt.Sprint(u.ahead)
	ids, keys = u.ours.see(r)
	for i, key := range keys {
		keys[i] = names[key]
	}
	return ids, keys
}

// Of copiers that are updated each cartridge is still ordered once. Of four toners of one colour one
// may be taken for another that says the same; then each has the other's order.
func TestUpdatedLives(t *testing.T) {
	for twins, most := range map[bool]int{false: 0, true: 3} {
		got := lived(tuning, 120, func() brain {
			return &updated{ours: ours{policy: usual()}, fate: rand.New(rand.NewPCG(1, 2)), twins: twins}
		})
		t.Logf("of one colour: %v: %s", twins, got)
		if got.two > most || got.early+got.foreign > 0 || got.none > 3 {
			t.Errorf("of one colour: %v: %d twice, %d false, %d never, of copiers %d", twins, got.two, got.early+got.foreign, got.none, got.wrong)
		}
	}
}
