package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// A quiet site wears its flash memory little: a commit for each reading, one for each
// delivery, and hardly another one.
func TestQuietSite(t *testing.T) {
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		stop := s.start(t)
		time.Sleep(24 * time.Hour)
		before := s.status(t).Store
		time.Sleep(24 * time.Hour)
		after := s.status(t).Store
		readings, commits := after.Readings-before.Readings, after.Commits-before.Commits
		t.Logf("%d readings a day, %d commits, %d bytes", readings, commits, after.Written-before.Written)
		if readings < 20 || commits > 2*readings+5 {
			t.Errorf("%d commits for %d readings", commits, readings)
		}
		stop()
	})
}

// A long time without a portal: the database stays within its limit, no day of a copier
// is without its reading, orders are there, and all of it arrives, urgent first.
func TestLongOutage(t *testing.T) { longOutage(t, 4, 8, 30*time.Minute, 300_000) }

// A thousand copiers, read a quarter as often as usual, with half of the room that there
// is by default: otherwise it takes an hour.
func TestSoakLongOutage(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	longOutage(t, 1000, 30, 2*time.Hour, config.Default().Store.MaxBytes/2)
}

// mostMemory is what the agent and this test may take apart from the mapped file, in KiB.
const mostMemory = 64 << 10

func longOutage(t *testing.T, copiers, days int, every time.Duration, limit int64) {
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as "meteragent run" has it
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path, func(c *config.Config) {
			c.Networks[0].Addresses = []string{"10.0.0.0/16"}
			c.Poll.Supplies, c.Store.MaxBytes = every, limit
		})
		heard := newHearing()
		s.link.set(func(l *link) { l.err, l.hear = errors.New("no route"), heard.hear })
		for i := range copiers {
			address := fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)
			s.fleet.copiers[address+":161"] = &copier{serial: fmt.Sprintf("SER%05d", i), total: 1000, toner: 9}
			s.fleet.finds = append(s.fleet.finds, collector.Find{Address: address, Port: 161, Printer: true})
		}
		stop := s.start(t)
		begin := time.Now()
		for day := range days {
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			status := s.status(t)
			if used := status.Store.Used; used > limit+limit/8 {
				t.Errorf("day %d: %d bytes are in use, of %d", day+1, used, limit)
			}
			heard.memory()
			t.Logf("day %d: %d bytes in use, %d readings dropped; heap %d MB, resident at most %d MB apart from the file",
				day+1, status.Store.Used, status.Store.Dropped, heard.heap>>20, heard.resident>>10)
		}
		status := s.status(t)
		if status.Store.Dropped == 0 || len(status.Problems) == 0 {
			t.Errorf("nothing was dropped, or nobody is told: %+v, %q", status.Store, status.Problems)
		}
		s.link.set(func(l *link) { l.err = nil })
		waited := status.Portals[0].Urgent + status.Portals[0].Bulk
		time.Sleep(2 * time.Hour)
		stop()
		heard.check(t, copiers, days, begin, waited)
		t.Logf("%d copiers, %d days: %d bytes in use of %d; %d readings dropped, %v arrived; heap at most %d MB, resident at most %d MB apart from the file",
			copiers, days, status.Store.Used, limit, status.Store.Dropped, heard.kinds, heard.heap>>20, heard.resident>>10)
	})
}

// A hearing is a portal that keeps nothing but what is to be checked.
type hearing struct {
	kinds    map[string]int
	told     int               // records dropped, as the portal was told
	last     map[string]uint64 // of each lane and subject
	wrong    []string          // what came in the wrong order
	late     int               // bulk records before the last urgent one
	bulk     int
	days     map[string]byte // device and day: 1 for a reading, 2 for a full one
	heap     uint64          // bytes in use, at most
	resident int             // KiB of memory of its own, at most
}

func newHearing() *hearing {
	return &hearing{kinds: map[string]int{}, last: map[string]uint64{}, days: map[string]byte{}}
}

// hear takes one message. The link calls it for one at a time.
func (h *hearing) hear(m transport.Message) {
	h.kinds[m.Kind]++
	if h.kinds[m.Kind]%1000 == 0 {
		h.memory()
	}
	if key := m.Lane + m.Subject; m.Seq > h.last[key] {
		h.last[key] = m.Seq
	} else if len(h.wrong) < 10 {
		h.wrong = append(h.wrong, fmt.Sprintf("%s %d of %q after %d", m.Lane, m.Seq, m.Subject, h.last[key]))
	}
	if h.bulk++; m.Lane == store.Urgent {
		h.bulk--
		h.late = h.bulk
	}
	var body struct {
		TakenAt time.Time
		Inputs  []json.RawMessage
		Records int
	}
	if json.Unmarshal(m.Body, &body) != nil {
		return
	}
	h.told += body.Records
	if m.Kind == "reading" {
		key := m.Subject + body.TakenAt.Format(time.DateOnly)
		h.days[key] |= 1
		if len(body.Inputs) > 0 {
			h.days[key] |= 2
		}
	}
}

// memory notes what this process takes.
func (h *hearing) memory() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.heap = max(h.heap, m.HeapAlloc)
	h.resident = max(h.resident, resident()[0])
}

func (h *hearing) check(t *testing.T, copiers, days int, begin time.Time, waited int) {
	t.Helper()
	if h.kinds["order"] != copiers || h.kinds["gap"] == 0 || h.told == 0 {
		t.Errorf("arrived %v, want %d orders and gaps, which told of %d records", h.kinds, copiers, h.told)
	}
	for i := range copiers {
		for d := range days {
			key := fmt.Sprintf("SER%05d%s", i, begin.Add(time.Duration(d)*24*time.Hour).UTC().Format(time.DateOnly))
			if h.days[key] != 3 {
				t.Errorf("%s: the reading of the day and the full one: %b, want both", key, h.days[key])
			}
		}
	}
	if len(h.wrong) > 0 {
		t.Errorf("records of a device came in the wrong order: %q", h.wrong)
	}
	if h.late > max(waited/20, 4000) { // beside the last batches of the urgent ones others may leave
		t.Errorf("an order came behind %d records of the backlog of %d", h.late, waited)
	}
	if h.heap>>10 > mostMemory || h.resident > mostMemory && !raced {
		t.Errorf("%d KiB of heap, %d KiB resident, more than %d", h.heap>>10, h.resident, mostMemory)
	}
}
