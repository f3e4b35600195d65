package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meteragent/store"
)

// What the daemon does all at once: readings and urgent records are written, delivered
// with refusals, thinned, and the file is made short, at the start and in between.

// loadGroup is how many bulk records stand for one another; the last one must stay.
const loadGroup = 10

// load works until it is killed. It prints what is confirmed, as work does.
func load(path string) error {
	s, err := store.Open(path, store.Options{Destinations: []string{portal}})
	if err != nil {
		return err
	}
	fmt.Println("=open 1")
	var all sync.WaitGroup
	failed := make(chan error, 10)
	for _, do := range []func(*store.Store) error{loadPoll, loadUrgent, loadForward, loadThin, loadShorten} {
		all.Go(func() { failed <- do(s) })
	}
	err = <-failed // none ends by itself
	return errors.Join(err, s.Close())
}

func loadPoll(s *store.Store) error {
	for {
		n := 1 + rand.IntN(60)
		if rand.IntN(15) == 0 {
			n = 1200 // a backlog, of which little is left when it has been thinned or delivered
		}
		if err := workAppend(s, store.Bulk, n); err != nil {
			return err
		}
	}
}

func loadUrgent(s *store.Store) error {
	for {
		if err := workAppend(s, store.Urgent, 1); err != nil {
			return err
		}
	}
}

// loadForward delivers in bursts, so that there are a backlog and free pages.
func loadForward(s *store.Store) error {
	for {
		for range rand.IntN(60) {
			for _, lane := range []string{store.Urgent, store.Bulk} {
				if err := workSettle(s, lane, 100); err != nil {
					return err
				}
			}
		}
		time.Sleep(time.Duration(rand.IntN(int(400 * time.Millisecond))))
	}
}

func loadThin(s *store.Store) error {
	for {
		h := s.NewThinner(func(r store.Record) string { return fmt.Sprint((r.Seq - 1) / loadGroup) })
		for more := true; more; {
			done, err := h.Step(time.Now().AddDate(1, 0, 0), 500, func(tx *store.Tx, d store.Thinned) error {
				var sum int
				if _, err := tx.Get("last", "thinned", &sum); err != nil {
					return err
				}
				return tx.Put("last", "thinned", sum+d.Records)
			})
			if err != nil {
				return err
			}
			more = done.More
		}
		time.Sleep(time.Duration(rand.IntN(int(100 * time.Millisecond))))
	}
}

func loadShorten(s *store.Store) error {
	for {
		done, err := s.Shorten()
		if err != nil {
			return err
		}
		if done {
			fmt.Println("=shortened 1")
		}
		time.Sleep(time.Duration(rand.IntN(int(30 * time.Millisecond))))
	}
}

func TestKillUnderLoad(t *testing.T) { killUnderLoad(t, 10) }

func TestSoakKillUnderLoad(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	if during := killUnderLoad(t, 500); during == 0 {
		t.Error("none was killed while it made the file short")
	}
}

// The process is killed at random moments, in every second round while it makes the file
// short, if it does within 2 s. How often a half-made copy was left then is returned.
// No confirmed record is lost, none is invented,
// none that must stay was thinned, no number is given twice, and every Open is clean.
func killUnderLoad(t *testing.T, rounds int) (during int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := newPath(t)
	said := map[string]uint64{}
	shortened, thinned := 0, 0
	for round := range rounds {
		c := start(t, "load", path)
		var hunting, killed atomic.Bool
		pause := time.Duration(random.IntN(int(20 * time.Millisecond)))
		kill := time.AfterFunc(time.Duration(random.IntN(int(500*time.Millisecond))), func() {
			if hunting.Load() && appears(path+".compact", 2*time.Second) {
				time.Sleep(pause)
			}
			killed.Store(true)
			c.cmd.Process.Kill()
		})
		opened := false
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				break
			}
			var what string
			var seq uint64
			if _, err := fmt.Sscanf(line, "%s %d\n", &what, &seq); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			switch what {
			case "=open":
				opened = true
				if round%2 == 1 && kill.Stop() {
					hunting.Store(true)
					kill.Reset(0)
				}
			case "=shortened":
				shortened++
			default:
				said[what] = max(seq, said[what])
			}
		}
		if !killed.Load() {
			t.Fatal("the child ended by itself")
		}
		c.cmd.Wait()
		if _, err := os.Stat(path + ".compact"); err == nil && opened {
			during++
		}
		if thinned = loadCheck(t, path, said); t.Failed() {
			t.Fatalf("seed %d, round %d", seed, round)
		}
	}
	t.Logf("%d thinned, %d times made short while open, %d killed at that; in the end: %v", thinned, shortened, during, said)
	return during
}

// appears reports whether there is a file at path before the time is over.
func appears(path string, within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

// loadCheck compares the store with what was said, sets that to what is, and returns how
// many were thinned.
func loadCheck(t *testing.T, path string, said map[string]uint64) (thinned int) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	for _, lane := range []string{store.Urgent, store.Bulk} {
		var last uint64
		err := s.View(func(tx *store.Tx) error {
			if _, err := tx.Get("last", lane, &last); err != nil {
				return err
			}
			_, err := tx.Get("last", "thinned", &thinned)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		is, begun := last, said["+"+lane]
		if is < said["=+"+lane] || is > max(begun, said["=+"+lane]) {
			t.Errorf("%s: is %d, confirmed was %d, begun was %d", lane, is, said["=+"+lane], begun)
		}
		said["+"+lane], said["=+"+lane] = is, is
		missing := loadPending(t, s, lane, last, said)
		if lane == store.Urgent && missing > 0 || missing > thinned {
			t.Errorf("%s: %d are missing, %d were thinned", lane, missing, thinned)
		}
	}
	return thinned
}

// loadPending looks at what waits: no more was settled than the child said, and what is
// missing could be thinned. It returns how many are missing.
func loadPending(t *testing.T, s *store.Store, lane string, last uint64, said map[string]uint64) (missing int) {
	t.Helper()
	batch := pending(t, s, portal, lane)
	next := max(said["-"+lane], said["=-"+lane]) + 1 // whatever is before may have been delivered
	seen := uint64(0)
	for _, r := range batch {
		if string(r.Body) != crashBody(lane, r.Seq) || r.Seq <= seen || r.Seq > last || r.Seq <= said["=-"+lane] {
			t.Errorf("%s: %d waits after %d; the last is %d, %d were delivered", lane, r.Seq, seen, last, said["=-"+lane])
		}
		seen = r.Seq
		for ; next < r.Seq; next++ {
			missing++
			if next%loadGroup == 0 || next/loadGroup == (last-1)/loadGroup && next == last {
				t.Errorf("%s: %d is missing, and is the last of its group", lane, next)
			}
		}
		next = max(next, r.Seq+1)
	}
	if last >= next {
		t.Errorf("%s: %d to %d are missing", lane, next, last)
	}
	return missing
}
