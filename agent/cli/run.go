package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/packaging"
	"meteragent/store"
	"meteragent/transport"
)

func (a *app) runCommand() *cobra.Command {
	var once, service bool
	c := &cobra.Command{
		Use: "run", Short: a.say.Say("help.run"), Long: a.long(text.Key("help.run.long")), Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&once, "once", false, a.say.Say("help.flag.once"))
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().BoolVar(&service, "service", false, "") // set by the Windows service manager
	c.Flags().Lookup("service").Hidden = true
	c.RunE = func(c *cobra.Command, _ []string) error {
		if once {
			return a.runOnce(c.Context())
		}
		a.startNewest()
		if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
			// Memory is what a small machine has least of: a third less at the peak of a drain, and what is
			// needed for a moment only is collected sooner.
			debug.SetGCPercent(50)
			debug.SetMemoryLimit(56 << 20)
		}
		var at atomic.Pointer[daemon] // asked by the watchdog while Run runs
		return packaging.Host(packaging.Program{
			Run: func(ctx context.Context, ready func()) error {
				d, err := a.daemon(ctx, service, ready)
				if err != nil || d == nil { // nil: it was told to stop while it waited for the database
					return err
				}
				defer d.close()
				at.Store(d)
				ctx, d.restart = context.WithCancel(ctx)
				defer d.restart()
				return d.agent.Run(ctx, ready, d.servePage, d.keepUpdated, staySmall, func(ctx context.Context) { d.renew(ctx, d.agent.Memory().ID) })
			},
			Alive:   func() bool { d := at.Load(); return d == nil || d.agent.Alive() },
			Service: service,
		})
	}
	return c
}

// staySmall gives back the pages of the program that the start needed, and from time to time what has come up since. The
// run-time does so with the heap.
func staySmall(ctx context.Context) {
	for pause := 20 * time.Second; ctx.Err() == nil; pause = 5 * time.Minute {
		packaging.GiveBackPages()
		wait(ctx, pause)
	}
}

// A daemon is an agent with everything it stands on.
type daemon struct {
	cfg   config.Config
	id    string // of the agent
	agent *agent.Agent
	store *store.Store
	links []transport.Link
	log   *slog.Logger
	end   func() error // closes the log

	watched bool // a person started it at a terminal

	unenrolled []text.Sentence    // problems of portals without the certificate they should have
	restart    context.CancelFunc // ends the program in order, so that the service manager starts it again
}

// daemon builds one from the configuration file, or, if that is bad, from the last
// good one, so that a typing mistake does not stop the readings of a whole site. It is nil
// if ctx ended before the database could be opened.
func (a *app) daemon(ctx context.Context, service bool, ready func()) (*daemon, error) {
	cfg, what, problems, err := a.loadOrLastGood()
	if err != nil {
		return nil, err
	}
	log, trouble, end := openLog(cfg.Log, a.err, service)
	for _, p := range problems {
		log.Error(what, "problem", p(a.say))
	}
	f, isFile := a.err.(*os.File)
	d := &daemon{cfg: cfg, log: log, end: end, watched: isFile && isTerminal(f)}
	if d.store, err = d.awaitStore(ctx, ready); err == nil && d.store != nil {
		err = a.assemble(d, append(problems, trouble))
	}
	if err != nil || d.store == nil {
		return nil, errors.Join(err, end())
	}
	return d, nil
}

// assemble makes the agent. If that fails, it closes the database.
func (a *app) assemble(d *daemon, problems []text.Sentence) error {
	known, problems, err := a.runningProfiles(d, problems)
	if err != nil {
		return errors.Join(err, d.store.Close())
	}
	outputs, err := d.dial(d.id)
	if err != nil {
		return errors.Join(err, d.store.Close())
	}
	copiers := collector.NewWith(known)
	copiers.Limit(d.cfg.Poll.Rate)
	d.agent = agent.New(agent.Options{
		Config: d.cfg, ID: d.id, Version: version, Store: d.store, Outputs: outputs,
		Copiers: copiers, Attached: collector.Attached, Clock: machineClock(), Built: builtAt(), Log: d.log, Problems: append(problems, d.unenrolled...),
	})
	return nil
}

