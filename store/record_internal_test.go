package store

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bytes of formats 2 and 3, for ever.
func TestRecordEncoding(t *testing.T) {
	r := Record{Lane: Bulk, Stream: "S", Seq: 5, Kind: "k", Subject: "s", At: time.UnixMicro(1), Body: []byte("{}")}
	want := "\x02\x00\x92|\xa3>" + "\x02" + "\x01k" + "\x01s" + "{}"
	if got := string(r.encode(&packer{})); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Era = 300
	want = "\x02\x02\xbd\x00\a5" + "\xac\x02" + "\x02" + "\x01k" + "\x01s" + "{}"
	if got := string(r.encode(&packer{})); got != want {
		t.Errorf("with an era: got %q, want %q", got, want)
	}
}

// The bytes of format 1 are read for ever.
func TestRecordEncoding1(t *testing.T) {
	got := Record{Lane: Bulk, Stream: "S", Seq: 5}
	if err := got.decode(&packer{}, []byte("\x01\x00\xe1\x81\xe6\x62"+"\x02"+"\x01k"+"\x01s"+"{}")); err != nil {
		t.Fatal(err)
	}
	want := Record{Lane: Bulk, Stream: "S", Seq: 5, Kind: "k", Subject: "s", At: time.UnixMicro(1).UTC(), Body: []byte("{}")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A long body is packed, comes back as it was, and one that packs badly stays as it is.
func TestRecordPacking(t *testing.T) {
	random := make([]byte, 4000)
	rand.Read(random)
	for name, c := range map[string]struct {
		body   string
		packed bool
	}{
		"short":       {strings.Repeat("1", packFrom-1), false},
		"long":        {strings.Repeat("1", packFrom), true},
		"longest":     {strings.Repeat("1", MaxBody), true},
		"unpackable":  {string(random), false},
		"of no bytes": {"", false},
	} {
		p := &packer{}
		for range 2 { // with what is new, and with what is used again
			r := Record{Lane: Bulk, Stream: "S", Seq: 5, Kind: "k", At: time.UnixMicro(1).UTC(), Body: []byte(c.body)}
			value := r.encode(p)
			if packed := len(value) < len(c.body); packed != c.packed {
				t.Errorf("%s: %d bytes became %d", name, len(c.body), len(value))
			}
			got := Record{Lane: Bulk, Stream: "S", Seq: 5}
			if err := got.decode(p, value); err != nil || string(got.Body) != c.body {
				t.Errorf("%s: %d bytes came back, %v", name, len(got.Body), err)
			}
		}
	}
	bomb, flags := (&packer{}).pack(nil, make([]byte, 2*MaxBody))
	if text, err := (&packer{}).unpack(nil, bomb, flags); err == nil {
		t.Errorf("what is packed of too much: %d bytes", len(text))
	}
	var old bytes.Buffer
	w, _ := flate.NewWriter(&old, flate.BestCompression)
	w.Write(make([]byte, 2*MaxBody))
	w.Close()
	if text, err := (&packer{}).unpack(nil, old.Bytes(), deflated); err == nil {
		t.Errorf("what format 3 packed of too much: %d bytes", len(text))
	}
}

func TestRecordTimes(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
		r := Record{Seq: 1, Kind: "k", At: at, Body: []byte("1")}
		got := Record{Seq: 1}
		if err := got.decode(&packer{}, r.encode(&packer{})); err != nil || !got.At.Equal(at) {
			t.Errorf("%v became %v, %v", at, got.At, err)
		}
	}
}

func TestUnseal(t *testing.T) {
	key := []byte("key")
	good := seal("b", key, 0, []byte("payload"))
	if got, err := unsealPlain("b", key, good); err != nil || string(got) != "payload" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unsealPlain("b", []byte("kez"), good); err == nil {
		t.Error("another key: no error")
	}
	if _, _, err := unseal("c", key, good); err == nil {
		t.Error("another bucket: no error")
	}
	for i := range good {
		if _, err := unsealPlain("b", key, good[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
		for bit := range 8 {
			good[i] ^= 1 << bit
			if _, err := unsealPlain("b", key, good); err == nil {
				t.Errorf("bit %d of byte %d: no error", bit, i)
			}
			good[i] ^= 1 << bit
		}
	}
}

// A later version may use the flags: then this one must not misread the body.
func TestUnsealUnknownEncoding(t *testing.T) {
	for at := range 2 {
		value := seal("b", nil, 0, []byte("payload"))
		value[at] += 8
		binary.BigEndian.PutUint32(value[2:], checksum("b", nil, value))
		if got, err := unsealPlain("b", nil, value); err == nil {
			t.Errorf("byte %d: got %q", at, got)
		}
	}
}

// Whatever passes the checksum is decoded without a panic, and what was decoded
// survives encoding.
func FuzzRecord(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(2), []byte("\x05\x02\x01k\x01s{}"))
	f.Add(uint64(1), []byte("\x02\x01k\x01s{}"))
	f.Add(uint64(2), []byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k"))
	f.Add(uint64(3), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, seq uint64, payload []byte) {
		p := &packer{}
		first := Record{Seq: seq}
		if err := first.decode(p, seal(laneBucket("", ""), number(seq), byte(seq)&(deflated|dated|zipped), payload)); err != nil {
			return
		}
		second := Record{Seq: seq}
		if err := second.decode(p, first.encode(p)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Error(diff)
		}
	})
}
