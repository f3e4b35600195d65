// Package packaging is how the program lives on a machine: as a systemd or Windows service or in a terminal, where its files
// lie, how it is installed, and whether the machine's clock can be trusted.
//
// It knows nothing of copiers, readings, portals or the configuration file's content: it is given a program to run and a path
// to pass on. The files beside it (unit, package scripts, texts) are what the packages ship; the unit is also embedded, so
// that an installation by hand and an installation by package are the same service.
package packaging

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Name is the name of the service, of its user, of its folders and of its source in the Windows event log.
const Name = "meteragent"

// What Host returns of a program that hangs. The process should end at once, so that whoever started it starts it again.
var (
	ErrStuck = errors.New("still running after it was told to stop")
	ErrHung  = errors.New("no progress any more")
)

// Program is what a service manager, or a person at a terminal, starts and stops.
type Program struct {
	// Run does the work until ctx ends and returns nil after an orderly end. It calls ready once it is at work; until then
	// a service manager shows the service as starting. Everything slow belongs into Run, nothing slow before Host.
	Run func(ctx context.Context, ready func()) error
	// Alive says whether the program still makes progress. It is asked twice in each watchdog period, must answer at
	// once, and may be called at any time while Run runs. Nil means always.
	Alive func() bool
	// StopWithin is how long Run may take to return after ctx ended; 0 means 10 s.
	StopWithin time.Duration
	// Service says that the Windows service manager started the process. Install puts `--service` on the command line,
	// because guessing it from the session is wrong on some systems. It means nothing elsewhere.
	Service bool
}

func (p Program) stopWithin() time.Duration {
	if p.StopWithin == 0 {
		return 10 * time.Second
	}
	return p.StopWithin
}

// stage is how far the program has come, as service managers see it.
type stage int

const (
	preparing stage = iota // and takes its time
	running
	stopping
)

// manager is who started the program and wants to know how it is.
type manager struct {
	stop  <-chan struct{}   // closed when the program shall end
	tell  func(stage) error // reports a stage, in their order; preparing with each beat until the next, the others once
	beat  time.Duration     // between two signs of life; 0 means that nobody watches
	alive func() error      // gives a sign of life; nil: nobody waits for one, so serve gives up a program that hangs
}

// Where no service manager watches, serve looks twice a minute, and gives up the second time that nothing has moved: the first
// may be a machine that has just woken up.
const (
	ownBeat = 30 * time.Second
	missed  = 2
)

// longestStart is how long a start may take until nobody is asked to wait any more: a large database is mended within it, also
// on a slow memory card, which would otherwise be begun anew again and again.
const longestStart = time.Hour

// serve runs p from start to end. It is the one life cycle for systemd, the Windows service manager and a terminal. A report
// that does not get through is returned at the end, since the program's work matters more than who hears of it.
func serve(p Program, m manager) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := make(chan struct{})
	ended := make(chan error, 1)
	go func() { // ends with Run; serve waits for it below, or gives up after StopWithin
		ended <- p.Run(ctx, func() {
			select {
			case ready <- struct{}{}:
			case <-ctx.Done():
			}
		})
	}()
	var beat, late <-chan time.Time
	if m.beat > 0 {
		ticker := time.NewTicker(m.beat)
		defer ticker.Stop()
		beat = ticker.C
	}
	var untold error // the first report that did not get through
	note := func(err error) {
		if untold == nil {
			untold = err
		}
	}
	told, still, began := false, 0, time.Now()
	for {
		select {
		case err := <-ended:
			return errors.Join(err, untold)
		case <-ready:
			if !told {
				told = true
				note(m.tell(running))
			}
		case <-beat:
			switch {
			case p.Alive == nil || p.Alive():
				still = 0
				if m.alive != nil {
					note(m.alive())
				}
				if !told && time.Since(began) < longestStart {
					note(m.tell(preparing))
				}
			case m.alive == nil:
				if still++; still == missed {
					return errors.Join(ErrHung, untold)
				}
			}
		case <-m.stop:
			m.stop, told = nil, true
			note(m.tell(stopping))
			cancel()
			late = time.After(p.stopWithin())
		case <-late:
			return errors.Join(fmt.Errorf("%w %s ago", ErrStuck, p.stopWithin()), untold)
		}
	}
}

// interrupted gives a channel that closes at the first SIGINT or SIGTERM (Ctrl-C on Windows). From then on signals have their
// usual effect again, so that a second one ends the process at once.
func interrupted() (stop <-chan struct{}, release func()) {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	return ctx.Done(), release
}
