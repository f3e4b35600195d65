package agent

import (
	"fmt"

	"meteragent/store"
)

// What somebody acts upon, an order or a request for a technician, goes to one receiver only. When
// that is another one, it goes on where the one before is: it gets what that one has not got, though it
// may have passed it by, and nothing that one has got.

// acting is the output that gets what somebody acts upon, as the database keeps it.
type acting struct {
	Name string            `json:"name"`
	Had  map[string]uint64 `json:"had,omitempty"` // by stream: how far those before it were
}

// handOver notes who gets what somebody acts upon.
func (a *Agent) handOver() error {
	now := ""
	for _, o := range a.outputs {
		if o.Orders {
			now = o.Name
		}
	}
	if now == "" {
		return nil
	}
	var before acting
	err := a.store.View(func(tx *store.Tx) error {
		before, _ = recall[acting](tx, a.log, toldOf, "acting")
		return nil
	})
	if a.acts = before; err != nil || before.Name == now {
		return err
	}
	next := acting{Name: now}
	err = a.store.Update(func(tx *store.Tx) (err error) {
		if before.Name != "" {
			next.Had, err = tx.Succeed(store.Urgent, before.Name, now, before.Had, func(r store.Record) bool { return isActedUpon(r, r.Body) })
			if err != nil {
				return err
			}
		}
		return tx.Put(toldOf, "acting", next)
	})
	if err != nil {
		return fmt.Errorf("orders for %s: %w", now, err)
	}
	if a.acts = next; before.Name != "" {
		a.log.Warn("orders go to another receiver", "dest", now, "before", before.Name)
	}
	return nil
}

// takes says whether a record goes to an output.
func (a *Agent) takes(o Output, r store.Packed) bool {
	if r.Kind != kindOrder && r.Kind != kindAlert || r.Lane != store.Urgent {
		return true
	}
	var text []byte
	if r.Kind == kindAlert {
		text, _ = r.AppendBody(nil) // what cannot be unpacked is set aside when it is sent
	}
	if !isActedUpon(r.Record, text) {
		return true
	}
	return o.Orders && (r.Again || r.Seq > a.acts.Had[r.Stream])
}

// isActedUpon says whether an urgent record, of that body, goes to one output only.
func isActedUpon(r store.Record, text []byte) bool {
	return r.Kind == kindOrder || r.Kind == kindAlert && isRequest(text)
}
