package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"meteragent/agent/text"
	"meteragent/collector"
)

// A progress is a bar on the error terminal while sweeps run. Where there is no
// terminal it only says beforehand how long they may take.
type progress struct {
	out      io.Writer // nil: no bar
	app      *app
	start    time.Time
	shown    time.Time
	total    int // questions of all sweeps
	before   int // of the sweeps that are done
	of       int // questions of this sweep
	announce time.Duration
}

func (a *app) progress(sweeps []collector.Sweep) *progress {
	p := &progress{app: a, start: time.Now()}
	addresses, rate := 0, 0
	for _, s := range sweeps {
		asked := len(s.Targets)
		if len(s.Broadcast) > 0 {
			asked = len(s.Broadcast)
		}
		addresses += asked
		p.announce += s.Longest()
		p.total += asked * max(1, len(s.Credentials)) * s.Tries
		rate = s.Rate
	}
	if f, ok := a.err.(*os.File); ok && isTerminal(f) {
		p.out = f
	}
	if a.json && p.out == nil {
		return p
	}
	key := text.Key("discover.start")
	if rate < 0 {
		key = text.Key("discover.start.fast")
	}
	fmt.Fprintln(a.err, a.say.Say(key, "count", addresses, "rate", rate, "time", a.say.Duration(p.announce.Round(100*time.Millisecond))))
	return p
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	nothing, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, nothing)
}

// at draws the bar, at most ten times a second.
func (p *progress) at(how collector.Progress) {
	now := time.Now()
	p.of = how.Of
	done := p.before + how.Asked
	if p.out == nil || p.total == 0 || now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	percent := min(100, float64(done)/float64(p.total)*100)
	spent := now.Sub(p.start)
	left := max(0, p.announce-spent).Round(time.Second)
	fmt.Fprintf(p.out, "\r[%s] %3.0f %%  %d/%d  %.0f/s  %s \x1b[K", gauge(percent, 30), percent,
		done, p.total, float64(done)/spent.Seconds(), p.app.say.Duration(left))
}

// next says that a sweep is done.
func (p *progress) next() {
	p.before += p.of
	p.clear()
}

// clear removes the bar, until there is progress again.
func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = time.Time{}
	}
}
