package collector_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// sameButCost compares readings but for when they were made and what they cost.
var sameButCost = cmpopts.IgnoreFields(collector.Reading{}, "TakenAt", "UptimeSeconds", "Traffic", "Took", "Plan")

// happenings are what a copier may go through between two readings.
func happenings(c *simulator.Copier, r *rand.Rand) (string, func()) {
	supplies := c.Supplies()
	supply := supplies[r.IntN(len(supplies))]
	troubles := []simulator.Trouble{
		simulator.Jam, simulator.ServiceCall, simulator.CoverOpen, simulator.TrayLow, simulator.TrayEmpty,
		simulator.TonerLow, simulator.InkLow, simulator.WasteTonerFull, simulator.DrumAlmostOver,
	}
	trouble, index := troubles[r.IntN(len(troubles))], 1+r.IntN(5)
	job := simulator.Job{Pages: 1 + r.IntN(400), Colour: r.IntN(2) > 0, Large: r.IntN(3) == 0, TwoSided: r.IntN(2) > 0, Copy: r.IntN(2) > 0}
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf("trouble %s of part %d", trouble, index), func() { c.Raise(trouble, index) }
	case 1:
		return fmt.Sprintf("no trouble %s of part %d", trouble, index), func() { c.Clear(trouble, index) }
	case 2:
		return "a new " + supply.Key, func() { c.ReplaceSupply(supply.Key) }
	case 3:
		return "a used " + supply.Key, func() { c.SetLevel(supply.Key, r.Float64()*100) }
	case 4:
		return "sleep", func() { c.Sleep(r.IntN(2) > 0) }
	case 5:
		return "a scan", func() { c.Scan(job) }
	case 6:
		return "an interrupted read", func() {}
	case 7:
		switch r.IntN(4) {
		case 0:
			return "a restart", c.Reboot
		case 1:
			return "a new board", c.SwapBoard
		case 2:
			return "another copier", func() { c.SetSerial(fmt.Sprintf("NEW%05d", r.IntN(99999))) }
		}
		return "a counter behind", func() { c.SetLag(r.IntN(20)) }
	}
	return fmt.Sprintf("%+v", job), func() { c.Print(job) }
}

// Whatever happens to a copier, a reading by plan is the reading that would have been
// made without one.
func TestPlannedReadingIsAWholeOne(t *testing.T) {
	t.Parallel()
	var readings, followed atomic.Int64
	t.Cleanup(func() { // so much happens to some of the copiers that their plans are not followed for long
		if followed.Load() < readings.Load()/3 {
			t.Errorf("only %d of %d readings were made by plan", followed.Load(), readings.Load())
		}
	})
	for _, m := range simulator.Models() {
		for _, version := range []collector.Version{collector.V1, collector.V2c, collector.V3} {
			t.Run(m.Name+"/"+version.String(), func(t *testing.T) {
				t.Parallel()
				seed := uint64(time.Now().UnixNano())
				r := rand.New(rand.NewPCG(seed, 1))
				user, credential := userOf("sha256", "aes128")
				if version != collector.V3 {
					credential = collector.Credential{Version: version, Community: "public"}
				}
				copier := simulator.New(m, simulator.Options{Seed: 1 + r.Uint64N(1000), Users: []simulator.User{user}})
				to := serve(t, copier)
				to.Credentials = []collector.Credential{credential}
				planned, whole := collector.New(), collector.New()
				var done []string
				for range 60 {
					readings.Add(1)
					to.Scope = []collector.Scope{collector.Full, collector.Supplies}[r.IntN(2)]
					got := read(t, planned, to)
					fresh := to
					fresh.Plan = nil
					if diff := cmp.Diff(read(t, whole, fresh), got, sameButCost); diff != "" {
						t.Fatalf("seed %d, after %q: %s", seed, done, diff)
					}
					if to.Plan != nil && got.Traffic.Requests <= 3 {
						followed.Add(1)
					}
					to.Plan = got.Plan
					what, happen := happenings(copier, r)
					done = append(done, what)
					if len(done) > 5 {
						done = done[1:]
					}
					happen()
				}
			})
		}
	}
}

// Readings between which a copier only prints take one question, in which the serial
// number is.
func TestCostOfAPlannedReading(t *testing.T) {
	t.Parallel()
	for _, m := range simulator.Models() {
		copier := simulator.New(m, simulator.Options{Seed: 7})
		if err := copier.Raise(simulator.CoverOpen, 1); err != nil {
			t.Fatal(err)
		}
		to := serve(t, copier)
		c := collector.New()
		to.Plan = read(t, c, to).Plan
		if len(to.Plan) == 0 || len(to.Plan) > 3000 {
			t.Errorf("%s: a plan of %d octets", m.Name, len(to.Plan))
		}
		for _, scope := range []collector.Scope{collector.Full, collector.Supplies} {
			copier.Forget()
			to.Scope = scope
			r := read(t, c, to)
			asked := copier.Asked()
			most := 1
			if m.Name == simulator.ColourMFP().Name {
				most = 2 // it has 27 counters of its own
			}
			if asked.Requests() > most || asked.Requests() != int(r.Traffic.Requests) || !slices.Contains(asked.Names, "1.3.6.1.2.1.43.5.1.1.17") {
				t.Errorf("%s, scope %d: %+v", m.Name, scope, asked)
			}
			if !slices.Equal(r.Plan, to.Plan) {
				t.Errorf("%s, scope %d: the plan has changed", m.Name, scope)
			}
		}
	}
}

// A plan outlives the collector it was made by; one that is damaged or that was made
// with other profiles is not followed.
func TestPlansOfOthers(t *testing.T) {
	t.Parallel()
	copier := simulator.New(simulator.MonoLaser(), simulator.Options{Seed: 7})
	to := serve(t, copier)
	to.Credentials = []collector.Credential{{Version: collector.V1, Community: "else"}, {Community: "public"}}
	to.Timeout, to.Retries = 100*time.Millisecond, -1
	plan := read(t, collector.New(), to).Plan
	cost := func(c *collector.Collector, p collector.Plan) int64 {
		t.Helper()
		to.Plan = p
		return read(t, c, to).Traffic.Requests
	}
	if n := cost(collector.New(), plan); n != 1 {
		t.Errorf("%d requests by a plan after a restart, want 1", n)
	}
	for i := range plan {
		bad := slices.Clone(plan)
		bad[i] ^= 0x10
		if i%397 == 0 && cost(collector.New(), bad) < 3 {
			t.Errorf("a plan with octet %d changed is followed", i)
		}
	}
	if n := cost(collector.New(), plan[:len(plan)/2]); n < 3 {
		t.Errorf("half a plan is followed")
	}
	if n := cost(collector.NewWith(&collector.Profiles{}), plan); n < 3 {
		t.Errorf("a plan made with other profiles is followed")
	}
}
