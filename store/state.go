package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// Put stores v as JSON under key, in place of what was there. The bucket is made
// when it is first used. Bucket names are at most 64 bytes without slashes, keys
// 1 to 1024 bytes, values at most MaxBody bytes of JSON.
func (t *Tx) Put(bucket, key string, v any) error {
	if t.dry {
		return nil
	}
	data, err := json.Marshal(v)
	switch {
	case err != nil:
		return fmt.Errorf("put %s %q: %w", bucket, key, err)
	case !isName(bucket) || key == "" || len(key) > maxKey:
		return fmt.Errorf("put %q %q: not a bucket's name and a key", bucket, key)
	case len(data) > MaxBody:
		return fmt.Errorf("put %s %q: %d bytes are more than %d", bucket, key, len(data), MaxBody)
	}
	name := statePrefix + bucket
	b, err := t.tx.CreateBucketIfNotExists([]byte(name))
	if err == nil {
		value, flags := t.store.pack(make([]byte, sealSize, sealSize+min(len(data), packFrom)), data)
		err = b.Put([]byte(key), sealed(name, []byte(key), flags, value))
	}
	if err != nil {
		return fmt.Errorf("put %s %q: %w", bucket, key, err)
	}
	return nil
}

// Get decodes the value under key into v, as encoding/json does. If there is no
// such value, found is false and v is as it was. A value that is damaged on disk
// or does not fit v is an error.
func (t *Tx) Get(bucket, key string, v any) (found bool, err error) {
	b := t.state(bucket)
	if b == nil || key == "" {
		return false, nil
	}
	value := b.Get([]byte(key))
	if value == nil {
		return false, nil
	}
	data, err := t.unsealState(bucket, []byte(key), value)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, fmt.Errorf("get %s %q: %w", bucket, key, err)
	}
	return true, nil
}

// Has reports whether there is a value under key. It may be damaged.
func (t *Tx) Has(bucket, key string) bool {
	b := t.state(bucket)
	return b != nil && key != "" && b.Get([]byte(key)) != nil
}

// Delete removes the value under key. If there is none, nothing happens.
func (t *Tx) Delete(bucket, key string) error {
	b := t.state(bucket)
	if b == nil || key == "" || t.dry {
		return nil
	}
	if err := b.Delete([]byte(key)); err != nil {
		return fmt.Errorf("delete %s %q: %w", bucket, key, err)
	}
	return nil
}

// Each calls fn for every key of bucket that begins with prefix, in byte order,
// until fn returns an error, which Each returns. value is a copy of the JSON. fn
// must not put into or delete from the same bucket; collect the keys first. A value
// that is damaged on disk ends Each with an error.
func (t *Tx) Each(bucket, prefix string, fn func(key string, value []byte) error) error {
	b := t.state(bucket)
	if b == nil {
		return nil
	}
	for k, v := range scan(b, []byte(prefix), nil) {
		data, err := t.unsealState(bucket, k, v)
		if err != nil {
			return fmt.Errorf("read %s %q: %w", bucket, k, err)
		}
		if err := fn(string(k), data); err != nil {
			return err
		}
	}
	return nil
}

// state is nil if the bucket does not exist.
func (t *Tx) state(bucket string) *bbolt.Bucket { return t.bucket(statePrefix + bucket) }

func (t *Tx) unsealState(bucket string, key, value []byte) ([]byte, error) {
	flags, stored, err := unseal(statePrefix+bucket, key, value)
	if err != nil {
		return nil, err
	}
	return t.store.unpack(nil, stored, flags)
}