func (d *daemon) close() {
	if err := errors.Join(d.hangUp(), d.store.Close()); err != nil {
		d.log.Error("closing", "err", err)
	}
	d.end() // there is nowhere left to say that closing the log went wrong
}

// servePage keeps the page of the running agent up.
func (d *daemon) servePage(ctx context.Context) { d.keepPage(ctx, d.facts()) }

// keepPage keeps a page up until ctx ends. A port that is taken by another
// program must not stop the readings, so it is said once and tried again.
func (d *daemon) keepPage(ctx context.Context, facts page.Facts) {
	address := d.cfg.Page.Listen
	if address == "" {
		return
	}
	for said := false; ctx.Err() == nil; {
		l, err := net.Listen("tcp", address)
		if err == nil {
			d.log.Info("the page is up", "url", "http://"+address+"/")
			said = false
			err = page.Serve(ctx, l, facts)
		}
		if err != nil && !said {
			d.log.Error("the page is not up; everything else works", "address", address, "err", err,
				"hint", "set page.listen to another port, or to \"\" for no page")
			said = true
		}
		wait(ctx, 30*time.Second)
	}
}

// facts are what the page asks of the running agent.
func (d *daemon) facts() page.Facts {
	memory := d.agent.Memory
	return page.Facts{
		Status:   func(lang string) (page.Status, error) { return memory().Status(lang) },
		Readings: func(device string) ([]page.Entry, error) { return memory().Readings(device) },
		Recent:   func(device string) ([]page.Entry, error) { return memory().Recent(device) },
		Orders:   func() ([]page.Order, error) { return memory().Orders() },
		Rejected: func() ([]page.Rejected, error) { return memory().Rejected() },
		Outgoing: func() ([]page.Message, error) { return memory().Outgoing() },
		Request: func(device, text string) error {
			_, err := d.agent.Request(device, text)
			return err
		},
		Hint: agent.Hint,
		Log:  d.noAnswer,
	}
}

func (d *daemon) noAnswer(err error) { d.log.Error("the page has no answer", "err", err) }

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// runOnce does one round in the foreground: the quickest proof that a site works.
func (a *app) runOnce(ctx context.Context) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	d := &daemon{cfg: cfg, log: slog.New(slog.DiscardHandler), end: func() error { return nil }}
	if d.store, err = d.open(); err != nil {
		return err
	}
	if err := a.assemble(d, nil); err != nil {
		return err
	}
	defer d.close()
	sum, err := d.agent.Once(ctx)
	if a.json {
		err = errors.Join(a.printJSON(sum), err)
	} else {
		a.printSummary(sum)
	}
	switch {
	case err != nil && sum.Devices == 0 && sum.Pending == 0:
		return failure{code: a.reportEach(err, noDevice)}
	case err != nil:
		return failure{code: a.reportEach(err, failed)}
	case sum.Pending > 0 || sum.Rejected > 0:
		return failure{code: failed, err: errors.New(a.say.Say("error.unconfirmed", "pending", sum.Pending, "rejected", sum.Rejected))}
	}
	return nil
}

// reportEach prints every joined error with its own hint, the first ten of them, and
// returns code.
func (a *app) reportEach(err error, code int) int {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all[:min(len(all), 10)] {
		a.report(one)
	}
	return code
}

func (a *app) printSummary(s agent.Summary) {
	a.printf("%s\n", a.say.Say("run.summary", "devices", s.Devices, "readings", s.Readings,
		"confirmed", s.Confirmed, "pending", s.Pending, "rejected", s.Rejected, "time", s.Took))
}

// load reads the configuration and fills in what the machine decides.
func (a *app) load() (config.Config, error) {
	cfg, err := config.Load(a.config)
	if err != nil {
		return cfg, a.configFailure(err)
	}
	return placed(cfg), nil
}

