package transport

import (
	"errors"
	"math/rand/v2"
	"time"
)

// A Backoff says how long to wait after an error: exponentially longer, with full
// jitter, so that a thousand agents which lost the same portal do not return
// together. The zero value is ready to use. It is not safe for concurrent use, and
// neither waits nor looks at a clock.
type Backoff struct {
	First time.Duration  // upper bound of the first wait; 0 means 2 s
	Max   time.Duration  // upper bound of any wait the portal did not ask for; 0 means 15 min
	Rand  func() float64 // from 0 up to, not including, 1; nil means rand.Float64

	errors int // since the last Reset
}

// Next returns how long to wait after err, counting it as one more in a row. The
// bound doubles from one error to the next and the wait is anywhere below it. After
// an error that wraps ErrUnauthorized the wait is in the upper half of the longest.
// A wait that the portal asked for is never undercut.
func (b *Backoff) Next(err error) time.Duration {
	bound, longest := b.First, b.Max
	if bound <= 0 {
		bound = 2 * time.Second
	}
	if longest <= 0 {
		longest = 15 * time.Minute
	}
	for range b.errors {
		if bound >= longest {
			break
		}
		bound *= 2
	}
	bound = min(bound, longest)
	b.errors++

	wait := b.below(bound)
	if errors.Is(err, ErrUnauthorized) {
		wait = longest/2 + b.below(longest/2)
	}
	if asked, ok := RetryAfter(err); ok {
		wait = max(wait, asked+b.below(bound))
	}
	return wait
}

// Reset starts again from the first wait. Call it when something was delivered.
func (b *Backoff) Reset() { b.errors = 0 }

// below returns a duration from 0 to d.
func (b *Backoff) below(d time.Duration) time.Duration {
	chance := b.Rand
	if chance == nil {
		chance = rand.Float64
	}
	return time.Duration(chance() * float64(d))
}
