package packaging

import (
	"errors"
	"fmt"
	"time"

	"github.com/inconshreveable/mousetrap"
	"golang.org/x/sys/windows/svc"
)

// Host runs p until it ends by itself or is told to stop, and returns what Run returned. As a service it answers the service
// manager first, obeys stop and shutdown, and leaves with an exit code that makes the recovery actions apply after an error;
// that error is also in the event log. In a console it obeys Ctrl-C, and a second Ctrl-C ends the process at once.
func Host(p Program) error {
	if !p.Service {
		// A service made by hand (sc create) lacks the argument; the session gives it away on real Windows.
		found, err := svc.IsWindowsService()
		p.Service = err == nil && found
	}
	if !p.Service {
		stop, release := interrupted()
		defer release()
		return serve(p, manager{stop: stop, beat: ownBeat, tell: func(stage) error { return nil }})
	}
	h := &handler{program: p}
	if err := svc.Run(Name, h); err != nil {
		return fmt.Errorf("answer the service manager (was the program started by hand with --service?): %w", err)
	}
	if h.err != nil {
		return errors.Join(h.err, event(h.err))
	}
	return nil
}

// handler is what the service manager talks to. The library for installation has one too, but its loop ends only when it is
// told to, so a program that failed would be shown as running for ever.
type handler struct {
	program Program
	err     error // what Run returned; read after svc.Run returned
}

// Execute is called by the service manager's dispatcher and returns when the service has ended.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (specific bool, code uint32) {
	pending := svc.Status{State: svc.StartPending, WaitHint: milliseconds(2 * time.Minute)}
	changes <- pending
	stop := make(chan struct{})
	ended := make(chan error, 1)
	go func() { // ends with the program; Execute waits for it below
		ended <- serve(h.program, manager{stop: stop, beat: ownBeat, tell: func(s stage) error {
			switch s {
			case preparing:
				pending.CheckPoint++ // or it counts as hung
				changes <- pending
			case running:
				changes <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
			}
			return nil
		}})
	}()
	told := false
	for {
		select {
		case h.err = <-ended:
			if h.err != nil {
				return true, 1
			}
			return false, 0
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				changes <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				changes <- svc.Status{State: svc.StopPending, WaitHint: milliseconds(h.program.stopWithin() + 5*time.Second)}
				if !told {
					told = true
					close(stop)
				}
			}
		}
	}
}

func milliseconds(d time.Duration) uint32 { return uint32(d / time.Millisecond) }

// DoubleClicked says whether somebody started the program from the Explorer, where a window opens and closes again before its
// text can be read.
func DoubleClicked() bool { return mousetrap.StartedByExplorer() }
