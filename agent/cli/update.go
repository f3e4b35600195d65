package cli

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent/config"
	"meteragent/agent/text"
	"meteragent/packaging"
	"meteragent/packaging/update"
	"meteragent/store"
	"meteragent/transport"
)

// startedAs is the variable in which the installed program tells a newer one which version it was started as.
const startedAs = "METERAGENT_STARTED_AS"

func (a *app) updateCommand() *cobra.Command {
	var check bool
	var from string
	c := &cobra.Command{
		Use: "update", Short: a.say.Say("help.update"), Long: a.long(text.Key("help.update.long")), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.update(c.Context(), check, from) },
	}
	c.Flags().BoolVar(&check, "check", false, a.say.Say("help.flag.updateCheck"))
	c.Flags().StringVar(&from, "from", "", a.say.Say("help.flag.updateFrom"))
	return c
}

func (a *app) update(ctx context.Context, check bool, from string) error {
	if packaging.Packaged() {
		return failure{code: failed, err: errors.New("update: it came with a package"), hint: text.Key("hint.update.package")}
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	folder, err := updates(cfg)
	if errors.Is(err, packaging.ErrUnguarded) {
		return failure{code: wrongUse, err: fmt.Errorf("update: %w", err), hint: text.Key("hint.update.guard")}
	}
	if err != nil || folder.Root == nil || cfg.Update.URL == "" && from == "" {
		return failure{code: wrongUse, err: errors.Join(errors.New("update: the configuration does not say from where, or whom to trust"), err), hint: text.Key("hint.update.root")}
	}
	source, err := repository(cfg, from)
	if err != nil {
		return err
	}
	defer func() { _ = packaging.Adopt(folder.Path) }() // what could not be given to the service says so at its start
	newest, err := folder.Refresh(ctx, source, platform(), time.Now())
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	switch {
	case !update.Newer(newest.Version, version) && newest.Withheld != nil:
		return failure{code: failed, err: fmt.Errorf("update: %w", newest.Withheld), hint: text.Key("hint.update.between")}
	case !update.Newer(newest.Version, version):
		a.printf("%s\n", a.say.Say("update.none", "version", version))
		return nil
	case check:
		a.printf("%s\n", a.say.Say("update.there", "version", newest.Version, "present", version))
		return nil
	}
	if err := folder.Install(ctx, source, newest, time.Now()); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	a.printf("%s\n", a.say.Say("update.waiting", "version", newest.Version))
	return nil
}

// updates is where updates are kept; without keys to trust there is none.
func updates(cfg config.Config) (update.Folder, error) {
	f := update.Folder{Path: filepath.Join(cfg.Store.Folder, "update"), Reads: store.Reads}
	if cfg.Update.Root == "" {
		return f, nil
	}
	var err error
	f.Root, err = packaging.ReadGuarded(cfg.Update.Root)
	return f, err
}

// repository reads from a folder or a zip file, if one is named, and else from the network.
func repository(cfg config.Config, from string) (update.Source, error) {
	if from == "" {
		return overNetwork(cfg), nil
	}
	files := os.DirFS(from)
	if strings.HasSuffix(from, ".zip") {
		z, err := zip.OpenReader(from) // closed with the process: this is one command
		if err != nil {
			return nil, fmt.Errorf("update: %s: %w", from, err)
		}
		files = z
	}
	return func(_ context.Context, name string) (io.ReadCloser, error) { return files.Open(name) }, nil
}

// overNetwork reads through the proxy of the first portal that has one: a site has one way out.
func overNetwork(cfg config.Config) update.Source {
	url := strings.TrimSuffix(cfg.Update.URL, "/")
	var way transport.Config
	if i := slices.IndexFunc(cfg.Portals, func(p config.Portal) bool { return p.Proxy != "" }); i >= 0 {
		way.Proxy = transport.Secret(cfg.Portals[i].Proxy)
	}
	through := http.DefaultTransport.(*http.Transport).Clone()
	through.Proxy = way.ProxyFor
	client := &http.Client{Timeout: 10 * time.Minute, Transport: through}
	return func(ctx context.Context, name string) (io.ReadCloser, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/"+name, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("User-Agent", "meteragent/"+version)
		answer, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode == http.StatusOK {
			return answer.Body, nil
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound {
			return nil, fmt.Errorf("%s: %w", request.URL, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("%s: %s", request.URL, answer.Status)
	}
}

// platform is the system in the words of the packages, such as linux-arm-7.
func platform() string {
	name := runtime.GOOS + "-" + runtime.GOARCH
	if info, ok := debug.ReadBuildInfo(); ok && runtime.GOARCH == "arm" {
		for _, s := range info.Settings {
			if s.Key == "GOARM" {
				number, _, _ := strings.Cut(s.Value, ",")
				name += "-" + number
			}
		}
	}
	return name
}

// startNewest runs a newer version instead of this one, if there is one. Whatever stands in the way is said, and this version
// goes on.
func (a *app) startNewest() {
	if os.Getenv(startedAs) != "" || packaging.Packaged() {
		return
	}
	cfg, _, _, err := a.loadOrLastGood()
	if err != nil || cfg.Update.Root == "" {
		return // the daemon says what is wrong with the configuration
	}
	folder, err := updates(cfg)
	if err != nil {
		return
	}
	for range 2 { // one on probation may not start at all; then the one before it
		path, chosen, err := folder.Choose(version, platform(), cfg.Update.Probation, time.Now())
		if path != "" {
			started := packaging.Become(path, os.Args, append(os.Environ(), startedAs+"="+chosen))
			err = errors.Join(err, started, folder.Fail(started.Error(), time.Now()))
		}
		if err != nil {
			a.report(fmt.Errorf("update: %w", err))
		}
		if path == "" {
			return
		}
	}
}

// keepUpdated watches over a version on probation, then looks for newer ones, if that is wanted.
func (d *daemon) keepUpdated(ctx context.Context) {
	folder, err := updates(d.cfg)
	if folder.Root == nil || packaging.Packaged() {
		if err != nil {
			d.refuse(folder, err)
		}
		return
	}
	if !d.cfg.Update.Automatic { // what was refused while somebody looked for it is no news any more
		if err := folder.Accepted(); err != nil {
			d.log.Error("the state of updates cannot be noted", "err", err)
		}
	}
	d.sayUpdate(folder)
	present := os.Getenv(startedAs)
	if present == "" {
		present = version
	} else if !d.prove(ctx, folder, present) {
		return
	}
	for d.cfg.Update.Automatic && ctx.Err() == nil {
		wait(ctx, d.cfg.Update.Every)
		if ctx.Err() == nil && d.agent.Proved() {
			d.lookForUpdate(ctx, folder, present)
		}
	}
}

// prove waits until a version on probation has read and delivered. If it has not in time, the program ends, and the version
// before starts.
func (d *daemon) prove(ctx context.Context, folder update.Folder, present string) bool {
	until, err := folder.Trial(present)
	if err != nil || until.IsZero() {
		return err == nil
	}
	for ctx.Err() == nil {
		switch {
		case d.agent.Proved():
			if err := folder.Pass(present, time.Now()); err != nil {
				d.log.Error("the probation cannot be ended", "err", err)
			}
			d.sayUpdate(folder)
			return true
		case time.Now().After(until):
			err := folder.Fail(fmt.Sprintf("no copier was read and confirmed within %s", d.cfg.Update.Probation), time.Now())
			d.log.Error("this version has not proved itself; the version before comes back", "err", err)
			d.restart()
			return false
		}
		wait(ctx, min(d.cfg.Update.Probation/10, time.Minute))
	}
	return false
}

// lookForUpdate installs a newer version that is meant for this agent, and ends the program so that it is started.
func (d *daemon) lookForUpdate(ctx context.Context, folder update.Folder, present string) {
	source := overNetwork(d.cfg)
	newest, err := folder.Refresh(ctx, source, platform(), time.Now())
	if err == nil {
		if !update.Newer(newest.Version, present) || folder.Failed(newest.Version) || !newest.Chosen(d.agent.Memory().ID) {
			if err := errors.Join(folder.Accepted(), d.agent.SayUpdate(update.Outcome{})); err != nil {
				d.log.Error("the state of updates cannot be noted", "err", err)
			}
			return
		}
		err = folder.Install(ctx, source, newest, time.Now())
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.refuse(folder, err)
		return
	}
	d.log.Info("a newer version is there; the program restarts", "version", newest.Version)
	d.restart()
}

// refuse says in the log, on the page and to the portal why there is no update.
func (d *daemon) refuse(folder update.Folder, reason error) {
	refused, err := folder.Refused(reason, time.Now())
	if err := errors.Join(err, d.agent.SayUpdate(refused)); err != nil {
		d.log.Error("a refused update cannot be noted", "err", err)
	}
}

func (d *daemon) sayUpdate(folder update.Folder) {
	last, err := folder.Last()
	if err == nil && last != nil && last.Result != "waiting" {
		err = d.agent.SayUpdate(*last)
	}
	if err != nil {
		d.log.Error("what became of an update cannot be told", "err", err)
	}
}
