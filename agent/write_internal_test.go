package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent/clock"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/store"
)

// newTestAgent is an agent whose writer runs until the test ends, on a real database.
func newTestAgent(t testing.TB) (*Agent, *store.Store) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{Destinations: []string{Portal}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	return New(Options{
		Config: cfg, ID: "6f3c1d5e-0000-4000-8000-000000000001", Store: s, Outputs: []Output{{Name: Portal, Orders: true}},
	}), s
}

// reading is one of a device.
func reading(serial string, total int64) collector.Reading {
	return collector.Reading{
		Device:  collector.Device{ID: serial, Serial: serial, Manufacturer: "Canon", Model: "Test"},
		TakenAt: time.Now().UTC(),
		Meters:  []collector.Meter{{Name: "total", OID: "1", Value: total, Primary: true}},
	}
}

func waiting(t *testing.T, s *store.Store) store.Waiting {
	t.Helper()
	w, err := s.Waiting(Portal)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func commits(t *testing.T, s *store.Store) uint64 {
	t.Helper()
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u.Commits
}

// What is read within a second shares a transaction; what is urgent does not wait.
func TestReadingsShareTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := newTestAgent(t)
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { a.writer.run(ctx); close(ended) }()
		before := commits(t, s)
		for i := range 100 {
			if _, err := a.keep(reading(fmt.Sprintf("S%03d", i), 1), fmt.Sprintf("h%d", i), collector.Full); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if w := waiting(t, s); w.Bulk != 0 {
			t.Errorf("%d records at once, want them to wait for others", w.Bulk)
		}
		time.Sleep(groupWithin + time.Millisecond)
		synctest.Wait()
		if n, w := commits(t, s)-before, waiting(t, s); n != 1 || w.Bulk != 200 {
			t.Errorf("%d records in %d transactions, want 200 in 1", w.Bulk, n)
		}
		for i := range groupSize { // a full group does not wait
			if _, err := a.keep(reading(fmt.Sprintf("S%03d", i), 2), fmt.Sprintf("h%d", i), collector.Full); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if _, left := a.writer.state(); left != 0 {
			t.Errorf("%d readings wait although the group is full", left)
		}
		// Another device where one used to be is urgent.
		if _, err := a.keep(reading("NEW", 1), "h0", collector.Full); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w := waiting(t, s); w.Urgent != 1 {
			t.Errorf("%d urgent records at once, want 1", w.Urgent)
		}
		if _, err := a.keep(reading("LAST", 1), "last", collector.Full); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ended
		if _, left := a.writer.state(); left != 0 {
			t.Errorf("%d readings were left behind at the end", left)
		}
	})
}

// A device whose reading has no room is not called silent.
func TestNoRoomIsNoSilence(t *testing.T) {
	a, s := newTestAgent(t)
	defer s.Close()
	a.copiers = answering{reading("ABC12345", 1)}
	for i := range maxInMemory { // of each day the last: none may be dropped
		a.writer.queue = append(a.writer.queue, &unwritten{keeping: keeping{reading: reading(fmt.Sprint("S", i), 1)}})
	}
	r := a.pollOne(t.Context(), job{host: "h", target: &target{}})
	if !errors.Is(r.err, errMemoryFull) || r.answered != "ABC12345" {
		t.Errorf("answered %q, %v", r.answered, r.err)
	}
	a.noteResult(r)
	if h := a.health.copyHosts()["h"]; !h.answers {
		t.Errorf("it is called silent: %v", h.err)
	}
	// The first that leads to something urgent gives way to none, nor does one that is being written.
	for _, held := range []func(u *unwritten, held bool){func(u *unwritten, held bool) { u.urges = map[bool][]string{true: {"order 7"}}[held] }, func(u *unwritten, held bool) { u.underway = held }} {
		held(a.writer.queue[7], true)
		if _, err := a.keep(reading("S7", 2), "h7", collector.Full); !errors.Is(err, errMemoryFull) {
			t.Error(err)
		}
		held(a.writer.queue[7], false)
	}
	// Any other one of a device is replaced by what it says now.
	if _, err := a.keep(reading("S7", 2), "h7", collector.Full); err != nil {
		t.Error(err)
	}
	if n := len(a.writer.queue); n != maxInMemory || a.writer.queue[n-1].reading.Meters[0].Value != 2 {
		t.Errorf("%d readings, the last of %s", n, a.writer.queue[n-1].reading.Device.ID)
	}
	if got := a.writer.spilled.Records; got != 4 {
		t.Errorf("%d readings are counted as dropped, want the three refused ones and the replaced one", got)
	}
}

