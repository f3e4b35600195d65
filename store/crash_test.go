package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"meteragent/store"
)

// The test binary runs itself as a child that does what this variable says with
// the store at its argument.
const childTask = "METERAGENT_STORE_TEST_CHILD"

// What this variable names runs the child, where the machine cannot: an emulator.
const childRunner = "METERAGENT_STORE_TEST_RUNNER"

func TestMain(m *testing.M) {
	var err error
	switch task, path := os.Getenv(childTask), os.Args[len(os.Args)-1]; task {
	case "":
		os.Exit(m.Run())
	case "hold":
		err = hold(path)
	case "work":
		err = work(path)
	case "load":
		err = load(path)
	case "live":
		err = live(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A child is a process of this test binary.
type child struct {
	cmd *exec.Cmd
	out *bufio.Reader
	in  io.Closer
}

func start(t *testing.T, task, path string) child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, path)
	if runner := os.Getenv(childRunner); runner != "" {
		cmd = exec.Command(runner, exe, path)
	}
	cmd.Env = append(os.Environ(), childTask+"="+task)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := child{cmd, bufio.NewReader(out), in}
	t.Cleanup(func() { cmd.Process.Kill() })
	return c
}

// kill ends the child at once, and waits for it.
func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var killed *exec.ExitError
	if err := c.cmd.Wait(); err != nil && !errors.As(err, &killed) {
		t.Fatal(err)
	}
}

