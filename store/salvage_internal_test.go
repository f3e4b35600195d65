package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const aPortal = "portal"

// A specimen is a store whose whole history is known.
type specimen struct {
	file    []byte
	owner   []byte
	bodies  map[identityOf]string // of every record there ever was
	pending map[identityOf][]span // of every record that waits: where it lies
	values  map[string]string     // the last of each keyed value
}

type identityOf struct {
	lane string
	seq  uint64
}

type span struct{ from, to uint64 } // pages, without to

// newSpecimen makes a store in which records were delivered, refused, sent again and
// packed, and values were changed. Its trees are several pages high.
func newSpecimen(t testing.TB) specimen {
	t.Helper()
	m := specimen{bodies: map[identityOf]string{}, pending: map[identityOf][]span{}, values: map[string]string{}}
	path := filepath.Join(t.TempDir(), "meteragent.db")
	s, err := Open(path, Options{Destinations: []string{aPortal}})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 12 {
		err := s.Update(func(tx *Tx) error {
			for i := range 40 {
				if err := m.add(tx, Bulk, 30*i); err != nil {
					return err
				}
				if err := m.put(tx, fmt.Sprint((20*round+i)%200), round); err != nil {
					return err
				}
			}
			return m.add(tx, Urgent, 400*round)
		})
		if err == nil && round%4 == 3 {
			err = m.deliver(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, lane := range lanes() {
		left, err := s.Pending(aPortal, lane, 1_000_000, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range left {
			m.pending[identityOf{lane, r.Seq}] = nil
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if m.file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if m.owner, err = os.ReadFile(ownerPath(path)); err != nil {
		t.Fatal(err)
	}
	m.locate(t, s.stream)
	return m
}

func (m specimen) add(tx *Tx, lane string, size int) error {
	n := len(m.bodies)
	body := fmt.Sprintf(`"%s %d %s"`, lane, n, strings.Repeat(string(rune('a'+n%26)), size))
	if n%3 == 0 { // a body that does not pack
		random := rand.New(rand.NewPCG(uint64(n), 0))
		body = body[:len(body)-1]
		for range size / 8 {
			body += fmt.Sprintf("%08x", random.Uint32())
		}
		body += `"`
	}
	r, err := tx.Append(Record{Lane: lane, Kind: "k", At: time.Unix(int64(n), 0)}, json.RawMessage(body))
	m.bodies[identityOf{lane, r.Seq}] = body
	return err
}

func (m specimen) put(tx *Tx, key string, round int) error {
	m.values[key] = fmt.Sprintf("%s in round %d %s", key, round, strings.Repeat("y", 100))
	return tx.Put("ledger", key, m.values[key])
}

func (m specimen) deliver(s *Store) error {
	batch, err := s.Pending(aPortal, Bulk, 60, 1<<30)
	if err != nil {
		return err
	}
	return s.Update(func(tx *Tx) error {
		return tx.Settle(aPortal, batch, []Rejection{{Record: batch[3]}})
	})
}

// locate notes on which pages each record that waits lies.
func (m specimen) locate(t testing.TB, stream string) {
	t.Helper()
	head, err := newestMeta(bytes.NewReader(m.file))
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{file: bytes.NewReader(m.file), until: time.Now().Add(time.Minute), seen: make([]bool, head.pages)}
	if err := w.tree(head.root, nil, nil, 0); err != nil {
		t.Fatal(err)
	}
	for id := uint64(2); id < head.pages; id++ {
		page := m.file[id*pageSize:]
		if !w.seen[id] || u64(page) != id || u16(page[8:]) != leafPage {
			continue
		}
		end := id + 1 + uint64(u32(page[12:]))
		elements(m.file[id*pageSize:end*pageSize], func(key, value []byte, isBucket bool) {
			seq, ok := parseNumber(key)
			for _, lane := range lanes() {
				at := identityOf{lane, seq}
				if _, waits := m.pending[at]; ok && waits {
					if _, _, err := unseal(laneBucket(lane, stream), key, value); err == nil {
						m.pending[at] = append(m.pending[at], span{id, end})
					}
				}
			}
		})
	}
	for at, pages := range m.pending {
		if len(pages) != 1 {
			t.Fatalf("%v lies on %v", at, pages)
		}
	}
}

// intact is how many of the records that wait lie on pages that data still has.
func (m specimen) intact(data []byte) map[identityOf]bool {
	whole := map[identityOf]bool{}
	for at, pages := range m.pending {
		from, to := pages[0].from*pageSize, pages[0].to*pageSize
		if to <= uint64(len(data)) && bytes.Equal(data[from:to], m.file[from:to]) {
			whole[at] = true
		}
	}
	return whole
}

// An outcome is what became of one damaged copy.
type outcome struct {
	damaged        bool // Open saw it
	saved, intact  int  // of the records that wait
	values, wanted int
	took           time.Duration
}

// revive opens a copy, which may be damaged, and compares what comes out with what
// went in.
func (m specimen) revive(t *testing.T, what string, data []byte) outcome {
	t.Helper()
	path := filepath.Join(t.TempDir(), "meteragent.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ownerPath(path), m.owner, 0o600); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s, err := Open(path, Options{Destinations: []string{aPortal}, Salvage: true})
	o := outcome{took: time.Since(begin), wanted: len(m.values)}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return o
	}
	defer s.Close()
	report, err := s.Saved()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if o.damaged = report != nil; o.damaged {
		if aside, err := os.ReadFile(report.SetAside); err != nil || !bytes.Equal(aside, data) {
			t.Errorf("%s: the damaged file was changed: %v", what, err)
		}
		if !report.Complete {
			t.Errorf("%s: not complete: %+v", what, report)
		}
	}
	o.values = m.compareValues(t, what, s)
	there := m.drain(t, what, s, o.damaged)
	whole := m.intact(data)
	o.intact = len(whole)
	for at := range m.pending {
		switch {
		case there[at]:
			o.saved++
		case whole[at]:
			t.Errorf("%s: %v is on an intact page and was not saved (%+v)", what, at, report)
		}
	}
	return o
}

func (m specimen) compareValues(t *testing.T, what string, s *Store) (n int) {
	t.Helper()
	err := s.View(func(tx *Tx) error {
		return tx.Each("ledger", "", func(key string, value []byte) error {
			n++
			if want := `"` + m.values[key] + `"`; string(value) != want {
				t.Errorf("%s: %s is %.40s, was %.40s", what, key, value, want)
			}
			return nil
		})
	})
	if err != nil {
		t.Errorf("%s: values: %v", what, err)
	}
	return n
}

// drain settles all that waits, and returns what came, and what is in quarantine.
func (m specimen) drain(t *testing.T, what string, s *Store, damaged bool) map[identityOf]bool {
	t.Helper()
	there := map[identityOf]bool{}
	fresh := map[string]uint64{}
	err := s.Update(func(tx *Tx) error {
		for _, lane := range lanes() {
			r, err := tx.Append(Record{Lane: lane, Kind: "new"}, 1)
			if err != nil {
				return err
			}
			fresh[lane] = r.Seq
			if damaged && r.Seq != 1 {
				t.Errorf("%s: a new stream begins with %d", what, r.Seq)
			}
		}
		return nil
	})
	for _, lane := range lanes() {
		for err == nil {
			var batch []Record
			if batch, err = s.Pending(aPortal, lane, 100, 1<<30); err != nil || len(batch) == 0 {
				break
			}
			for _, r := range batch {
				at := identityOf{lane, r.Seq}
				if r.Stream == s.Stream() && r.Seq == fresh[lane] && r.Kind == "new" {
					delete(fresh, lane)
				} else if body, ever := m.bodies[at]; !ever || body != string(r.Body) {
					t.Errorf("%s: %v was never written: %.60s", what, at, r.Body)
				}
				there[at] = true
			}
			err = s.Update(func(tx *Tx) error { return tx.Settle(aPortal, batch, nil) })
		}
	}
	if err != nil || len(fresh) > 0 {
		t.Errorf("%s: what is new waits still: %v, %v", what, fresh, err)
	}
	w, err := s.Waiting(aPortal)
	if err != nil || w.Urgent+w.Bulk != 0 {
		t.Errorf("%s: waiting %+v, %v", what, w, err)
	}
	return there
}

// mutate damages a copy in one of the ways in which files are damaged.
func mutate(random *rand.Rand, file []byte) (what string, data []byte) {
	data = bytes.Clone(file)
	pages := len(data) / pageSize
	page := func(i int) []byte { return data[i*pageSize:][:pageSize] }
	a, b := random.IntN(pages), random.IntN(pages)
	switch random.IntN(10) {
	case 0, 1:
		at := random.IntN(len(data))
		data[at] ^= 1 << random.IntN(8)
		return fmt.Sprintf("bit at %d", at), data
	case 2: // headers and elements are where it hurts
		at := a*pageSize + random.IntN(128)
		data[at] ^= 1 << random.IntN(8)
		return fmt.Sprintf("bit at %d", at), data
	case 3:
		return fmt.Sprintf("cut at page %d", a), data[:a*pageSize]
	case 4:
		at := random.IntN(len(data))
		return fmt.Sprintf("cut at %d", at), data[:at]
	case 5:
		swapped := bytes.Clone(page(a))
		copy(page(a), page(b))
		copy(page(b), swapped)
		return fmt.Sprintf("pages %d and %d swapped", a, b), data
	case 6:
		clear(page(a))
		return fmt.Sprintf("page %d zeroed", a), data
	case 7:
		n := 1 + random.IntN(8)
		for i := a; i < min(a+n, pages); i++ {
			clear(page(i))
		}
		return fmt.Sprintf("%d pages from %d zeroed", n, a), data
	case 8:
		copy(page(a%2), page(1-a%2))
		return fmt.Sprintf("head page %d is a copy of the other", a%2), data
	}
	at, n := random.IntN(len(data)), random.IntN(3*pageSize)
	for i := at; i < min(at+n, len(data)); i++ {
		data[i] = byte(random.Uint32())
	}
	return fmt.Sprintf("%d bytes of noise at %d", n, at), data
}

func salvageMutated(t *testing.T, copies int) {
	m := newSpecimen(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	if o := m.revive(t, "sound", m.file); o.damaged || o.saved != len(m.pending) || o.values != o.wanted {
		t.Fatalf("of a sound file: %+v", o)
	}
	var sum outcome
	damaged, waiting := 0, 0
	for i := range copies {
		what, data := mutate(random, m.file)
		o := m.revive(t, fmt.Sprintf("seed %d, copy %d, %s", seed, i, what), data)
		if o.damaged {
			damaged++
		}
		waiting += len(m.pending)
		sum.saved, sum.intact = sum.saved+o.saved, sum.intact+o.intact
		sum.values, sum.wanted = sum.values+o.values, sum.wanted+o.wanted
		sum.took = max(sum.took, o.took)
	}
	t.Logf("seed %d: %d of %d copies were damaged; of their waiting records %.2f %% were saved (%.2f %% lay on intact pages), of the values %.2f %%; the longest opening took %v",
		seed, damaged, copies, share(sum.saved, waiting), share(sum.intact, waiting), share(sum.values, sum.wanted), sum.took)
}

func share(n, of int) float64 { return 100 * float64(n) / float64(of) }

// Damaged copies open, give back what is whole, and nothing that was never written.
func TestSalvage(t *testing.T) {
	copies := 150
	if testing.Short() {
		copies = 30
	}
	salvageMutated(t, copies)
}

func TestSoakSalvage(t *testing.T) {
	if os.Getenv("METERAGENT_SOAK") == "" {
		t.Skip("make soak")
	}
	salvageMutated(t, 2000)
}

// An interrupted salvage is done again, or finished.
func TestSalvageInterrupted(t *testing.T) {
	m := newSpecimen(t)
	path := filepath.Join(t.TempDir(), "meteragent.db")
	if err := os.WriteFile(path, m.file[:len(m.file)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Destinations: []string{aPortal}, Salvage: true}
	for _, leftover := range []string{"", "half a file"} {
		if err := os.WriteFile(salvagePath(path), []byte(leftover), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	stream := s.Stream()
	if err := errors.Join(s.Close(), os.Rename(path, salvagePath(path))); err != nil {
		t.Fatal(err) // as if the power had failed between the two renames
	}
	if s, err = Open(path, o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if report, err := s.Saved(); err != nil || report == nil || s.Stream() != stream {
		t.Errorf("stream %s, want %s; %+v, %v", s.Stream(), stream, report, err)
	}
}

// Where no new file can be made, the damaged one stays as it is, as long as that lasts.
func TestSalvageFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meteragent.db")
	file := newSpecimen(t).file
	clear(file[:pageSize])
	inTheWay := filepath.Join(salvagePath(path), "folder")
	if err := errors.Join(os.WriteFile(path, file, 0o600), os.MkdirAll(inTheWay, 0o700)); err != nil {
		t.Fatal(err)
	}
	o := Options{Destinations: []string{aPortal}, Salvage: true}
	for range 2 {
		_, err := Open(path, o)
		var cause *fs.PathError
		if !errors.Is(err, ErrDamaged) || !errors.As(err, &cause) || cause.Path != salvagePath(path) {
			t.Errorf("got %v, want ErrDamaged and what is in the way", err)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, file) {
			t.Errorf("the damaged file was touched: %v", err)
		}
	}
	if err := os.RemoveAll(salvagePath(path)); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if report, err := s.Saved(); err != nil || report == nil || report.Records == 0 {
		t.Errorf("saved %+v, %v", report, err)
	}
}

// Damaged files do not fill the disk, and the one from now is never removed.
func TestSalvageKeepsFew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meteragent.db")
	var asides []string
	for range keptDamaged + 2 {
		if err := os.WriteFile(path, []byte("no database"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{Salvage: true})
		if err != nil {
			t.Fatal(err)
		}
		report, err := s.Saved()
		if err != nil || report == nil || report.Missing != -1 || report.Damage == "" {
			t.Fatalf("report %+v, %v", report, err)
		}
		asides = append(asides, report.SetAside)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(path + ".damaged-*")
	if err != nil || len(left) != keptDamaged || !slices.Contains(left, asides[len(asides)-1]) {
		t.Errorf("left %v of %v", left, asides)
	}
}

// A file that cannot be read in time is given up: what was found by then is there.
func TestSalvageHasADeadline(t *testing.T) {
	m := newSpecimen(t)
	path := filepath.Join(t.TempDir(), "meteragent.db")
	if err := os.WriteFile(path, m.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{CheckWithin: 1}); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// What a newer version wrote is not salvaged, also when it is damaged.
func TestSalvageLeavesNewerAlone(t *testing.T) {
	m := newSpecimen(t)
	data := bytes.ReplaceAll(m.file, fmt.Append(nil, "format", format), fmt.Append(nil, "format", format+1))
	clear(data[:pageSize])
	path := filepath.Join(t.TempDir(), "meteragent.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{Salvage: true}); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file was touched: %v", err)
	}
}
