package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"meteragent/agent/page"
	"meteragent/store"
	"meteragent/transport"
)

// ErrNotRejected: no record in quarantine has that id.
var ErrNotRejected = errors.New("no such record was refused")

// Rejected are the records that a receiver refused, newest refusal first.
func (m Memory) Rejected() ([]page.Rejected, error) {
	list, err := m.Store.Quarantine("")
	all := make([]page.Rejected, 0, len(list))
	for _, q := range list {
		r := q.Record
		all = append(all, page.Rejected{
			ID: recordID(r), Portal: q.Destination, Kind: r.Kind, Device: r.Subject, Made: r.At, At: q.At,
			Reason: reasonOf(q.Reason), Damaged: q.Damaged,
		})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[j].At.Before(all[i].At) })
	return all, err
}

func recordID(r store.Record) string {
	return transport.Message{Stream: r.Stream, Lane: r.Lane, Seq: r.Seq}.ID()
}

// reasonOf is a problem in words.
func reasonOf(reason json.RawMessage) string {
	var p transport.Problem
	if json.Unmarshal(reason, &p) != nil || p.Title == "" {
		return string(reason)
	}
	if p.Detail != "" {
		return p.Title + ": " + p.Detail
	}
	return p.Title
}

// Retry sends a refused record again, under its old id, before what waits in its lane.
// The id may be given without its stream, as "bulk-42".
func (m Memory) Retry(id string) (int, error) { return m.decide(id, (*store.Tx).Retry) }

// Drop gives a refused record up for ever.
func (m Memory) Drop(id string) (int, error) { return m.decide(id, (*store.Tx).Drop) }

// decide does something with each receiver's refusal of a record, all or nothing.
func (m Memory) decide(id string, do func(*store.Tx, store.Quarantined) error) (n int, err error) {
	list, err := m.Store.Quarantine("")
	if err != nil {
		return 0, err
	}
	var found []store.Quarantined
	for _, q := range list {
		if whole := recordID(q.Record); whole == id || strings.HasSuffix(whole, "-"+id) {
			found = append(found, q)
		}
	}
	switch {
	case len(found) == 0:
		return 0, fmt.Errorf("%q: %w", id, ErrNotRejected)
	case slices.ContainsFunc(found, func(q store.Quarantined) bool { return recordID(q.Record) != recordID(found[0].Record) }):
		return 0, fmt.Errorf("%q: %w", id, ErrAmbiguous)
	}
	return len(found), m.Store.Update(func(tx *store.Tx) error {
		for _, q := range found {
			if err := do(tx, q); err != nil {
				return err
			}
		}
		return nil
	})
}
