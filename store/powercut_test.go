package store_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meteragent/store"
)

// A power cut takes what was written and not synced: all of it, none, or any sectors in
// any order. No kernel does all of that on demand. So strace records what a process
// writes, and the disk after a cut is put together from that: what was synced before the
// cut is there; of the rest, each sector of 512 bytes by chance, and of the changes of
// the folder a part from the first on.

// A disk is what a recorded process has made of one folder.
type disk struct {
	folder  string
	files   map[int]*inode    // by descriptor
	at      map[int]int       // where a descriptor writes next
	entries map[string]*inode // of the folder, as it is after a cut
	changed []func(map[string]*inode)
	now     map[string]*inode // the same, as the process sees it
	said    map[string]uint64 // what the process said until now; see crashCheck
}

// An inode is one file.
type inode struct {
	synced []byte
	dirty  []piece
}

// A piece is a write, or a new length.
type piece struct {
	at   int
	data []byte // nil: the file now ends at
}

func newDisk(folder string) *disk {
	return &disk{
		folder: folder, files: map[int]*inode{}, at: map[int]int{},
		entries: map[string]*inode{}, now: map[string]*inode{}, said: map[string]uint64{},
	}
}

// apply makes a change, or of a write only the sectors that keep says.
func (c piece) apply(content []byte, keep func() bool) []byte {
	if c.data == nil {
		if keep() {
			content = append(content, make([]byte, max(0, c.at-len(content)))...)[:c.at]
		}
		return content
	}
	for from := 0; from < len(c.data); {
		to := min(len(c.data), (c.at+from)/512*512+512-c.at)
		if keep() {
			content = append(content, make([]byte, max(0, c.at+to-len(content)))...)
			copy(content[c.at+from:], c.data[from:to])
		}
		from = to
	}
	return content
}

func (f *inode) sync() {
	for _, c := range f.dirty {
		f.synced = c.apply(f.synced, func() bool { return true })
	}
	f.dirty = nil
}

// folderOp is a change of the folder, seen at once, and on disk when the folder is synced.
func (d *disk) folderOp(op func(map[string]*inode)) {
	op(d.now)
	d.changed = append(d.changed, op)
}

// A call is one line of strace.
var call = regexp.MustCompile(`(?s)^(\w+)\((.*)\)\s+= (-?\d+)`)

// take follows one call.
func (d *disk) take(random *rand.Rand, line string) error {
	m := call.FindStringSubmatch(line)
	if m == nil {
		return nil // a signal
	}
	if strings.HasPrefix(m[3], "-") {
		d.failed(random, m[1], m[2])
		return nil
	}
	args := strings.Split(m[2], ", ")
	fd, _ := strconv.Atoi(strings.TrimPrefix(args[0], "AT_FDCWD"))
	switch result, _ := strconv.Atoi(m[3]); m[1] {
	case "openat":
		d.open(unhex(args[1]), args[2], result)
	case "close":
		delete(d.files, fd)
	case "write":
		data := []byte(unhex(args[1]))[:result]
		if fd == 1 {
			return d.hear(data)
		}
		if f := d.files[fd]; f != nil {
			f.dirty = append(f.dirty, piece{d.at[fd], data})
			d.at[fd] += len(data)
		}
	case "pwrite64":
		if f := d.files[fd]; f != nil {
			at, err := strconv.Atoi(args[3])
			f.dirty = append(f.dirty, piece{at, []byte(unhex(args[1]))[:result]})
			return err
		}
	case "ftruncate":
		if f := d.files[fd]; f != nil {
			at, err := strconv.Atoi(args[1])
			f.dirty = append(f.dirty, piece{at: at})
			return err
		}
	case "fsync", "fdatasync":
		switch f, ours := d.files[fd]; {
		case ours && f == nil:
			for _, op := range d.changed {
				op(d.entries)
			}
			d.changed = nil
		case ours:
			f.sync()
		}
	case "rename", "renameat", "renameat2", "unlink", "unlinkat":
		var names []string
		for _, arg := range args {
			if strings.HasPrefix(arg, `"`) {
				names = append(names, unhex(arg))
			}
		}
		d.folderOp(func(e map[string]*inode) {
			f := e[names[0]]
			delete(e, names[0])
			if len(names) == 2 && f != nil {
				e[names[1]] = f
			}
		})
	}
	return nil
}

