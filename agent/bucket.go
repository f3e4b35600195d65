package agent

import (
	"encoding/json"
	"fmt"

	"meteragent/store"
)

// each calls fn with every value of a bucket whose key starts with prefix.
func each[T any](tx *store.Tx, bucket, prefix string, fn func(T) error) error {
	return tx.Each(bucket, prefix, func(key string, value []byte) error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			return fmt.Errorf("stored %s %q: %w", bucket, key, err)
		}
		return fn(v)
	})
}

func eachDevice(tx *store.Tx, fn func(Device) error) error { return each(tx, devices, "", fn) }

func eachOrder(tx *store.Tx, fn func(OrderEntry) error) error { return each(tx, orders, "", fn) }
