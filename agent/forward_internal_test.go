package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"meteragent/store"
	"meteragent/transport"
)

// A linkFunc is a link that only sends.
type linkFunc func() error

func (f linkFunc) Send(context.Context, []transport.Message) (transport.Receipt, error) {
	return transport.Receipt{}, f()
}

func (f linkFunc) Close() error { return nil }

// While the portal is away, each try costs one batch, not the reading of a whole window.
func TestTryReadsOneBatch(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{Destinations: []string{Portal}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(func(tx *store.Tx) error {
		for i := range 4000 {
			r := store.Record{Lane: store.Bulk, Kind: kindReading, Subject: fmt.Sprint("ABC", i%50)}
			if _, err := tx.Append(r, strings.Repeat("x", 600)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		read := 0
		var f *forwarder
		a := New(Options{Store: s})
		f = newForwarder(a, Output{Name: Portal, Link: linkFunc(func() error {
			synctest.Wait() // until everything that is to be read before the answer is read
			for _, w := range f.lanes {
				read += w.size
			}
			return errors.New("no route")
		})})
		if err := f.deliver(t.Context()); err == nil {
			t.Error("delivered")
		}
		if read == 0 || read > 2*mostBytes { // a batch is full a little before its limit
			t.Errorf("%d bytes were read for a try, want one batch, and of the next one at most %d", read, 2*mostBytes)
		}
	})
}