func placed(cfg config.Config) config.Config {
	if cfg.Store.Folder == "" {
		cfg.Store.Folder = packaging.DataDir()
	}
	return cfg
}

// loadOrLastGood returns the configuration, or the last good one and what is wrong
// with the present one. That a good one cannot be kept is no reason not to run.
func (a *app) loadOrLastGood() (cfg config.Config, what string, problems []text.Sentence, err error) {
	cfg, err = a.load()
	if err == nil {
		if err := a.keepLastGood(cfg); err != nil {
			return cfg, "the configuration was not kept as the last good one", []text.Sentence{func(c *text.Catalogue) string { return c.Say("problem.lastgood", "error", err) }}, nil
		}
		return cfg, "", nil, nil
	}
	kept, readErr := os.ReadFile(lastGood(placed(cfg).Store.Folder))
	if readErr != nil {
		return cfg, "", nil, err
	}
	good, parseErr := config.Parse(a.config, kept)
	if parseErr != nil {
		return cfg, "", nil, err
	}
	problems = []text.Sentence{text.Quoted(err.Error())}
	var list config.Problems
	if errors.As(err, &list) {
		problems = problems[:0]
		for _, p := range list {
			problems = append(problems, p.Say)
		}
	}
	return placed(good), "the configuration is wrong; the last good one runs", problems, nil
}

func lastGood(folder string) string { return filepath.Join(folder, "last-good.toml") }

// keepLastGood keeps a copy of a configuration that could be loaded.
func (a *app) keepLastGood(cfg config.Config) error {
	now, err := config.Bytes(a.config)
	if err != nil {
		return a.configFailure(err)
	}
	if err := os.MkdirAll(cfg.Store.Folder, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	path := lastGood(cfg.Store.Folder)
	if kept, err := os.ReadFile(path); err == nil && string(kept) == string(now) {
		return nil
	}
	return agent.WriteFile(path, now)
}

// configFailure gives a configuration error its exit code and hint.
func (a *app) configFailure(err error) error {
	f := failure{code: wrongUse, err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.hint, f.with = text.Key("hint.config.missing"), []any{"path", a.config}
	case errors.Is(err, fs.ErrPermission):
		f.hint, f.with = text.Key("hint.config.rights"), []any{"path", a.config}
	default:
		f.hint, f.with = text.Key("hint.config.check"), []any{"path", a.config}
	}
	return f
}

func databasePath(folder string) string { return filepath.Join(folder, "meteragent.db") }

func storeOptions(cfg config.Config) (o store.Options) {
	for _, r := range cfg.Receivers() {
		o.Destinations = append(o.Destinations, r.Name())
	}
	return o
}

// databaseFailure gives an error of opening the database its exit code.
func databaseFailure(err error) error {
	for _, known := range []error{store.ErrInUse, store.ErrDamaged, store.ErrNewer} {
		if errors.Is(err, known) {
			return failure{code: badDatabase, err: err}
		}
	}
	return err
}

// withMemory lets do look at, or change, the database of a daemon that does not run.
func (a *app) withMemory(do func(agent.Memory) error) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	m, closeStore, err := a.openMemory(cfg)
	if err != nil {
		return err
	}
	return errors.Join(do(m), closeStore())
}

// openMemory opens the database of a daemon that does not run, to look at it. It
// makes no new one.
func (a *app) openMemory(cfg config.Config) (agent.Memory, func() error, error) {
	path := databasePath(cfg.Store.Folder)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return agent.Memory{}, nil, failure{code: failed, err: err, hint: text.Key("hint.database.none")}
	}
	s, err := store.Open(path, storeOptions(cfg))
	if err != nil {
		return agent.Memory{}, nil, databaseFailure(err)
	}
	id, err := agent.LoadID(cfg.Store.Folder)
	if err != nil {
		return agent.Memory{}, nil, errors.Join(err, s.Close())
	}
	return agent.Memory{Config: cfg, ID: id, Version: version, Store: s, Clock: clockQuality()}, s.Close, nil
}
