package agent_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/collector"
	"meteragent/transport"
	"meteragent/transport/portal"
)

// A life is what a child that is to be killed does, and where it ends.
type life struct {
	Path   string  // of the database
	URL    string  // of the portal
	Toner  float64 // percent, in every copier
	Serial string  // of every cartridge, with the copier's number
	Rounds int

	Point string // it kills itself there; "" not at all
	Times int    // the so manieth time
}

const lifeOf = "METERAGENT_KILL_TEST" // environment of the child

// points are the moments a child can name. Between two of them it is killed by the
// parent, at random.
func points() []string { return []string{"read", "committed", "send", "sent", "settled"} }

// A killer ends its own process at a moment, as a power cut does.
type killer struct {
	life
	mu   sync.Mutex
	seen map[string]int
}

func (k *killer) at(point string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[point]++
	fmt.Println("at", point)
	if point == k.Point && k.seen[point] == k.Times {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		panic(fmt.Sprint("still alive: ", err))
	}
}

// A doomedFleet is a fleet whose readings are moments.
type doomedFleet struct {
	*fleet
	*killer
}

func (f doomedFleet) Read(ctx context.Context, t collector.Target) (collector.Reading, error) {
	r, err := f.fleet.Read(ctx, t)
	f.at("read")
	return r, err
}

// A doomedLink is a link whose sends are moments.
type doomedLink struct {
	transport.Link
	*killer
}

func (l doomedLink) Send(ctx context.Context, batch []transport.Message) (transport.Receipt, error) {
	l.at("send")
	receipt, err := l.Link.Send(ctx, batch)
	l.at("sent")
	return receipt, err
}

const doomed = 4 // copiers

// TestKilledChild is not a test but what TestKill starts.
func TestKilledChild(t *testing.T) {
	text := os.Getenv(lifeOf)
	if text == "" {
		t.Skip("started by TestKill")
	}
	k := &killer{seen: map[string]int{}}
	if err := json.Unmarshal([]byte(text), &k.life); err != nil {
		t.Fatal(err)
	}
	link, err := transport.Dial(transport.Config{URL: k.URL, Agent: "6f3c1d5e-0000-4000-8000-000000000001", Customer: "1234567"})
	if err != nil {
		t.Fatal(err)
	}
	copiers := map[string]*copier{}
	var addresses []string
	for n := range doomed {
		addresses = append(addresses, fmt.Sprintf("10.0.0.%d", n+1))
		copiers[addresses[n]+":161"] = &copier{
			serial: fmt.Sprintf("ABC1234%d", n), toner: k.Toner, total: time.Now().Unix(), cartridge: fmt.Sprintf("%s-%d", k.Serial, n),
		}
	}
	s := newSiteOf(t, k.Path, func(o *agent.Options) {
		o.Copiers = doomedFleet{o.Copiers.(*fleet), k}
		o.Outputs[0].Link = doomedLink{link, k}
		o.Notice = func(n agent.Notice) {
			switch n.What {
			case agent.OrderRaised:
				k.at("committed")
			case agent.Delivered:
				k.at("settled")
			}
		}
	}, func(c *config.Config) {
		c.Networks[0].Addresses = addresses
		c.Toner.ConfirmOver, c.Toner.PerDevice, c.Toner.PerSite = 0, 0, 0
	})
	s.fleet.copiers = copiers
	for range k.Rounds {
		if _, err := s.Once(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := s.store.Close(); err != nil {
		t.Error(err)
	}
	fmt.Println("done")
}

// However often the power goes, between a decision, its commit, the send and the
// receipt: each cartridge is ordered once.
func TestKill(t *testing.T) {
	kill(t, kills(t, 12))
}

// kills is how often a test is to kill; METERAGENT_KILLS says it otherwise.
func kills(t *testing.T, times int) int {
	t.Helper()
	if text := os.Getenv("METERAGENT_KILLS"); text != "" {
		if _, err := fmt.Sscan(text, &times); err != nil {
			t.Fatal(err)
		}
	}
	return times
}

func TestSoakKill(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("METERAGENT_SOAK is not set")
	}
	kill(t, 500)
}

func kill(t *testing.T, times int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := portal.New(portal.Options{Keep: 100})
	server := httptest.NewServer(p)
	defer server.Close()
	l := life{Path: database(t), URL: server.URL + "/events"}
	killed := map[string]int{}
	for kills, cartridge := 0, 1; kills < times; cartridge++ {
		l.Serial = fmt.Sprintf("CARTRIDGE%d", cartridge)
		for i := range 10 {
			l.Toner, l.Rounds = 9, 4
			if i < 2 { // the new cartridge comes in
				l.Toner = 100
			}
			if where := live(t, l, random); where != "" {
				killed[where]++
				kills++
			}
			for _, o := range p.Orders() {
				if random.IntN(4) == 0 {
					p.SetOrder(o.ID, "shipped")
				}
			}
			if i == 1 || i == 9 { // undisturbed
				live(t, l, nil)
			}
		}
		ordered := map[string]int{}
		for _, o := range p.Orders() {
			if ordered[o.Device]++; o.Asked != 1 {
				t.Fatalf("after %d kills: order %s of %s was asked for %d times", kills, o.ID, o.Device, o.Asked)
			}
		}
		for n := range doomed {
			if device := fmt.Sprintf("ABC1234%d", n); ordered[device] != cartridge {
				t.Fatalf("after %d kills: %s has %d orders for %d cartridges", kills, device, ordered[device], cartridge)
			}
		}
	}
	if holes := p.Holes(); len(holes) > 0 {
		t.Errorf("records are missing: %+v", holes)
	}
	t.Logf("killed at %v; %d orders, each once", killed, len(p.Orders()))
}

// live runs a child. With random it is killed: half of the time by itself at a moment,
// and else by us a little after one. It returns where, or "" if it lived.
func live(t *testing.T, l life, random *rand.Rand) (where string) {
	t.Helper()
	after, line := time.Duration(0), -1
	if random != nil {
		if random.IntN(2) == 0 {
			all := points()
			l.Point, l.Times = all[random.IntN(len(all))], 1+random.IntN(4)
		} else {
			line, after = random.IntN(30), time.Duration(random.IntN(8000))*time.Microsecond
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
	c.Env = append(os.Environ(), lifeOf+"="+string(text))
	var diagnosis strings.Builder
	c.Stderr = &diagnosis
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		done = done || lines.Text() == "done"
		if strings.HasPrefix(lines.Text(), "    ") || strings.HasPrefix(lines.Text(), "--- FAIL") {
			fmt.Fprintln(&diagnosis, lines.Text())
		}
		if point, is := strings.CutPrefix(lines.Text(), "at "); is {
			where = point
			if line == 0 {
				where = "after " + point
				<-time.After(after)
				c.Process.Kill()
			}
			line--
		}
	}
	err = c.Wait()
	switch {
	case err == nil && done:
		return ""
	case random == nil || !strings.Contains(err.Error(), "killed") && !strings.Contains(err.Error(), "exit status 1"):
		t.Fatalf("a child ended by itself: %v\n%s", err, &diagnosis)
	case strings.Contains(diagnosis.String(), "FAIL"):
		t.Fatalf("a child failed:\n%s", &diagnosis)
	}
	return where
}
