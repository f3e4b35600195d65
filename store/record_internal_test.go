package store

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bytes of format 1, for ever.
func TestRecordEncoding(t *testing.T) {
	r := Record{Seq: 5, Kind: "k", Subject: "s", At: time.UnixMicro(1), Body: []byte("{}")}
	want := "\x01\x00\xe1\x81\xe6\x62" + "\x02" + "\x01k" + "\x01s" + "{}"
	if got := string(r.encode()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRecordTimes(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
		r := Record{Seq: 1, Kind: "k", At: at, Body: []byte("1")}
		got := Record{Seq: 1}
		if err := got.decode(r.encode()); err != nil || !got.At.Equal(at) {
			t.Errorf("%v became %v, %v", at, got.At, err)
		}
	}
}

func TestUnseal(t *testing.T) {
	key := []byte("key")
	good := seal(key, []byte("payload"))
	if got, err := unseal(key, good); err != nil || string(got) != "payload" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unseal([]byte("kez"), good); err == nil {
		t.Error("another key: no error")
	}
	for i := range good {
		if _, err := unseal(key, good[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
		for bit := range 8 {
			good[i] ^= 1 << bit
			if _, err := unseal(key, good); err == nil {
				t.Errorf("bit %d of byte %d: no error", bit, i)
			}
			good[i] ^= 1 << bit
		}
	}
}

// A later version may use the flags: then this one must not misread the body.
func TestUnsealUnknownEncoding(t *testing.T) {
	for at := range 2 {
		value := seal(nil, []byte("payload"))
		value[at]++
		binary.BigEndian.PutUint32(value[2:], checksum(nil, value))
		if got, err := unseal(nil, value); err == nil {
			t.Errorf("byte %d: got %q", at, got)
		}
	}
}

// Whatever passes the checksum is decoded without a panic, and what was decoded
// survives encoding.
func FuzzRecord(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(1), []byte("\x02\x01k\x01s{}"))
	f.Add(uint64(2), []byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k"))
	f.Add(uint64(3), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, seq uint64, payload []byte) {
		first := Record{Seq: seq}
		if err := first.decode(seal(number(seq), payload)); err != nil {
			return
		}
		second := Record{Seq: seq}
		if err := second.decode(first.encode()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Error(diff)
		}
	})
}
