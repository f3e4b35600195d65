package store_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"meteragent/store"
)

// benchBody is as long as the reading of one copier, 586 bytes.
func benchBody() []byte { return []byte(`"` + strings.Repeat("x", 584) + `"`) }

// written is what this process has made dirty on disk so far, in bytes. It is 0
// where the system does not tell.
func written() int {
	var n int
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(data, []byte("\nwrite_bytes: "))
	fmt.Sscan(string(rest), &n)
	return n
}

// report adds the figures that matter: records a second, bytes written a record.
func report(b *testing.B, records, bytesBefore int) {
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(written()-bytesBefore)/float64(records), "B/record")
	b.ReportMetric(0, "ns/op")
}

func appendBatch(b *testing.B, s *store.Store, r store.Record, n int) {
	err := s.Update(func(tx *store.Tx) error {
		for range n {
			if _, err := appendTo(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func benchRecord() store.Record {
	r := newRecord(store.Bulk)
	r.Body = benchBody()
	return r
}

// One operation is one commit.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, newPath(b))
			r := benchRecord()
			before := written()
			for b.Loop() {
				appendBatch(b, s, r, n)
			}
			report(b, b.N*n, before)
		})
	}
}

// A reading with what is decided from it: one record and two small values.
func BenchmarkAppendWithState(b *testing.B) {
	s := open(b, newPath(b))
	r := benchRecord()
	state := strings.Repeat("y", 300)
	before := written()
	for i := 0; b.Loop(); i++ {
		err := s.Update(func(tx *store.Tx) error {
			if err := tx.Put("device", fmt.Sprintf("ABC%05d", i%200), state); err != nil {
				return err
			}
			if err := tx.Put("ledger", fmt.Sprintf("ABC%05d", i%200), state); err != nil {
				return err
			}
			_, err := appendTo(tx, r)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	report(b, b.N, before)
}

// A backlog of 100,000 records is read and settled; one operation is one batch.
func BenchmarkDrain(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, newPath(b))
			fillUp := func() {
				for range 1000 {
					appendBatch(b, s, benchRecord(), 100)
				}
			}
			var out, records int
			for b.Loop() {
				batch, err := s.Pending(portal, store.Bulk, n, 1<<30)
				if err != nil {
					b.Fatal(err)
				}
				if len(batch) == 0 {
					b.StopTimer()
					fillUp()
					b.StartTimer()
					continue
				}
				before := written()
				settle(b, s, portal, batch)
				out += written() - before
				records += len(batch)
			}
			report(b, records, written()-out)
		})
	}
}

// Opening walks the file: here 100,000 records.
func BenchmarkOpen(b *testing.B) {
	path := newPath(b)
	s := open(b, path)
	for range 1000 {
		appendBatch(b, s, benchRecord(), 100)
	}
	s.Close()
	for b.Loop() {
		s, err := store.Open(path, store.Options{Destinations: []string{portal}})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkWaiting(b *testing.B) {
	s := open(b, newPath(b))
	for range 1000 {
		appendBatch(b, s, benchRecord(), 100)
	}
	for b.Loop() {
		if w, err := s.Waiting(portal); err != nil || w.Bulk != 100_000 {
			b.Fatal(w, err)
		}
	}
}
