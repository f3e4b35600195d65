package agent

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"meteragent/agent/toner"
	"meteragent/store"
)

// What a person cannot do with an order.
var (
	ErrNoOrder   = errors.New("no such order")
	ErrAmbiguous = errors.New("more than one order begins so")
	ErrState     = errors.New("its state does not allow that")
)

// reopened is the state of an order that was given up for another one.
const reopened = "reopened"

// Confirm sends an order that was only suggested. The id may be shortened.
func (m Memory) Confirm(id string, now time.Time) (OrderEntry, error) {
	return m.change(id, now, func(tx *store.Tx, l toner.Ledger, e *OrderEntry) (toner.Ledger, error) {
		next, order, ok := l.Confirm(e.Order.ID)
		if !ok {
			return l, ErrState
		}
		e.State = string(toner.Ordered)
		return next, appendBody(tx, store.Urgent, kindOrder, order.Device.ID, now, order)
	})
}

// Reopen gives an order up whose parcel was lost, so that the next readings may place
// another one. The id may be shortened.
func (m Memory) Reopen(id string, now time.Time) (OrderEntry, error) {
	return m.change(id, now, func(_ *store.Tx, l toner.Ledger, e *OrderEntry) (toner.Ledger, error) {
		next, ok := l.Reopen(e.Order.ID)
		if !ok {
			return l, ErrState
		}
		e.State = reopened
		return next, nil
	})
}

// change changes an order and the ledger of its device in one transaction.
func (m Memory) change(id string, now time.Time, how func(*store.Tx, toner.Ledger, *OrderEntry) (toner.Ledger, error)) (e OrderEntry, err error) {
	err = m.Store.Update(func(tx *store.Tx) error {
		var found []OrderEntry
		if err := eachOrder(tx, func(e OrderEntry) error {
			if strings.HasPrefix(e.Order.ID, id) {
				found = append(found, e)
			}
			return nil
		}); err != nil && !(errors.Is(err, errUnreadable) && len(found) > 0) {
			return err
		}
		switch {
		case len(found) == 0 || id == "":
			return ErrNoOrder
		case len(found) > 1:
			return ErrAmbiguous
		}
		e = found[0]
		var l toner.Ledger
		device := presentName(tx, e.Order.Device.ID)
		if _, err := tx.Get(ledgers, device, &l); err != nil {
			return err
		}
		next, err := how(tx, l, &e)
		if err != nil {
			return err
		}
		e.Changed = now.UTC()
		if err := tx.Put(ledgers, device, next); err != nil {
			return err
		}
		return tx.Put(orders, e.Order.ID, e)
	})
	if err != nil {
		return e, fmt.Errorf("order %s: %w", id, err)
	}
	return e, nil
}
