package cli

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/store"
)

// A damaged database is mended when it is opened, and a new one is made. Where that fails,
// mostly since the disk is full, ending would make the service manager start the program every
// few seconds, and each start may read the whole file. So the program stays, says what is
// wrong, and tries again. Meanwhile no copier is read: without its database the agent does not
// know what it has ordered. A service also waits for what somebody must mend, such as a file
// that belongs to another account; a person at a terminal is told, and has the prompt back.

// How long it waits between two tries: it doubles, up to mendMost where each try reads a
// damaged file, and up to roomMost where it does not.
const (
	mendLeast = 15 * time.Second
	mendMost  = 15 * time.Minute
	roomMost  = time.Minute
)

// passes reports whether an error of opening may go away while the program waits.
func (d *daemon) passes(err error) bool {
	if errors.Is(err, store.ErrDamaged) || agent.Disk(err) != nil {
		return true
	}
	return !d.watched && (errors.Is(err, store.ErrInUse) || errors.Is(err, store.ErrNewer) || errors.Is(err, fs.ErrPermission))
}

// open opens the database, and makes what else an agent has in its folder.
func (d *daemon) open() (*store.Store, error) {
	s, err := openStore(d.cfg)
	if err != nil {
		return nil, err
	}
	if d.id, err = agent.LoadID(d.cfg.Store.Folder); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openStore opens the daemon's database, and mends it if it is damaged.
func openStore(cfg config.Config) (*store.Store, error) {
	o := storeOptions(cfg)
	o.Salvage = true
	s, err := store.Open(databasePath(cfg.Store.Folder), o)
	return s, databaseFailure(err)
}

// awaitStore opens the database; if it cannot be mended or made, as soon as it can. The
// result is nil if ctx ended before.
func (d *daemon) awaitStore(ctx context.Context, ready func()) (s *store.Store, err error) {
	s, err = d.open()
	if !d.passes(err) {
		return s, err
	}
	ready() // it waits on purpose; a start that takes too long would be ended
	what := "the database cannot be made or opened; no copier is read until it can"
	if errors.Is(err, store.ErrDamaged) {
		what = "the database is damaged and cannot be mended; no copier is read until it is"
	}
	d.log.Error(what, "err", err, "hint", text.For("").Say(agent.Hint(err)))
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
		d.log.Info("the database is open")
	}
	return s, err
}

// tryStore tries to open the database until that succeeds, waiting is of no use, or ctx ends.
func (d *daemon) tryStore(ctx context.Context) (*store.Store, error) {
	for pause := mendLeast; ; {
		if wait(ctx, pause); ctx.Err() != nil {
			return nil, nil
		}
		s, err := d.open()
		if !d.passes(err) {
			return s, err
		}
		most := roomMost
		if errors.Is(err, store.ErrDamaged) {
			most = mendMost
		}
		pause = min(2*pause, most)
	}
}

// brokenFacts are what the page says while there is no database.
func (d *daemon) brokenFacts(since time.Time, err error) page.Facts {
	problem := text.Key("problem.nodatabase")
	if errors.Is(err, store.ErrDamaged) {
		problem = text.Key("problem.broken")
	}
	status := page.Status{
		Version: version, Customer: d.cfg.Customer, Site: d.cfg.Site, Running: true, Started: since,
		Database: databasePath(d.cfg.Store.Folder), Devices: []page.Device{}, Orders: []page.Order{},
	}
	return page.Facts{
		Status: func(lang string) (page.Status, error) {
			now := status
			words := text.For(lang)
			now.Now = time.Now().UTC()
			now.Problems = []string{agent.Advised(words, words.Say(problem, "time", since, "error", err), err)}
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
