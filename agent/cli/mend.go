package cli

import (
	"context"
	"errors"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/store"
)

// A damaged database is mended when it is opened. Where that fails, mostly since the disk is
// full, ending would make the service manager start the program every few seconds, and each
// start reads the whole file. So the program stays, says what is wrong, and tries again.
// Meanwhile no copier is read: without its database the agent does not know what it has
// ordered.

// How long it waits between two tries: it doubles.
const (
	mendLeast = 15 * time.Second
	mendMost  = 15 * time.Minute
)

// openStore opens the daemon's database, and mends it if it is damaged.
func openStore(cfg config.Config) (*store.Store, error) {
	o := storeOptions(cfg)
	o.Salvage = true
	s, err := store.Open(databasePath(cfg.Store.Folder), o)
	return s, databaseFailure(err)
}

// awaitStore opens the database; if it is damaged and cannot be mended, as soon as it can.
// The result is nil if ctx ended before.
func (d *daemon) awaitStore(ctx context.Context, ready func()) (s *store.Store, err error) {
	s, err = openStore(d.cfg)
	if !errors.Is(err, store.ErrDamaged) {
		return s, err
	}
	ready() // it waits on purpose; a start that takes too long would be ended
	d.log.Error("the database is damaged and cannot be mended; no copier is read until it is", "err", err, "hint", text.For("").Say(agent.Hint(err)))
	facts := d.brokenFacts(time.Now().UTC(), err)
	err = agent.Together(ctx,
		func(ctx context.Context) (err error) {
			s, err = d.tryStore(ctx)
			return err
		},
		func(ctx context.Context) error {
			d.keepPage(ctx, facts)
			<-ctx.Done()
			return nil
		})
	if s != nil {
		d.log.Info("the database is mended")
	}
	return s, err
}

// tryStore tries to open the database until it is not damaged any more, or ctx ends.
func (d *daemon) tryStore(ctx context.Context) (*store.Store, error) {
	for pause := mendLeast; ; pause = min(2*pause, mendMost) {
		if wait(ctx, pause); ctx.Err() != nil {
			return nil, nil
		}
		if s, err := openStore(d.cfg); !errors.Is(err, store.ErrDamaged) {
			return s, err
		}
	}
}

// brokenFacts are what the page says while the database cannot be mended.
func (d *daemon) brokenFacts(since time.Time, err error) page.Facts {
	status := page.Status{
		Version: version, Customer: d.cfg.Customer, Site: d.cfg.Site, Running: true, Started: since,
		Database: databasePath(d.cfg.Store.Folder), Devices: []page.Device{}, Orders: []page.Order{},
		Problems: []string{text.For("").Say("problem.broken", "time", since, "error", err)},
	}
	return page.Facts{
		Status: func() (page.Status, error) {
			now := status
			now.Now = time.Now().UTC()
			return now, nil
		},
		Readings: func(string) ([]page.Entry, error) { return nil, err },
		Recent:   func(string) ([]page.Entry, error) { return nil, err },
		Orders:   func() ([]page.Order, error) { return nil, err },
		Rejected: func() ([]page.Rejected, error) { return nil, err },
		Outgoing: func() ([]page.Message, error) { return nil, err },
		Log:      d.noAnswer,
	}
}
