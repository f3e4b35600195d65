package agent_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/transport"
)

// The agent is killed while it does everything at once, in compressed time: it polls, orders,
// delivers in the few hours in which the portal is there, drops what is superfluous, and
// makes its database short. The parent is the portal's memory.

const (
	loadOf      = "METERAGENT_KILL_LOAD_TEST" // environment of the child
	loadCopiers = 20
	loadLimit   = 4_500_000 // bytes of the database
)

// A loadLife is what one child does.
type loadLife struct {
	Path  string
	Begin time.Duration // on the bubble's clock: where the one before was, and a little later
	Last  bool          // the portal is there, and the child ends when it has everything
}

// TestLoadedChild is not a test but what TestKillLoaded starts. It prints what happens:
// "at SECONDS", "kept DEVICE DAY" after a commit, "got ID KIND DEVICE DAY HASH DROPPED".
func TestLoadedChild(t *testing.T) {
	var l loadLife
	if json.Unmarshal([]byte(os.Getenv(loadOf)), &l) != nil {
		t.Skip("started by TestKillLoaded")
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		time.Sleep(l.Begin)
		s := newSiteOf(t, l.Path, func(o *agent.Options) {
			o.Notice = func(n agent.Notice) {
				if now := time.Now().UTC(); n.What == agent.ReadingStored && now.Sub(now.Truncate(24*time.Hour)) > 5*time.Second {
					fmt.Println("kept", n.Device, now.Format(time.DateOnly))
				}
			}
		}, func(c *config.Config) {
			c.Networks[0].Addresses, c.Store.MaxBytes = nil, loadLimit
			for i := range loadCopiers {
				c.Networks[0].Addresses = append(c.Networks[0].Addresses, fmt.Sprintf("10.0.0.%d", 1+i))
			}
		})
		if saved, err := s.store.Saved(); saved != nil || err != nil {
			t.Fatal("the database was not clean: ", saved, err)
		}
		for i := range loadCopiers {
			s.fleet.copiers[fmt.Sprintf("10.0.0.%d:161", 1+i)] = &copier{
				serial: fmt.Sprintf("ABC%05d", i), total: int64(l.Begin / time.Second), toner: 9, wordy: true,
			}
		}
		away := func() error {
			if l.Last || int(time.Since(start)/time.Hour)%200 >= 196 { // eight days away, four hours there
				return nil
			}
			return errors.New("no route")
		}
		s.link.set(func(k *link) { k.err, k.hear = away(), tell })
		stop := s.start(t)
		for hours := 0; !l.Last || hours < 6; hours++ {
			fmt.Println("at", int(time.Since(start)/time.Second))
			time.Sleep(time.Hour)
			s.link.set(func(k *link) { k.err = away() })
		}
		stop()
		fmt.Println("done")
	})
}

// tell says what has arrived.
func tell(m transport.Message) {
	var body struct {
		TakenAt time.Time
		Records int
		ID      string
	}
	json.Unmarshal(m.Body, &body) // what is not there is zero
	fmt.Println("got", m.Lane, m.Seq, m.Kind, "_"+m.Subject, body.TakenAt.UTC().Format(time.DateOnly), crc32.ChecksumIEEE(m.Body), body.Records, "_"+body.ID)
}

func TestKillLoaded(t *testing.T) { killLoaded(t, kills(t, 5)) }

func TestSoakKillLoaded(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	if p := killLoaded(t, 500); p.dropped == 0 || p.shortened == 0 {
		t.Errorf("%d were dropped, the database was made short %d times: too little happened", p.dropped, p.shortened)
	}
}

// A loadPortal is what the parent knows of what arrived and what was kept.
type loadPortal struct {
	bodies    map[string]string          // lane and number: hash of what came
	highest   map[string]uint64          // of each lane
	orders    map[string]map[string]bool // device: ids of orders
	kept, got map[string]bool            // device and day
	dropped   int                        // as gap records say, each once
	shortened int                        // kills while the database was made short
	at        time.Duration
}

