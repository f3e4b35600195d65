package transport

import (
	"hash/fnv"
	"time"
)

// Spread gives each agent its own place in a span, the same for ever, so that a fleet is
// spread over all of it: from 0 up to, not including, span.
func Spread(agent string, span time.Duration) time.Duration {
	if span <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(agent)) // a hash's Write returns no error
	return time.Duration(h.Sum64() % uint64(span))
}

// Slot returns how long it is until an agent's next moment, of which it has one in each
// span since 1970: more than 0 and at most span, and 0 if there is no span. Clocks that
// are wrong spread a fleet no less.
func Slot(agent string, span time.Duration, now time.Time) time.Duration {
	if span <= 0 {
		return 0
	}
	since := time.Duration(now.UnixNano() % int64(span))
	return span - (since-Spread(agent, span)+span)%span
}
