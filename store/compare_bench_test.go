package store_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// What durable appends cost without us: a plain file, and bbolt alone with the settings
// of the store. BenchmarkAppend is to be held against them.

// One operation is one write and one sync.
func BenchmarkPlainFile(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			batch := []byte(strings.Repeat(string(benchBody())+"\n", n))
			before := written()
			for b.Loop() {
				if _, err := f.Write(batch); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
			report(b, b.N*n, before)
		})
	}
}

// One operation is one commit.
func BenchmarkBareBbolt(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare"), 0o600, &bbolt.Options{
				NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, PageSize: pageSize,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			body := benchBody()
			before := written()
			for b.Loop() {
				err := db.Update(func(tx *bbolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
					if err != nil {
						return err
					}
					bucket.FillPercent = 1
					for range n {
						seq, err := bucket.NextSequence()
						if err != nil {
							return err
						}
						if err := bucket.Put(binary.BigEndian.AppendUint64(nil, seq), body); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			report(b, b.N*n, before)
		})
	}
}

// A whole reading is some 5 KB of JSON, and is packed.
func BenchmarkAppendWhole(b *testing.B) {
	var body strings.Builder
	for i := range 40 {
		fmt.Fprintf(&body, `,{"name":"counter.%d","value":%d,"unit":"impressions","format":"life","persistence":"lifetime","oid":"1.3.6.1.4.1.1602.1.11.1.3.1.4.%d","quality":"good"}`, i, 1000*i*i+17, 100+7*i)
	}
	r := benchRecord()
	r.Body = []byte(`{"meters":[` + body.String()[1:] + `]}`)
	s := open(b, newPath(b))
	before := written()
	for b.Loop() {
		appendBatch(b, s, r, 100)
	}
	report(b, b.N*100, before)
	b.ReportMetric(float64(len(r.Body)), "B/body")
}
