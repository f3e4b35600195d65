package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What this variable says is measured, and printed as one line of name=value:
//
//	append RECORDS BATCH   so many in each commit
//	drain RECORDS BATCH    so many read and settled at once
//	rounds RECORDS BATCH   filled and drained ten times: how long the file is after each
//	short RECORDS BATCH    all but a tenth are settled, and the file is made short
//
// The store's internal path is measured: what Append does when the JSON is made.
// .ci/e2e/52-store-figures.sh sets it beside others.
const figuresOf = "METERAGENT_FIGURES"

// whole in this variable means whole readings of 4 to 9 KB, instead of 586 bytes.
const figuresBody = "METERAGENT_FIGURES_BODY"

func TestFigures(t *testing.T) {
	var what string
	var records, batch int
	if n, _ := fmt.Sscan(os.Getenv(figuresOf), &what, &records, &batch); n != 3 {
		t.Skip("only for .ci/e2e/52-store-figures.sh")
	}
	path := filepath.Join(t.TempDir(), "meteragent.db")
	s, err := Open(path, Options{Destinations: []string{"portal"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := figures{T: t, store: s, bodies: figureBodies(t)}
	switch what {
	case "append":
		f.measured(records, func() { f.fill(records, batch) })
		f.print("file_bytes", f.file()/int64(records))
	case "drain":
		f.fill(records, 1000)
		f.measured(records, func() { f.drain(batch, 0) })
	case "rounds":
		for range 10 {
			f.fill(records, batch)
			f.drain(batch, 0)
			f.print("mib", float64(f.file())/(1<<20))
		}
	case "short":
		f.fill(records, batch)
		full := f.file()
		f.drain(batch, records/10)
		if done, err := s.Shorten(); err != nil || !done {
			t.Fatal("it was not made short: ", err)
		}
		f.print("full_mib", float64(full)/(1<<20))
		f.print("short_mib", float64(f.file())/(1<<20))
		f.print("live", float64(f.file())/float64(records/10*len(f.bodies[0])))
	default:
		t.Fatalf("%s?", what)
	}
	f.print("own_mib", float64(proc("status", "RssAnon:"))/1024)
	fmt.Println("figures", strings.Join(f.said, " "))
}

// figureBodies are one of 586 bytes, or whole readings, on average 6.5 KB.
func figureBodies(t *testing.T) (all [][]byte) {
	if os.Getenv(figuresBody) != "whole" {
		return [][]byte{[]byte(`"` + strings.Repeat("x", 584) + `"`)}
	}
	paths, err := filepath.Glob("../collector/testdata/devices/*/reading.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		var b bytes.Buffer
		if err == nil {
			err = json.Compact(&b, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Len() >= 4000 {
			all = append(all, b.Bytes())
		}
	}
	return all
}

type figures struct {
	*testing.T
	store  *Store
	bodies [][]byte
	said   []string
}

func (f *figures) print(name string, value any) {
	if v, ok := value.(float64); ok {
		value = fmt.Sprintf("%.2f", v)
	}
	f.said = append(f.said, fmt.Sprintf("%s=%v", name, value))
}

// measured prints what do costs, which is about so many records.
func (f *figures) measured(records int, do func()) {
	before, begin := proc("io", "write_bytes:"), time.Now()
	do()
	took, after := time.Since(begin), proc("io", "write_bytes:")
	size := 0
	for _, b := range f.bodies {
		size += len(b)
	}
	f.print("rate", int(float64(records)/took.Seconds()))
	f.print("disk_bytes", (after-before)/records)
	f.print("body_bytes", size/len(f.bodies))
}

func (f *figures) fill(records, batch int) {
	for done := 0; done < records; done += batch {
		err := f.store.Update(func(t *Tx) error {
			for i := range batch {
				r := Record{Lane: Bulk, Kind: "reading", Subject: "ABC12345", At: time.Now(), Body: f.bodies[i%len(f.bodies)]}
				if err := t.append(&r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
	}
}

// drain reads and settles until no more than so many are left.
func (f *figures) drain(batch, left int) {
	w, err := f.store.Waiting("portal")
	if err != nil {
		f.Fatal(err)
	}
	for reader := f.store.Reader("portal", Bulk); w.Bulk > left; {
		waiting, err := reader.Next(min(batch, w.Bulk-left), 1<<30)
		var records []Record
		for _, p := range waiting {
			records = append(records, p.Record)
		}
		if err == nil {
			err = f.store.Update(func(t *Tx) error { return t.Settle("portal", records, nil) })
		}
		if err != nil {
			f.Fatal(err)
		}
		w.Bulk -= len(records)
	}
}

func (f *figures) file() int64 {
	info, err := os.Stat(f.store.Path())
	if err != nil {
		f.Fatal(err)
	}
	return info.Size()
}

// proc is a number that Linux tells of this process: bytes made dirty on disk, or KiB.
func proc(file, name string) (n int) {
	text, err := os.ReadFile("/proc/self/" + file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}
