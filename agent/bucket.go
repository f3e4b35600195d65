package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"meteragent/agent/toner"
	"meteragent/store"
)

// errUnreadable says that something the agent kept does not decode: it is damaged, or of
// another version of the program.
var errUnreadable = errors.New("kept value cannot be read")

// recall is a kept value. One that cannot be read counts as never kept: the next reading
// makes it anew, and neither that reading nor those of other devices wait for it.
func recall[T any](tx *store.Tx, log *slog.Logger, bucket, key string) (v T, found bool) {
	found, err := tx.Get(bucket, key, &v)
	if err != nil {
		log.Error("what was kept cannot be read, and is begun anew", "err", err)
		var none T
		return none, false
	}
	return v, found
}

// each calls fn with every value of a bucket whose key starts with prefix. Values that do
// not decode are passed over, and then the error wraps errUnreadable.
func each[T any](tx *store.Tx, bucket, prefix string, fn func(T) error) error {
	var unreadable error
	err := tx.Each(bucket, prefix, func(key string, value []byte) error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			unreadable = fmt.Errorf("%w: %s %q: %w", errUnreadable, bucket, key, err)
			return nil
		}
		return fn(v)
	})
	if err != nil {
		return err
	}
	return unreadable
}

func eachDevice(tx *store.Tx, fn func(Device) error) error { return each(tx, devices, "", fn) }

func eachOrder(tx *store.Tx, fn func(OrderEntry) error) error { return each(tx, orders, "", fn) }

// eachDevice calls fn with the devices that can be read; the log tells of others.
func (a *Agent) eachDevice(tx *store.Tx, fn func(Device) error) error {
	return a.readable(eachDevice(tx, fn))
}

// readable is err without what recall makes good.
func (a *Agent) readable(err error) error {
	if errors.Is(err, errUnreadable) {
		a.log.Error("what was kept cannot be read, and is passed over", "err", err)
		return nil
	}
	return err
}

// ledger is what toner remembers of a device. A lost one is made from what is known of its
// orders. Where those may be lost, too, nothing is ordered until a parcel that is on its
// way has come.
func (a *Agent) ledger(tx *store.Tx, device string, now time.Time) toner.Ledger {
	l, found := recall[toner.Ledger](tx, a.log, ledgers, device)
	if found {
		return l
	}
	doubt := a.doubt
	var placed []toner.Placed
	err := eachOrder(tx, func(e OrderEntry) error {
		if presentName(tx, e.Order.Device.ID) == device {
			placed = append(placed, toner.Placed{Order: e.Order, State: e.State})
		}
		return nil
	})
	if err != nil {
		a.log.Error("orders of a device may be forgotten", "device", device, "err", err)
		doubt = a.delivered(now)
	}
	return toner.Rebuild(device, placed, doubt)
}

// delivered is when a parcel has come that left by then.
func (a *Agent) delivered(left time.Time) time.Time {
	return left.Add(a.cfg.Toner.Delivery + 24*time.Hour)
}