// fullDisk is an agent that knows the copier OLD at h0, and can write nothing any more.
func fullDisk(t *testing.T) *Agent {
	t.Helper()
	a, s := newTestAgent(t)
	t.Cleanup(func() { s.Close() })
	if _, err := a.keep(reading("OLD", 1), "h0", collector.Full); err != nil {
		t.Fatal(err)
	}
	a.writer.flush()
	a.writer.update = func(func(*store.Tx) error) error { return syscall.ENOSPC }
	return a
}

// While nothing can be written, every reading of a device leads to the same urgent thing anew.
// They leave room for others: the first stays, and the last.
func TestUrgentOnesLeaveRoom(t *testing.T) {
	a := fullDisk(t)
	for i := range maxInMemory + 5 {
		if _, err := a.keep(reading("NEW", int64(i)), "h0", collector.Full); err != nil { // it stands where OLD was
			t.Fatal(i, err)
		}
	}
	if _, err := a.keep(reading("OTHER", 1), "h1", collector.Full); err != nil {
		t.Error(err)
	}
	q := a.writer.queue
	if first := q[0]; len(q) != maxInMemory || !first.urgent() || first.reading.Meters[0].Value != 0 || q[len(q)-2].reading.Meters[0].Value != maxInMemory+4 {
		t.Errorf("%d readings; the first is of %d, urgent: %v", len(q), first.reading.Meters[0].Value, first.urgent())
	}
}

// While nothing can be written, a call for service comes and goes, and each reading leads to
// something else that is urgent. The portal hears of both.
func TestCallThatWent(t *testing.T) {
	a := fullDisk(t)
	start := time.Now().UTC().Truncate(24 * time.Hour)
	for i := range maxInMemory + 50 {
		r := reading("NEW", int64(i)) // it stands where OLD was
		r.TakenAt = start.Add(time.Duration(i) * 10 * time.Second)
		if 7 <= i && i < 11 {
			r.Status.Errors = []string{"serviceRequested"}
		}
		if _, err := a.keep(r, "h0", collector.Full); err != nil {
			t.Fatal(i, err)
		}
	}
	a.writer.update = a.store.Update
	a.writer.flush()
	batch, err := a.store.Pending(Portal, store.Urgent, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range batch {
		var body struct{ Event string }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		told = append(told, body.Event)
	}
	if got := strings.Join(told, " "); got != "replaced alertRaised alertCleared" {
		t.Errorf("told: %s", got)
	}
}

// answering is a copier that always says the same.
type answering struct{ reading collector.Reading }

func (a answering) Read(context.Context, collector.Target) (collector.Reading, error) {
	return a.reading, nil
}

func (answering) Discover(context.Context, collector.Sweep, func(collector.Find)) error { return nil }

// The disk is full for an hour. Readings are taken until memory is full, too; when the
// disk takes one transaction again, it is the urgent one; then all are there, in order.
func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := newTestAgent(t)
		defer s.Close()
		var tries, allowed atomic.Int64 // transactions
		a.writer.update = func(fn func(*store.Tx) error) error {
			tries.Add(1)
			if allowed.Add(-1) < 0 {
				allowed.Store(0)
				return errors.Join(s.Try(fn), fmt.Errorf("commit: %w", syscall.ENOSPC))
			}
			return s.Update(fn)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { a.writer.run(ctx); close(ended) }()

		kept := 0
		for i := range maxInMemory + 400 {
			serial, host := fmt.Sprintf("S%03d", i%300), fmt.Sprintf("h%d", i%300)
			if i == 700 {
				serial, host = "NEW", "h7" // urgent: S007 used to be there
			}
			if _, err := a.keep(reading(serial, int64(i)), host, collector.Full); err != nil {
				t.Fatal(err)
			}
			kept++
			if i == 299 { // these are on disk before it is full
				allowed.Store(1000)
				a.writer.flush()
				allowed.Store(0)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		const dropped = 100 // each was followed by another one of that device and day
		kept -= dropped
		status, err := a.Memory().Status("")
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Problems) != 1 || !strings.Contains(status.Problems[0], "no space left") || status.Store.InMemory == 0 {
			t.Errorf("problems %q, in memory %d", status.Problems, status.Store.InMemory)
		}
		if status, err := a.Memory().Status("de"); err != nil || len(status.Problems) != 1 || !strings.HasPrefix(status.Problems[0], "Die Datenbank") {
			t.Errorf("in German: %q, %v", status.Problems, err)
		}
		if tries := tries.Load(); tries > 300 {
			t.Errorf("%d tries hammer the disk", tries)
		}
		allowed.Store(1)
		time.Sleep(2 * retryMost)
		synctest.Wait()
		if w := waiting(t, s); w.Urgent != 1 {
			t.Errorf("%d urgent records after the first transaction, want 1", w.Urgent)
		}
		allowed.Store(1000)
		time.Sleep(2 * retryMost)
		cancel()
		<-ended
		checkTotals(t, s, kept)
		if got := gaps(t, s); got != dropped {
			t.Errorf("gap records tell of %d readings, want %d", got, dropped)
		}
		if status, err := a.Memory().Status(""); err != nil || len(status.Problems) != 1 || !strings.HasPrefix(status.Problems[0], "100 readings") || status.Store.InMemory != 0 {
			t.Errorf("afterwards: %q, %d in memory, %v", status.Problems, status.Store.InMemory, err)
		}
	})
}

