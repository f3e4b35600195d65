package agent

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"meteragent/agent/clock"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// Times on machines whose clock starts wrong. While the clock is known to be wrong, the
// time goes on from where it was last known, and what is read then says so. When the
// clock has been set, records that have not been sent are corrected on their way out; in
// the database they stay as they were written.

const (
	timeEvery   = time.Minute         // how often the clocks are looked at, besides at each reading
	aheadUntold = 30 * 24 * time.Hour // after which days that have not come yet are not believed, though nobody says which time is right
)

// A timekeeper knows what time it is. It is safe for concurrent use.
type timekeeper struct {
	agent  *Agent
	moment func() clock.Moment
	built  time.Time

	mu    sync.Mutex // of what follows
	book  clock.Book
	set   *clock.Setting // a jump that has not been told yet
	right bool           // something keeps the clock synchronised after it, and did not before
	saved clock.Book     // what the database has
}

func newTimekeeper(a *Agent, moment func() clock.Moment, built time.Time) *timekeeper {
	if moment == nil {
		moment = plainClock()
	}
	return &timekeeper{agent: a, moment: moment, built: built}
}

// plainClock believes the clock, as tests and other systems do.
func plainClock() func() clock.Moment {
	boot, start := rand.Text(), time.Now()
	return func() clock.Moment {
		return clock.Moment{Boot: boot, Up: time.Since(start), Wall: time.Now(), Quality: collector.ClockUnknown}
	}
}

// now is the time as the agent believes it, how good it is, and its era.
func (k *timekeeper) now() (now time.Time, quality collector.Clock, era uint64) {
	m := k.moment()
	k.mu.Lock()
	defer k.mu.Unlock()
	book, set := k.book.See(m, k.agent.store.Stream(), k.built)
	if set != nil {
		k.set = set
		k.right = book.Quality() == collector.ClockSynchronised && k.book.Quality() != collector.ClockSynchronised
	}
	k.book = book
	return book.Now(m), book.Quality(), book.Era()
}

// save writes the book, if it is not in the database as it is, and returns what is to be
// done after the commit. It comes before the records that name an era of it.
func (k *timekeeper) save(tx *store.Tx) (committed func(), err error) {
	k.mu.Lock()
	book := k.book
	known := k.saved.Era() == book.Era() && k.saved.Seen.Equal(book.Seen)
	k.mu.Unlock()
	if known {
		return func() {}, nil
	}
	if err := tx.Put(toldOf, "clock", book); err != nil {
		return nil, err
	}
	return func() {
		k.mu.Lock()
		k.saved = book
		k.mu.Unlock()
		k.agent.store.SetEra(book.Era())
	}, nil
}

