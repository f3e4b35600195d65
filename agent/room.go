package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"meteragent/store"
)

// Making room: when the portal is away for long, readings between the last ones of
// two days are dropped. Those last ones, orders and events never are.

const (
	roomEvery = time.Minute
	goneEvery = 24 * time.Hour
	roomStep  = 1000 // records looked at in one transaction, so that readings are not held up
)

// A GapEvent is the body of a gap record: what the agent has dropped unsent.
type GapEvent struct {
	Reason  string    `json:"reason"`  // "quota" or "age": of store.max_bytes or store.max_age; "memory": the disk could not be written for long
	Records int       `json:"records"` // readings
	From    time.Time `json:"from"`    // time of the first
	To      time.Time `json:"to"`      // and of the last
}

// dropped is how many records were ever dropped, as the database keeps it.
type dropped struct {
	Records int       `json:"records"`
	Last    time.Time `json:"last"` // time of the newest
	At      time.Time `json:"at"`   // when that was
}

// droppedShown is how long people are told of what was dropped.
const droppedShown = 30 * 24 * time.Hour

// room keeps the database within its limits.
type room struct {
	agent   *Agent
	thinner *store.Thinner
	tight   bool      // nothing is left that may be dropped
	forgot  time.Time // when devices that are gone were looked for last
}

func newRoom(a *Agent) *room {
	return &room{agent: a, thinner: a.store.NewThinner(group)}
}

// group says which readings stand for one another: those of one device and day that tell as much.
// So the last full reading of a day stays beside a later one of the supplies, or one that the device
// broke off. Where the clock is wrong, several days may have one date: each has an era of its own.
func group(r store.Record) string {
	if r.Kind != kindReading {
		return ""
	}
	var body struct {
		Meters, Inputs []json.RawMessage
		Missing        []string
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return ""
	}
	return fmt.Sprint(r.Subject, "|", r.At.UTC().Format(time.DateOnly), "|", len(body.Meters), len(body.Inputs) > 0, body.Missing, r.Era)
}

// roomOf is how many bytes of the database may be in use: as the configuration says, but well
// below what its file may have where address space is short.
func roomOf(maxBytes int64, s *store.Store) int64 {
	if most := s.Most() / 8 * 7; most > 0 {
		return min(maxBytes, most)
	}
	return maxBytes
}

// keepRoom makes room until ctx ends.
func (a *Agent) keepRoom(ctx context.Context) {
	r := newRoom(a)
	ticker := time.NewTicker(roomEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now, _, _ := a.time.now()
			if err := r.make(ctx, now); err != nil {
				a.log.Error("no room was made in the database", "err", err)
			}
		}
	}
}

// make drops what is too old, and what is too much.
func (r *room) make(ctx context.Context, now time.Time) error {
	if _, err := r.agent.store.Shorten(); err != nil {
		r.agent.log.Error("the database was not made short", "err", err) // it goes on being used
	}
	cfg := r.agent.cfg.Store
	if r.agent.time.settled() {
		if err := r.thin(ctx, "age", now.Add(-cfg.MaxAge), 0); err != nil {
			return err
		}
		if time.Since(r.forgot) >= goneEvery {
			r.forgot = time.Now()
			if err := cmp.Or(r.agent.forgetGone(now), r.agent.redateLate(now)); err != nil {
				return err
			}
		}
	}
	limit := roomOf(cfg.MaxBytes, r.agent.store)
	u, err := r.agent.store.Usage()
	if err != nil || u.Used <= limit {
		r.tight = r.tight && err != nil
		return err
	}
	// The last reading of a day that is over is known; the one of today is not yet. Some may be of
	// days that have not come, since the clock was ahead; nothing behind them would ever be looked at.
	enough := limit / 8 * 7
	for _, until := range []time.Time{now.UTC().Truncate(24 * time.Hour), endOfTime()} {
		if err := r.thin(ctx, "quota", until, enough); err != nil {
			return err
		}
	}
	if u, err = r.agent.store.Usage(); err != nil {
		return err
	}
	if tight := u.Used > limit; tight != r.tight {
		r.tight = tight
		if tight {
			r.agent.log.Error("the database is over its limit, and holds only what must not be dropped", "bytes", u.Used, "limit", limit)
		}
	}
	return nil
}

// endOfTime is after every reading.
func endOfTime() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// thin drops superfluous readings older than until, while more than enough bytes are
// in use.
func (r *room) thin(ctx context.Context, reason string, until time.Time, enough int64) error {
	var all store.Thinned
	for more := true; more && ctx.Err() == nil; {
		u, err := r.agent.store.Usage()
		if err != nil {
			return err
		}
		if u.Used <= enough {
			break
		}
		done, err := r.thinner.Step(until, roomStep, func(tx *store.Tx, d store.Thinned) error {
			return r.agent.noteGap(tx, reason, d)
		})
		if err != nil {
			return err
		}
		all.Records, all.Last, more = all.Records+done.Records, done.Last, done.More
	}
	if all.Records > 0 {
		r.agent.log.Warn("readings between the last ones of each day were dropped unsent",
			"reason", reason, "count", all.Records, "until", all.Last)
		r.agent.kick()
	}
	return nil
}

// noteGap counts what is dropped and tells the portal, in the same transaction.
func (a *Agent) noteGap(tx *store.Tx, reason string, d store.Thinned) error {
	sum, _ := recall[dropped](tx, a.log, toldOf, "dropped")
	now, _, era := a.time.now()
	sum.Records, sum.Last, sum.At = sum.Records+d.Records, d.Last, now
	if err := tx.Put(toldOf, "dropped", sum); err != nil {
		return err
	}
	gap := GapEvent{Reason: reason, Records: d.Records, From: d.First.UTC(), To: d.Last.UTC()}
	return appendRecord(tx, store.Record{Lane: store.Bulk, Kind: kindGap, At: now, Era: era}, gap)
}
