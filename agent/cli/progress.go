package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"meteragent/collector"
)

// A progress is a bar on the error terminal while a sweep runs. Where there is no
// terminal it says nothing.
type progress struct {
	out   io.Writer // nil: silent
	app   *app
	start time.Time
	shown time.Time
}

func (a *app) progress(s collector.Sweep) *progress {
	p := &progress{app: a, start: time.Now()}
	if f, ok := a.err.(*os.File); ok && isTerminal(f) {
		p.out = f
		fmt.Fprintln(p.out, a.say.Say("discover.start", "count", len(s.Targets), "time", s.Longest().Round(100*time.Millisecond)))
	}
	return p
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// at draws the bar, at most ten times a second.
func (p *progress) at(how collector.Progress) {
	now, done, total := time.Now(), how.Asked, how.Of
	if p.out == nil || total == 0 || now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	percent := float64(done) / float64(total) * 100
	spent := now.Sub(p.start)
	left := time.Duration(float64(spent) * float64(total-done) / max(1, float64(done))).Round(time.Second)
	fmt.Fprintf(p.out, "\r[%s] %3.0f %%  %d/%d  %.0f/s  %s \x1b[K", gauge(percent, 30), percent,
		done, total, float64(done)/spent.Seconds(), p.app.say.Duration(left))
}

// end removes the bar.
func (p *progress) end() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