// gaps is how many readings the gap records say were dropped because memory was full.
func gaps(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	batch, err := s.Pending(Portal, store.Bulk, 1_000_000, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range batch {
		var gap GapEvent
		if r.Kind != kindGap {
			continue
		}
		if err := json.Unmarshal(r.Body, &gap); err != nil || gap.Reason != "memory" || gap.To.Before(gap.From) {
			t.Errorf("%s: %v", r.Body, err)
		}
		n += gap.Records
	}
	return n
}

// The disk is full from Friday to Monday, which is more than memory holds. The last reading of
// each device and day is there afterwards, and as many others as fitted; what was dropped is told.
func TestDiskFullForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight, UTC
		a, s := newTestAgent(t)
		defer s.Close()
		full := errors.New("no space left on device")
		a.writer.update = func(func(*store.Tx) error) error { return full }
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { a.writer.run(ctx); close(ended) }()
		const copiers, days, every = 10, 3, 10 * time.Minute
		taken := int64(0)
		want := map[string]bool{} // device, day and total
		for range days * 24 * time.Hour / every {
			for i := range copiers {
				taken++
				r := reading(fmt.Sprintf("S%03d", i), taken)
				if _, err := a.keep(r, fmt.Sprint("h", i), collector.Full); err != nil {
					t.Fatal(err)
				}
				if r.TakenAt.Add(every).Day() != r.TakenAt.Day() {
					want[fmt.Sprint(r.Device.ID, " ", taken)] = true
				}
			}
			time.Sleep(every)
		}
		a.writer.writing.Lock() // the test's update is not guarded
		a.writer.update = s.Update
		a.writer.writing.Unlock()
		time.Sleep(2 * retryMost)
		cancel()
		<-ended
		batch, err := s.Pending(Portal, store.Bulk, 1_000_000, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		there := 0
		for _, r := range batch {
			if r.Kind != kindReading {
				continue
			}
			there++
			var total int64
			fmt.Sscanf(string(r.Body[strings.Index(string(r.Body), `"value":`):]), `"value":%d`, &total)
			delete(want, fmt.Sprint(r.Subject, " ", total))
		}
		if len(want) > 0 {
			t.Errorf("last readings of a day are missing: %v", want)
		}
		if there != maxInMemory || there+gaps(t, s) != int(taken) {
			t.Errorf("%d readings are there and %d were told as dropped, of %d", there, gaps(t, s), taken)
		}
	})
}

