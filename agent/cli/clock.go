package cli

import (
	"crypto/rand"
	"strconv"
	"time"

	"meteragent/agent/clock"
	"meteragent/collector"
	"meteragent/packaging"
)

// machineClock returns a function that says what this machine's clocks say.
func machineClock() func() clock.Moment {
	boot, up := packaging.Boot(), packaging.Up
	if boot == "" || up() == 0 { // the system does not tell: then this process is all that is known
		start := time.Now()
		boot, up = rand.Text(), func() time.Duration { return time.Since(start) }
	}
	return func() clock.Moment {
		return clock.Moment{Boot: boot, Up: up(), Wall: time.Now(), Quality: clockQuality()}
	}
}

// clockQuality is that of this machine's clock in the words of a reading.
func clockQuality() collector.Clock {
	synchronised, known := packaging.ClockSynchronised()
	switch {
	case !known:
		return collector.ClockUnknown
	case synchronised:
		return collector.ClockSynchronised
	}
	return collector.ClockUnsynchronised
}

// builtAt is the time before which no clock is right: a day before this program was
// made, since the clock of whoever made it may be ahead, too. It is zero in a build by hand.
func builtAt() time.Time {
	seconds, err := strconv.ParseInt(built, 10, 64)
	if err != nil || seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).Add(-24 * time.Hour).UTC()
}
