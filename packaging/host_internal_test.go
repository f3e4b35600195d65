package packaging

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A program that does not stop is given up after StopWithin, and the manager was told before.
func TestServeStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		var told []stage
		m := manager{stop: stop, tell: func(s stage) error { told = append(told, s); return nil }}
		p := Program{Run: func(_ context.Context, ready func()) error {
			ready()
			close(stop)
			<-release
			return nil
		}}
		begin := time.Now()
		if err := serve(p, m); !errors.Is(err, ErrStuck) {
			t.Errorf("got %v, want ErrStuck", err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("gave up after %s, want 10s", took)
		}
		if diff := cmp.Diff([]stage{running, stopping}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A program that becomes ready while it is already told to stop is never shown as running, and saying ready twice is harmless.
func TestServeReady(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(stop chan struct{}) func(context.Context, func()) error
		want []stage
	}{
		{"too late", func(stop chan struct{}) func(context.Context, func()) error {
			return func(ctx context.Context, ready func()) error {
				close(stop)
				<-ctx.Done()
				ready()
				return nil
			}
		}, []stage{stopping}},
		{"twice", func(chan struct{}) func(context.Context, func()) error {
			return func(_ context.Context, ready func()) error {
				ready()
				ready()
				return nil
			}
		}, []stage{running}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stop := make(chan struct{})
			var told []stage
			err := serve(Program{Run: c.run(stop)}, manager{stop: stop, tell: func(s stage) error { told = append(told, s); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// A manager is asked to wait for a start that takes long, but not for ever.
func TestServeSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := map[stage]int{}
		m := manager{beat: ownBeat, tell: func(s stage) error { told[s]++; return nil }}
		err := serve(Program{Run: func(_ context.Context, ready func()) error {
			time.Sleep(2 * longestStart)
			ready()
			time.Sleep(time.Hour)
			return nil
		}}, m)
		if err != nil {
			t.Fatal(err)
		}
		if want := (map[stage]int{preparing: int(longestStart/ownBeat) - 1, running: 1}); !maps.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

// An hour without a sign of life from the program is an hour without one to the manager.
func TestServeAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beats := 0
		var hung atomic.Bool
		m := manager{
			tell:  func(stage) error { return nil },
			beat:  time.Minute,
			alive: func() error { beats++; return nil },
		}
		p := Program{Alive: func() bool { return !hung.Load() }, Run: func(context.Context, func()) error {
			time.Sleep(10*time.Minute + time.Second)
			hung.Store(true)
			time.Sleep(time.Hour)
			return nil
		}}
		if err := serve(p, m); err != nil {
			t.Fatal(err)
		}
		if beats != 10 {
			t.Errorf("%d signs of life, want the 10 of the first ten minutes", beats)
		}
	})
}

// Where no manager watches, a program that hangs is given up within two looks, and one that only slept is not.
func TestServeHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, looks := make(chan struct{}), 0
		defer close(release)
		m := manager{tell: func(stage) error { return nil }, beat: ownBeat}
		p := Program{
			Run:   func(context.Context, func()) error { <-release; return nil },
			Alive: func() bool { looks++; return looks <= 3 || looks == 5 }, // one miss, then hung
		}
		begin := time.Now()
		if err := serve(p, m); !errors.Is(err, ErrHung) {
			t.Errorf("got %v, want ErrHung", err)
		}
		if took := time.Since(begin); took != 7*ownBeat {
			t.Errorf("gave up after %s, want %s", took, 7*ownBeat)
		}
	})
}

func TestServiceSID(t *testing.T) {
	// The one that everybody knows, as `sc showsid TrustedInstaller` prints it.
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	if got := serviceSID("TrustedInstaller"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Nobody but the system, the administrators and the service itself is named, and the service writes its data only.
func TestFolderRights(t *testing.T) {
	const others = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	own := ";;;" + serviceSID(Name) + ")"
	for writable, want := range map[bool]string{
		false: others + "(A;OICI;FRFX" + own,
		true:  others + "(A;OICI;FRFWFXSD" + own,
	} {
		if got := folderRights(writable); got != want {
			t.Errorf("folderRights(%t) = %s, want %s", writable, got, want)
		}
	}
}