// checkTotals looks for each reading that was kept, in the order of its device.
func checkTotals(t *testing.T, s *store.Store, kept int) {
	t.Helper()
	batch, err := s.Pending(Portal, store.Bulk, 1_000_000, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	last := map[string]int64{}
	for _, r := range batch {
		if r.Kind != kindReading {
			continue
		}
		n++
		var total int64
		if at := strings.Index(string(r.Body), `"value":`); at >= 0 {
			fmt.Sscanf(string(r.Body[at:]), `"value":%d`, &total)
		}
		if before, ok := last[r.Subject]; ok && total <= before {
			t.Errorf("%s: %d after %d", r.Subject, total, before)
		}
		last[r.Subject] = total
	}
	if n != kept {
		t.Errorf("%d readings are there, %d were kept", n, kept)
	}
}

// What is kept of one device and cannot be read keeps no reading out, neither of the
// others nor its own.
func TestOneBadDevice(t *testing.T) {
	a, s := newTestAgent(t)
	defer s.Close()
	for _, serial := range []string{"A", "B", "C"} {
		if _, err := a.keep(reading(serial, 1), "h"+serial, collector.Full); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Update(func(tx *store.Tx) error { return tx.Put(devices, "B", "nonsense") })
	if err != nil {
		t.Fatal(err)
	}
	a.writer.flush()
	if w := waiting(t, s); w.Bulk != 6 { // three readings, three devices found
		t.Errorf("%d records, want 6", w.Bulk)
	}
	if _, err := a.keep(reading("B", 2), "hB", collector.Full); err != nil {
		t.Error(err)
	}
	a.writer.flush()
	if w := waiting(t, s); w.Bulk != 7 {
		t.Errorf("%d records after the next reading, want 7", w.Bulk)
	}
}

// Where nothing can be kept of a device, its reading itself is.
func TestNothingKeptOfADevice(t *testing.T) {
	a, s := newTestAgent(t)
	defer s.Close()
	for serial, host := range map[string]string{"A": "hA", "B": strings.Repeat("h", 1100), "C": "hC"} { // a key that is too long
		if _, err := a.keep(reading(serial, 1), host, collector.Full); err != nil {
			t.Fatal(err)
		}
	}
	a.writer.flush()
	if w := waiting(t, s); w.Bulk != 5 { // three readings, two devices found
		t.Errorf("%d records, want 5", w.Bulk)
	}
}

// Of one device nothing can be kept for a while. Its readings are stored in the order in which they
// were taken all the same, and the ones before are whole.
func TestAloneInOrder(t *testing.T) {
	a, s := newTestAgent(t)
	defer s.Close()
	bad := strings.Repeat("h", 1100) // a key that is too long
	for i, host := range []string{"h", "h", bad, "h", bad, bad, "h"} {
		if _, err := a.keep(reading("A", int64(i+1)), host, collector.Full); err != nil {
			t.Fatal(err)
		}
		if _, err := a.keep(reading("B", int64(i+1)), "hB", collector.Full); err != nil {
			t.Fatal(err)
		}
	}
	a.writer.flush()
	checkTotals(t, s, 14)
	if _, left := a.writer.state(); left != 0 {
		t.Errorf("%d readings are left behind", left)
	}
}

// A reading that stands alone names an era that the database knows, so that its time can be put right.
func TestAloneInItsEra(t *testing.T) {
	a, s := newTestAgent(t)
	defer s.Close()
	if _, err := a.keep(reading("A", 1), strings.Repeat("h", 1100), collector.Full); err != nil {
		t.Fatal(err)
	}
	a.writer.flush()
	batch, err := s.Pending(Portal, store.Bulk, 10, 1<<20)
	if err != nil || len(batch) != 1 {
		t.Fatal(batch, err)
	}
	var book clock.Book
	if err := s.View(func(tx *store.Tx) error { _, err := tx.Get(toldOf, "clock", &book); return err }); err != nil {
		t.Fatal(err)
	}
	if book.Era() == 0 || batch[0].Era != book.Era() {
		t.Errorf("the record is of era %d, the database knows %d", batch[0].Era, book.Era())
	}
}
