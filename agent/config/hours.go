package config

import (
	"fmt"
	"time"

	"meteragent/agent/text"
)

// Hours are a part of each day, by the clock on the wall, such as "22:00-06:00". The
// zero value is no part of the day.
type Hours struct {
	From, To int // minutes after midnight; To is not part of it
}

// Contains says whether the clock on the wall, in the zone of t, shows these hours at t.
// When the clock is put back, an hour that is shown twice is twice within.
func (h Hours) Contains(t time.Time) bool {
	now := t.Hour()*60 + t.Minute()
	if h.From <= h.To {
		return h.From <= now && now < h.To
	}
	return now >= h.From || now < h.To
}

// End is when the hours that contain a time are over, to the minute. If a time is not
// within, it is that time.
func (h Hours) End(t time.Time) time.Time {
	// Minute by minute, since a day with a change of the clock has 23 hours or 25, and
	// the end itself may be missing on it.
	end := t
	for h.Contains(end) {
		end = end.Truncate(time.Minute).Add(time.Minute)
	}
	return end
}

// String is the form in the file, "" for no part of the day.
func (h Hours) String() string {
	if h == (Hours{}) {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// parseHours reads what String writes.
func parseHours(s string) (h Hours, ok bool) {
	if s == "" {
		return Hours{}, true
	}
	const form = "15:04-15:04"
	if len(s) != len(form) || s[5] != '-' {
		return Hours{}, false
	}
	from, err := time.Parse("15:04", s[:5])
	to, err2 := time.Parse("15:04", s[6:])
	h = Hours{From: from.Hour()*60 + from.Minute(), To: to.Hour()*60 + to.Minute()}
	return h, err == nil && err2 == nil && h.From != h.To
}

// hours reads a part of the day.
func (s section) hours(name string, to *Hours) *node {
	value := to.String()
	n := s.text(name, &value)
	if n == nil {
		return nil
	}
	hours, ok := parseHours(value)
	if !ok {
		s.add(n, Problem{Reason: text.Key("config.hours")})
		return nil
	}
	*to = hours
	return n
}
