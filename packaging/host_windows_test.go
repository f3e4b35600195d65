package packaging

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// scm is the service manager at the other end of a handler.
type scm struct {
	requests chan svc.ChangeRequest
	changes  chan svc.Status
	ended    chan uint32 // the service's exit code
}

func dispatch(p Program) (*scm, *handler) {
	s := &scm{make(chan svc.ChangeRequest), make(chan svc.Status, 10), make(chan uint32, 1)}
	h := &handler{program: p}
	go func() {
		_, code := h.Execute(nil, s.requests, s.changes)
		s.ended <- code
	}()
	return s, h
}

func (s *scm) next(t *testing.T) svc.Status {
	t.Helper()
	select {
	case got := <-s.changes:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("the service manager hears nothing")
		return svc.Status{}
	}
}

// The service manager hears "starting" before any work begins, "running" only when the program is ready, and "stopping",
// with a hint how long, before the program is told to end. Stop and shutdown do the same.
func TestHandler(t *testing.T) {
	for _, command := range []svc.Cmd{svc.Stop, svc.Shutdown} {
		begin, ready := make(chan struct{}), make(chan struct{})
		s, _ := dispatch(Program{Run: func(ctx context.Context, isReady func()) error {
			<-begin
			isReady()
			close(ready)
			<-ctx.Done()
			return nil
		}})
		if got := s.next(t); got.State != svc.StartPending || got.Accepts != 0 || got.WaitHint == 0 {
			t.Fatalf("first came %+v, want start pending", got)
		}
		close(begin)
		if got := s.next(t); got.State != svc.Running || got.Accepts != svc.AcceptStop|svc.AcceptShutdown {
			t.Fatalf("then %+v, want running, with stop and shutdown", got)
		}
		<-ready
		s.requests <- svc.ChangeRequest{Cmd: svc.Interrogate, CurrentStatus: svc.Status{State: svc.Running, CheckPoint: 7}}
		if got := s.next(t); got.CheckPoint != 7 {
			t.Errorf("the question was answered with %+v", got)
		}
		s.requests <- svc.ChangeRequest{Cmd: command}
		if got := s.next(t); got.State != svc.StopPending || got.WaitHint < 10_000 {
			t.Fatalf("then %+v, want stop pending for at least 10 s", got)
		}
		if code := <-s.ended; code != 0 {
			t.Errorf("the exit code is %d", code)
		}
	}
}

// A program that ends with an error leaves an exit code, without which Windows would not restart it.
func TestHandlerError(t *testing.T) {
	broken := errors.New("the database is damaged")
	s, h := dispatch(Program{Run: func(context.Context, func()) error { return broken }})
	if code := <-s.ended; code == 0 {
		t.Error("the exit code says that all is well")
	}
	if !errors.Is(h.err, broken) {
		t.Errorf("the event log would get %v", h.err)
	}
}

// What Install asks of Windows: three restarts, also after an end with an error, and a start that waits for the others.
func TestRecovery(t *testing.T) {
	var waits []time.Duration
	for _, a := range recovery() {
		if a.Type != mgr.ServiceRestart {
			t.Errorf("%+v is no restart", a)
		}
		waits = append(waits, a.Delay)
	}
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 30 * time.Second, time.Minute}, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// Windows takes the rights of folderRights. (Wine keeps only what a Unix mode can say, so that they cannot be compared there.)
func TestProtect(t *testing.T) {
	dir, err := os.MkdirTemp("", "protect") // not TempDir: below Wine it could not be removed
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, writable := range []bool{false, true} {
		if err := protect(filepath.Join(dir, "data"), folderRights(writable)); err != nil {
			t.Fatal(err)
		}
	}
	if err := protect(filepath.Join(dir, "data"), "D:P(nonsense)"); err == nil {
		t.Error("nonsense was accepted as rights")
	}
}