// hold opens the store until its standard input ends.
func hold(path string) error {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

func TestOpenInUse(t *testing.T) {
	path := newPath(t)
	write(t, path+".pid", []byte("4194304000\n")) // of nobody
	first := start(t, "hold", path)
	if line, err := first.out.ReadString('\n'); line != "open\n" {
		t.Fatal(line, err)
	}
	_, err := store.Open(path, store.Options{Timeout: 100 * time.Millisecond})
	want := fmt.Sprintf("in use by process %d", first.cmd.Process.Pid)
	if !errors.Is(err, store.ErrInUse) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, text := range []string{"", "nonsense", "-1", "4194304000", strings.Repeat("9", 1000), fmt.Sprint(1 << 22)} {
		write(t, path+".pid", []byte(text))
		_, err := store.Open(path, store.Options{Timeout: time.Millisecond})
		if !errors.Is(err, store.ErrInUse) || !strings.HasSuffix(err.Error(), "another process") {
			t.Errorf("owner %.20q: got %v", text, err)
		}
	}
	first.kill(t)
	open(t, path) // what is left behind is in nobody's way

	second := start(t, "hold", newPath(t))
	if line, err := second.out.ReadString('\n'); line != "open\n" {
		t.Fatal(line, err)
	}
	second.in.Close()
	if err := second.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// crashBody is what the record of this number holds, so that a wrong one is seen.
// They are of all sizes from 100 bytes to 9 kB, and cannot be packed to less than half.
func crashBody(lane string, seq uint64) string {
	random := rand.New(rand.NewPCG(seq, 0))
	text := make([]byte, 100+int(seq*seq*31%9000))
	for i := range text {
		text[i] = 'A' + byte(random.Uint32()%32)
		if text[i] == '\\' {
			text[i] = ' '
		}
	}
	return fmt.Sprintf(`"%s %d %s"`, lane, seq, text)
}

func crashRefused(seq uint64) bool { return seq%7 == 0 }

// work appends and settles for ever. It prints what it is about to do ("+urgent 5",
// "-bulk 7") and what is confirmed ("=+urgent 5"), each naming the last number.
func work(path string) error {
	s, err := store.Open(path, store.Options{Destinations: []string{portal}})
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for {
		lane := []string{store.Urgent, store.Bulk}[random.IntN(2)]
		if random.IntN(3) > 0 {
			err = workAppend(s, lane, 1+random.IntN(20))
		} else {
			err = workSettle(s, lane, random.IntN(30))
		}
		if err != nil {
			return err
		}
	}
}

func workAppend(s *store.Store, lane string, n int) error {
	var last uint64
	err := s.Update(func(tx *store.Tx) error {
		if _, err := tx.Get("last", lane, &last); err != nil {
			return err
		}
		fmt.Printf("+%s %d\n", lane, last+uint64(n))
		for range n {
			r := newRecord(lane)
			r.Body = []byte(crashBody(lane, last+1))
			r, err := appendTo(tx, r)
			if err != nil {
				return err
			}
			if r.Seq != last+1 {
				return fmt.Errorf("%s: number %d after %d", lane, r.Seq, last)
			}
			last = r.Seq
		}
		return tx.Put("last", lane, last)
	})
	if err == nil {
		fmt.Printf("=+%s %d\n", lane, last)
	}
	return err
}

func workSettle(s *store.Store, lane string, n int) error {
	batch, err := s.Pending(portal, lane, n, 1<<30)
	if err != nil || len(batch) == 0 {
		return err
	}
	var refused []store.Rejection
	for _, r := range batch {
		if crashRefused(r.Seq) {
			refused = append(refused, reject(r))
		}
	}
	last := batch[len(batch)-1].Seq
	fmt.Printf("-%s %d\n", lane, last)
	if err := s.Update(func(tx *store.Tx) error { return tx.Settle(portal, batch, refused) }); err != nil {
		return err
	}
	fmt.Printf("=-%s %d\n", lane, last)
	return nil
}

// A child that appends and settles is killed at random moments. What it had confirmed is
// there, or settled for good; nothing else is.
func TestCrash(t *testing.T) {
	rounds := 15         // `make soak` has 500
	if testing.Short() { // below an emulator, where a child takes two seconds to start
		rounds = 6
	}
	crash(t, rounds)
}

func TestSoakCrash(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	crash(t, 500)
}

func crash(t *testing.T, rounds int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := newPath(t)
	said := map[string]uint64{} // the last number, by what was said: "+bulk", "=+bulk", ...
	for round := range rounds {
		c := start(t, "work", path)
		toHear := 1 + random.IntN(60)
		for ; ; toHear-- {
			line, err := c.out.ReadString('\n')
			if err != nil {
				break // all it said before it died was heard
			}
			var what string
			var seq uint64
			if _, err := fmt.Sscanf(line, "%s %d\n", &what, &seq); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			said[what] = seq
			if toHear == 0 {
				c.cmd.Process.Kill()
			}
		}
		if c.cmd.Wait(); toHear > 0 {
			t.Fatal("the child ended by itself")
		}
		if crashCheck(t, path, said); t.Failed() {
			t.Fatalf("seed %d, round %d", seed, round)
		}
	}
	t.Logf("in the end: %v", said)
}

// crashCheck compares the store with what was said, and sets that to what is.
func crashCheck(t *testing.T, path string, said map[string]uint64) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	crashCheckOpen(t, s, said)
}

func crashCheckOpen(t *testing.T, s *store.Store, said map[string]uint64) {
	t.Helper()
	refused := map[string]uint64{}
	list, err := s.Quarantine(portal)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range list {
		lane := q.Record.Lane
		if want := refused[lane] + 7; q.Record.Seq != want || string(q.Record.Body) != crashBody(lane, want) {
			t.Errorf("%s: %d in quarantine, want %d", lane, q.Record.Seq, want)
		}
		refused[lane] = q.Record.Seq
	}
	for _, lane := range []string{store.Urgent, store.Bulk} {
		var last uint64
		err := s.View(func(tx *store.Tx) error {
			_, err := tx.Get("last", lane, &last)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		batch := pending(t, s, portal, lane)
		settled := last - uint64(len(batch))
		for i, r := range batch {
			if want := settled + 1 + uint64(i); r.Seq != want || string(r.Body) != crashBody(lane, want) {
				t.Errorf("%s: %d is pending, want %d", lane, r.Seq, want)
			}
		}
		for what, is := range map[string]uint64{"+" + lane: last, "-" + lane: settled} {
			if is < said["="+what] || is > max(said[what], said["="+what]) {
				t.Errorf("%s: is %d, confirmed was %d, begun was %d", what, is, said["="+what], said[what])
			}
			said[what], said["="+what] = is, is
		}
		if want := settled / 7 * 7; refused[lane] != want {
			t.Errorf("%s: last in quarantine is %d, want %d", lane, refused[lane], want)
		}
	}
}