func killLoaded(t *testing.T, rounds int) *loadPortal {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := &loadPortal{
		bodies: map[string]string{}, highest: map[string]uint64{}, orders: map[string]map[string]bool{},
		kept: map[string]bool{}, got: map[string]bool{},
	}
	l := loadLife{Path: database(t)}
	for round := range rounds {
		after := time.Duration(random.IntN(int(1500 * time.Millisecond)))
		p.live(t, l, after, round%3 == 2)
		l.Begin = p.at + 2*time.Hour
	}
	l.Last = true
	p.live(t, l, -1, false)
	p.check(t)
	t.Logf("%d kills in %.0f days: %d records arrived, %d readings were dropped, %d times killed while the database was made short",
		rounds, p.at.Hours()/24, len(p.bodies), p.dropped, p.shortened)
	return p
}

// live runs a child and kills it so long after it has begun, or, hunting, when it makes its
// database short within 2 s. One that is not to be killed must end by itself.
func (p *loadPortal) live(t *testing.T, l loadLife, after time.Duration, hunting bool) {
	t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestLoadedChild$", "-test.v")
	c.Env = append(os.Environ(), loadOf+"="+string(text))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var killed, short atomic.Bool
	kill := func() {
		for end := time.Now().Add(2 * time.Second); hunting && time.Now().Before(end); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(l.Path + ".compact"); err == nil {
				short.Store(true)
				break
			}
		}
		killed.Store(true)
		c.Process.Kill()
	}
	done, begun := false, false
	var other []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if done = done || line == "done"; !p.hear(t, line) {
			other = append(other, line)
		}
		if !begun && after >= 0 && strings.HasPrefix(line, "at ") {
			begun = true
			defer time.AfterFunc(after, kill).Stop()
		}
	}
	err = c.Wait()
	if short.Load() {
		p.shortened++
	}
	if wanted := killed.Load() || after < 0 && done && err == nil; !wanted || strings.Contains(strings.Join(other, "\n"), "FAIL") {
		t.Fatalf("a child ended by itself: %v\n%s", err, strings.Join(other, "\n"))
	}
}

// hear takes in a line, and reports whether it was meant for it. The last one of a child that
// was killed may be cut.
func (p *loadPortal) hear(t *testing.T, line string) bool {
	t.Helper()
	said := strings.Fields(line)
	switch {
	case len(said) == 2 && said[0] == "at":
		seconds, _ := strconv.Atoi(said[1])
		p.at = max(p.at, time.Duration(seconds)*time.Second)
	case len(said) == 3 && said[0] == "kept":
		p.kept[said[1]+said[2]] = true
	case len(said) == 9 && said[0] == "got":
		p.arrived(t, said[1], said[2], said[3], said[4]+said[5], said[6], said[7], said[8])
	default:
		return len(said) > 0 && said[0] == "got"
	}
	return true
}

// arrived notes one record. An order is known by its record and by its own id.
func (p *loadPortal) arrived(t *testing.T, lane, number, kind, deviceDay, hash, dropped, order string) {
	t.Helper()
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint(lane, seq)
	if before, known := p.bodies[id]; known {
		if before != hash {
			t.Fatalf("%s came again, and is another one", id)
		}
		return
	}
	p.bodies[id], p.highest[lane] = hash, max(p.highest[lane], seq)
	device := strings.TrimPrefix(deviceDay[:len(deviceDay)-len(time.DateOnly)], "_")
	switch kind {
	case "gap":
		n, _ := strconv.Atoi(dropped)
		p.dropped += n
	case "reading":
		p.got[strings.TrimPrefix(deviceDay, "_")] = true
	case "order":
		if p.orders[device] == nil {
			p.orders[device] = map[string]bool{}
		}
		p.orders[device][id+order] = true
	}
}

// check looks whether all that was kept came, once, without holes but those of what was dropped.
func (p *loadPortal) check(t *testing.T) {
	t.Helper()
	for i := range loadCopiers {
		if device := fmt.Sprintf("ABC%05d", i); len(p.orders[device]) != 1 {
			t.Errorf("%s has the orders %v, want one", device, p.orders[device])
		}
	}
	for key := range p.kept {
		if !p.got[key] {
			t.Errorf("no reading of %s arrived", key)
		}
	}
	for lane, highest := range p.highest {
		missing := 0
		for seq := range highest {
			if p.bodies[fmt.Sprint(lane, seq+1)] == "" {
				missing++
			}
		}
		if lane == "urgent" && missing > 0 || missing > p.dropped {
			t.Errorf("%s: %d of %d are missing, %d were dropped", lane, missing, highest, p.dropped)
		}
	}
}