// failed follows a call that failed. What a file could not be synced of, the kernel
// forgets: some of it is on disk, and the rest never will be.
func (d *disk) failed(random *rand.Rand, name, fd string) {
	n, err := strconv.Atoi(fd)
	f := d.files[n]
	if err != nil || f == nil || name != "fsync" && name != "fdatasync" {
		return
	}
	share := random.Float64()
	for _, c := range f.dirty {
		f.synced = c.apply(f.synced, func() bool { return random.Float64() < share })
	}
	f.dirty = nil
}

func (d *disk) open(path, flags string, fd int) {
	delete(d.files, fd)
	switch {
	case path == d.folder:
		d.files[fd] = nil // to be synced
	case filepath.Dir(path) == d.folder:
		f := d.now[path]
		if f == nil {
			f = &inode{}
			d.folderOp(func(e map[string]*inode) { e[path] = f })
		}
		if strings.Contains(flags, "O_TRUNC") {
			f.dirty = append(f.dirty, piece{at: 0})
		}
		d.files[fd], d.at[fd] = f, 0
	}
}

// hear notes what the process says.
func (d *disk) hear(data []byte) error {
	for line := range bytes.Lines(data) {
		var what string
		var seq uint64
		if _, err := fmt.Sscanf(string(line), "%s %d\n", &what, &seq); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		d.said[what] = seq
	}
	return nil
}