// begin goes on with what the database knows of the clock.
func (k *timekeeper) begin() error {
	err := k.agent.store.View(func(tx *store.Tx) error {
		k.book, _ = recall[clock.Book](tx, k.agent.log, toldOf, "clock")
		k.saved = k.book
		return k.agent.eachDevice(tx, func(d Device) error {
			// The book knows the time to the hour, a device's last reading knows more.
			if d.LastRead.After(k.book.Seen) && d.LastRead.Sub(k.book.Seen) <= 2*time.Hour {
				k.book.Seen = d.LastRead
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("what is known of the clock: %w", err)
	}
	if err := k.agent.despiteDisk(k.look()); err != nil {
		return err
	}
	k.agent.store.SetEra(k.saved.Era())
	return nil
}

// run looks at the clocks until ctx ends.
func (k *timekeeper) run(ctx context.Context) {
	ticker := time.NewTicker(timeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := k.look(); err != nil {
				k.agent.log.Error("what the clock says was not noted", "err", err)
			}
		}
	}
}

// look notes what the clocks say, and tells of a jump.
func (k *timekeeper) look() error {
	now, quality, _ := k.now()
	k.mu.Lock()
	set, right := k.set, k.right
	changed := k.saved.Era() != k.book.Era() // the hour is noted with the next reading: flash memory wears
	k.mu.Unlock()
	if !changed && set == nil {
		return nil
	}
	committed := func() {}
	err := k.agent.store.Update(func(tx *store.Tx) (err error) {
		if committed, err = k.save(tx); err != nil || set == nil {
			return err
		}
		return setBack(tx, *set, right, now)
	})
	if err != nil {
		return err
	}
	committed()
	if quality == collector.ClockEstimated {
		k.agent.log.Warn("the clock is wrong; the time goes on from where it was last known", "time", now)
	}
	if set == nil {
		return nil
	}
	k.agent.log.Warn("the clock was set", "from", set.From, "to", set.To)
	if err := k.agent.sayMore(store.Bulk, AgentEvent{Event: "clock", Set: set}, func(*store.Tx) error { return nil }); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == set {
		k.set = nil
	}
	return nil
}

// settled reports whether the time is believed and was not set lately, so that a day in
// the future costs nothing.
func (k *timekeeper) settled() bool {
	m := k.moment()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.book.Quality() != collector.ClockEstimated && k.book.Since(m) >= time.Hour
}

// setBack looks after the days of the history that have not come yet, now that the clock is set back: it
// was ahead. But if nobody says which time is right, it may be behind now, and those days wait.
func setBack(tx *store.Tx, set clock.Setting, right bool, now time.Time) error {
	switch {
	case set.To.After(set.From):
		return nil
	case right:
		return redate(tx, now)
	}
	return tx.Put(toldOf, "ahead", now)
}

// redateLate takes away the days that have not come yet when the clock has been set back for so long
// that it is right, most likely.
func (a *Agent) redateLate(now time.Time) error {
	var since time.Time
	err := a.store.View(func(tx *store.Tx) error {
		since, _ = recall[time.Time](tx, a.log, toldOf, "ahead")
		return nil
	})
	if err != nil || since.IsZero() || now.Sub(since) < aheadUntold {
		return err
	}
	return a.store.Update(func(tx *store.Tx) error { return redate(tx, now) })
}

// redate takes away the days of the history that have not come yet.
func redate(tx *store.Tx, now time.Time) error {
	return cmp.Or(redateDays(tx, daily, now), redateDays(tx, recents, now), tx.Delete(toldOf, "ahead"))
}

func redateDays(tx *store.Tx, bucket string, now time.Time) error {
	var future []string
	err := tx.Each(bucket, "", func(key string, _ []byte) error {
		if len(key) > len(time.DateOnly) && key[len(key)-len(time.DateOnly):] > now.UTC().Format(time.DateOnly) {
			future = append(future, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range future {
		if err := tx.Delete(bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// message is a record as it leaves: with its time put right, if that can be done by now.
func (k *timekeeper) message(r store.Record) transport.Message {
	m := transport.Message{
		Stream: r.Stream, Lane: r.Lane, Seq: r.Seq, Kind: r.Kind, Subject: r.Subject, At: r.At, Body: r.Body,
	}
	k.mu.Lock()
	by := k.book.Correct(r.Stream, r.Era)
	k.mu.Unlock()
	if by == 0 {
		return m
	}
	if body, err := corrected(r.Body, by); err == nil { // otherwise the record goes as it is: better than never
		m.At, m.Body = r.At.Add(by), body
	}
	return m
}

// corrected is a body whose own times are put right, with a word that they were.
func corrected(body []byte, by time.Duration) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	put := func(name string, v any) (err error) {
		members[name], err = json.Marshal(v)
		return err
	}
	for _, name := range []string{"takenAt", "at", "decidedAt"} {
		text, there := members[name]
		if !there {
			continue
		}
		var at time.Time
		if err := json.Unmarshal(text, &at); err != nil {
			return nil, err
		}
		if err := put(name, at.Add(by)); err != nil {
			return nil, err
		}
	}
	if _, there := members["clock"]; there {
		if err := put("clock", collector.ClockCorrected); err != nil {
			return nil, err
		}
	}
	if err := put("clockCorrection", by.Seconds()); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}
