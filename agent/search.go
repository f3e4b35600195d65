package agent

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"time"

	"meteragent/collector"
	"meteragent/store"
)

// discoverForEver sweeps at the start, then every discovery.every, and earlier if a
// known device has gone silent: it may answer at another address, where its serial
// number will tell that it has moved. A sweep that a restart has interrupted goes on
// where it was.
func (a *Agent) discoverForEver(ctx context.Context) {
	mark := a.searched()
	a.waitForSearch(ctx)
	for ctx.Err() == nil {
		if err := a.discoverOnce(ctx, mark, a.hand(ctx)); err != nil && ctx.Err() == nil {
			a.log.Warn("the search for new devices did not finish", "err", err)
		}
		a.restFromSearch(ctx)
		a.waitForSearch(ctx)
		mark = searchMark{}
	}
}

// hand gives what was found to the schedule. What finding a known device has cost is
// counted for it.
func (a *Agent) hand(ctx context.Context) func(collector.Find) {
	return func(f collector.Find) {
		a.tally.add(a.health.deviceAt((&target{address: f.Address, port: f.Port}).host()), time.Now(), f.Traffic)
		select {
		case a.found <- f:
		case <-ctx.Done():
		}
	}
}

// askedInVain counts for a known device what it was asked in a search without an answer.
func (a *Agent) askedInVain(to netip.AddrPort, spent collector.Traffic) {
	a.tally.add(a.health.deviceAt(to.String()), time.Now(), spent)
}

// waitForSearch returns when no network is in its quiet hours, and none will be before
// the search is over.
func (a *Agent) waitForSearch(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		end := a.quietUntil(now)
		if !end.After(now) {
			return
		}
		timer := time.NewTimer(end.Sub(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// quietUntil is when the quiet hours are over that a search begun at now would meet;
// now if it would meet none.
func (a *Agent) quietUntil(now time.Time) time.Time {
	var long time.Duration
	sweeps, err := Sweeps(a.cfg)
	if err != nil {
		return now // the search itself says so
	}
	for _, s := range sweeps {
		long += s.Longest()
	}
	for _, n := range a.cfg.Networks {
		quiet := a.cfg.QuietOf(n)
		for at := now; !at.After(now.Add(long)); at = at.Add(time.Minute) {
			if quiet.Contains(at) {
				return quiet.End(at)
			}
		}
	}
	return now
}

// searchRest is between two searches at least, however many devices go silent: at
// night all of them do.
const searchRest = time.Hour

// restFromSearch returns when the next search is due. Every hour it counts for how long
// devices have been silent, and asks around for new ones.
func (a *Agent) restFromSearch(ctx context.Context) {
	regular, hour := time.NewTimer(a.cfg.Discovery.Every), time.NewTicker(searchRest)
	defer regular.Stop()
	defer hour.Stop()
	var lost <-chan struct{} // nil, which blocks, in the first hour
	for {
		select {
		case <-ctx.Done():
			return
		case <-regular.C:
			return
		case <-lost:
			return
		case <-hour.C:
			lost = a.lost
			sought, err := a.countSilence(searchRest)
			if err != nil {
				a.log.Error("the silence of devices was not stored", "err", err)
			}
			if sought {
				return
			}
			if now := time.Now(); !a.quietUntil(now).After(now) {
				a.askAround(ctx, a.hand(ctx))
			}
		}
	}
}

// A searchMark is how far a search has come.
type searchMark struct {
	Of      uint64         `json:"of"`      // what is searched, as a hash; 0 is no mark
	Network int            `json:"network"` // the sweep under way
	Through netip.AddrPort `json:"through"` // its targets up to this one have been asked
	At      time.Time      `json:"at"`
}

// markEvery is between two marks: what a restart searches once more.
const markEvery = 30 * time.Second

// discoverOnce sweeps every configured range, behind the mark if there is one, and
// hands over the printers.
func (a *Agent) discoverOnce(ctx context.Context, mark searchMark, found func(collector.Find)) error {
	sweeps, err := Sweeps(a.cfg)
	if err != nil {
		return err
	}
	if of := hashOf(sweeps); mark.Of != of {
		mark = searchMark{Of: of}
	}
	var marked time.Time // by this machine's clock
	for i, s := range sweeps {
		if i < mark.Network {
			continue
		}
		if mark.Through.IsValid() {
			s.Targets = slices.DeleteFunc(s.Targets, func(to netip.AddrPort) bool { return to.Compare(mark.Through) <= 0 })
		}
		s.Progress = func(p collector.Progress) {
			if p.Through.IsValid() && time.Since(marked) > markEvery {
				a.markSearch(searchMark{Of: mark.Of, Network: i, Through: p.Through}, &marked)
			}
		}
		s.Silent = a.askedInVain
		err := a.copiers.Discover(ctx, s, func(f collector.Find) {
			if f.Printer {
				found(f)
			}
		})
		if err != nil {
			return err
		}
		mark.Network, mark.Through = i+1, netip.AddrPort{}
	}
	a.markSearch(searchMark{}, &marked)
	return nil
}

// markSearch stores how far the search has come. If it cannot, a restart will search
// more than it must.
func (a *Agent) markSearch(mark searchMark, at *time.Time) {
	*at = time.Now()
	mark.At, _, _ = a.time.now()
	if err := a.store.Update(func(tx *store.Tx) error { return tx.Put(search, "mark", mark) }); err != nil {
		a.log.Warn("how far the search has come was not stored", "err", err)
	}
}

// searched is how far the search had come that a restart interrupted, if that is worth
// going on with.
func (a *Agent) searched() (mark searchMark) {
	now, _, _ := a.time.now()
	err := a.store.View(func(tx *store.Tx) error {
		_, err := tx.Get(search, "mark", &mark)
		return err
	})
	if err != nil || now.Sub(mark.At) > a.cfg.Discovery.Every || now.Before(mark.At) {
		return searchMark{}
	}
	if mark.Of != 0 {
		a.log.Info("the search for devices goes on where it was", "host", mark.Through)
	}
	return mark
}

// hashOf tells searches of different networks apart.
func hashOf(sweeps []collector.Sweep) uint64 {
	h := fnv.New64a()
	for _, s := range sweeps {
		for _, to := range s.Targets {
			address := to.Addr().As16()
			h.Write(binary.BigEndian.AppendUint16(address[:], to.Port())) // a hash's Write returns no error
		}
		fmt.Fprint(h, ";")
	}
	return max(h.Sum64(), 1)
}