// cut writes to a new folder what lies on the disk if the power fails now.
func (d *disk) cut(random *rand.Rand, folder string) error {
	entries := maps.Clone(d.entries)
	for _, op := range d.changed[:random.IntN(len(d.changed)+1)] {
		op(entries)
	}
	for path, f := range entries {
		content := slices.Clone(f.synced)
		share := []float64{0, 0.1, 0.5, 0.9, 1}[random.IntN(5)] // of what reached the disk unasked
		for _, c := range f.dirty {
			content = c.apply(content, func() bool { return random.Float64() < share })
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// unhex reads a text of strace -xx.
func unhex(text string) string {
	text = strings.Trim(strings.TrimSuffix(text, "..."), `"`)
	b := make([]byte, 0, len(text)/4)
	for ; len(text) >= 4; text = text[4:] {
		n, err := strconv.ParseUint(text[2:4], 16, 8)
		if err != nil {
			return ""
		}
		b = append(b, byte(n))
	}
	return string(b)
}

// live is a life with everything that writes: birth, appends, refusals, a backlog, its
// end, and the file made short again, once while it is open and once at the next start.
// What the disk refuses is tried again.
func live(path string) error {
	for life := range 3 {
		var s *store.Store
		err := again(func() (err error) {
			s, err = store.Open(path, store.Options{Destinations: []string{portal}})
			return err
		})
		if err != nil {
			return err
		}
		if err := again(func() error { return liveOnce(s, life < 2) }); err != nil {
			return err
		}
		if life == 0 {
			if err := again(func() error { return liveShort(s) }); err != nil {
				return err
			}
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// again tries what may fail because the disk does.
func again(do func() error) (err error) {
	for range 50 {
		if err = do(); err == nil {
			return nil
		}
	}
	return err
}

// liveShort makes the file short, and goes on with it.
func liveShort(s *store.Store) error {
	done, err := s.Shorten()
	if err != nil {
		return err
	}
	if done {
		fmt.Println("=shortened 1")
	}
	return workAppend(s, store.Urgent, 5)
}

func liveOnce(s *store.Store, backlog bool) error {
	for range 40 {
		lane := []string{store.Urgent, store.Bulk}[rand.IntN(2)]
		err := again(func() error {
			if rand.IntN(3) > 0 {
				return workAppend(s, lane, 1+rand.IntN(20))
			}
			return workSettle(s, lane, rand.IntN(30))
		})
		if err != nil {
			return err
		}
	}
	if !backlog {
		return nil
	}
	for range 8 {
		if err := again(func() error { return workAppend(s, store.Bulk, 200) }); err != nil {
			return err
		}
	}
	for waits := 1; waits > 0; {
		if err := again(func() error { return workSettle(s, store.Bulk, 200) }); err != nil {
			return err
		}
		w, err := s.Waiting(portal)
		if waits = w.Bulk; err != nil {
			return err
		}
	}
	return nil
}

// record runs a life under strace and returns its calls in the order in which they ended.
// Faults are strace's: which calls fail, and how.
func record(t *testing.T, path string, faults ...string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	args := []string{"-f", "-qq", "-xx", "-s", "16777216", "-o", trace, "-e", "signal=none",
		"-e", "trace=openat,close,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"}
	for _, fault := range faults {
		args = append(args, "-e", "inject="+fault)
	}
	cmd := exec.Command("strace", append(args, exe, path)...)
	cmd.Env = append(os.Environ(), childTask+"=live")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var calls []string
	begun := map[string]string{} // by thread
	for r := bufio.NewReaderSize(f, 1<<20); ; {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return calls
		}
		if err != nil {
			t.Fatal(err)
		}
		thread, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text = strings.TrimLeft(text, " ")
		if first, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			begun[thread] = first
			continue
		}
		if _, rest, ok := strings.Cut(text, " resumed>"); ok && strings.HasPrefix(text, "<... ") {
			text = begun[thread] + rest
		}
		calls = append(calls, text)
	}
}

// The power fails at a random moment of a whole life: what was confirmed is there, and
// the file opens without any help.
func TestSoakPowerCut(t *testing.T) { powerCuts(t) }

// The same on a disk that fails now and then, while the process tries again. Should a cut
// come between a failure and what mends it, the file counts as damaged; nothing is lost.
func TestSoakPowerCutOnBadDisk(t *testing.T) {
	powerCuts(t, "fdatasync:error=EIO:when=4+5", "fsync:error=EIO:when=3+4", "pwrite64:error=EIO:when=700+701", "ftruncate:error=ENOSPC:when=3+3")
}

func powerCuts(t *testing.T, faults ...string) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	path := newPath(t)
	calls := record(t, path, faults...)
	var moments []int
	for range 100 {
		moments = append(moments, random.IntN(len(calls)))
	}
	slices.Sort(moments)
	t.Logf("seed %d: %d calls, %d cuts", seed, len(calls), len(moments))
	d, done := newDisk(filepath.Dir(path)), 0
	compacted, salvaged := 0, 0
	for _, moment := range moments {
		for ; done < moment; done++ {
			if err := d.take(random, calls[done]); err != nil {
				t.Fatal(err)
			}
		}
		folder, err := os.MkdirTemp(t.TempDir(), "cut")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.cut(random, folder); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(folder, filepath.Base(path)+".compact")); err == nil {
			compacted++
		}
		s, err := store.Open(filepath.Join(folder, filepath.Base(path)), store.Options{Destinations: []string{portal}, Salvage: len(faults) > 0})
		if err != nil {
			t.Fatalf("seed %d, after call %d of %d: %v", seed, moment, len(calls), err)
		}
		if saved, err := s.Saved(); err != nil || saved != nil {
			salvaged++
		}
		crashCheckOpen(t, s, maps.Clone(d.said))
		if s.Close(); t.Failed() {
			t.Fatalf("seed %d, after call %d of %d", seed, moment, len(calls))
		}
		os.RemoveAll(folder)
	}
	for ; done < len(calls); done++ { // what it had said in the end
		if err := d.take(random, calls[done]); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.said) < 9 {
		t.Errorf("the recorded life did too little: %v", d.said)
	}
	t.Logf("%d cuts while the file was made short, %d files had to be salvaged; in the end: %v", compacted, salvaged, d.said)
}
