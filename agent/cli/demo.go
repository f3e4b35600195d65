package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/config"
	"meteragent/agent/page"
	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/collector/simulator"
	"meteragent/store"
	"meteragent/transport/portal"
)

// The course of the demo. A minute is long for somebody who watches.
const (
	demoStep   = time.Second      // between two print jobs
	demoOutage = 10 * time.Second // when the portal goes away
	demoBack   = 16 * time.Second // when it is back
	demoPause  = 3 * time.Second  // between two lines about confirmed records
	demoShip   = 15 * time.Second // from an order to its dispatch, and again to the new cartridge
)

func (a *app) demoCommand() *cobra.Command {
	var once bool
	var listen string
	c := &cobra.Command{
		Use: "demo", Short: a.say.Say("help.demo"), Long: a.long(text.Key("help.demo.long")), Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&once, "once", false, a.say.Say("help.flag.demo.once"))
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", a.say.Say("help.flag.listen"))
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		folder, err := os.MkdirTemp("", "meteragent-demo-")
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		d := &demo{app: a, start: time.Now()}
		defer func() { err = errors.Join(err, d.close(), os.RemoveAll(folder)) }()
		run, notice := d.run, d.notice
		if once {
			run, notice = d.once, nil
		}
		if err := d.open(folder, listen, notice); err != nil {
			return err
		}
		return run(c.Context())
	}
	return c
}

// A demo is a whole customer's site in one process.
type demo struct {
	app     *app
	start   time.Time
	daemon  *daemon
	portal  *portal.Portal
	copiers []*simulator.Copier
	sockets []net.PacketConn // of the copiers
	door    net.Listener     // of the portal
	page    net.Listener     // of the agent

	mu     sync.Mutex // guards what follows, and keeps lines whole
	orders []string   // ids that were raised
	fresh  int        // records confirmed since told
	all    int        // records confirmed
	told   time.Time  // when confirmations were last told
}

// open makes everything, and starts nothing.
func (d *demo) open(folder, listen string, notice func(agent.Notice)) error {
	var err error
	if d.door, err = net.Listen("tcp", listen); err != nil {
		return fmt.Errorf("demo portal: %w", err)
	}
	if d.page, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("demo page: %w", err)
	}
	d.portal = portal.New(portal.Options{})
	cfg := config.Default()
	cfg.Customer, cfg.Site = "1234567", "Demo"
	to := config.DefaultPortal()
	to.Name, to.Orders, to.URL = agent.Portal, true, "http://"+d.door.Addr().String()+"/events"
	cfg.Portals = []config.Portal{to}
	cfg.Poll = config.Poll{Meters: 6 * time.Second, Supplies: 2 * time.Second, Parallel: 4, Timeout: time.Second}
	cfg.Toner.Confirm, cfg.Toner.ConfirmOver, cfg.Toner.Sudden = 2, 0, 0 // nobody waits for a parcel here
	cfg.Store.Folder = folder
	for i, model := range simulator.Models() {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("demo copier: %w", err)
		}
		d.sockets = append(d.sockets, socket)
		d.copiers = append(d.copiers, simulator.New(model, simulator.Options{Seed: uint64(i + 1), Lag: 13}))
		network := config.DefaultNetwork()
		network.Addresses = []string{"127.0.0.1"}
		network.Port = uint16(socket.LocalAddr().(*net.UDPAddr).Port)
		cfg.Networks = append(cfg.Networks, network)
	}
	// The colour copier is near its limit, so that nobody has to wait for an order.
	if err := d.copiers[0].SetLevel("black", 17); err != nil {
		return err
	}
	return d.openAgent(cfg, notice)
}

func (d *demo) openAgent(cfg config.Config, notice func(agent.Notice)) error {
	d.daemon = &daemon{cfg: cfg, log: slog.New(slog.DiscardHandler), end: func() error { return nil }}
	var err error
	if d.daemon.store, err = store.Open(filepath.Join(cfg.Store.Folder, "meteragent.db"), storeOptions(cfg)); err != nil {
		return err
	}
	id, err := agent.LoadID(cfg.Store.Folder)
	if err != nil {
		return err
	}
	outputs, err := d.daemon.dial(id)
	if err != nil {
		return err
	}
	d.daemon.agent = agent.New(agent.Options{
		Config: cfg, ID: id, Version: version, Store: d.daemon.store, Outputs: outputs,
		Copiers: collector.New(), Clock: machineClock(), Notice: notice,
	})
	return nil
}

// close lets go of whatever open got hold of.
func (d *demo) close() error {
	var errs []error
	for _, s := range d.sockets {
		errs = append(errs, s.Close())
	}
	for _, l := range []net.Listener{d.door, d.page} {
		if l != nil {
			l.Close() // it was closed already if its server ran
		}
	}
	if d.daemon != nil {
		errs = append(errs, d.daemon.hangUp())
	}
	if d.daemon != nil && d.daemon.store != nil {
		errs = append(errs, d.daemon.store.Close())
	}
	return errors.Join(errs...)
}

// site is the copiers and the portal at work.
func (d *demo) site() []func(context.Context) error {
	parts := []func(context.Context) error{
		func(ctx context.Context) error { return serveHTTP(ctx, d.door, d.portal) },
	}
	for i, c := range d.copiers {
		parts = append(parts, func(ctx context.Context) error { return c.Serve(ctx, d.sockets[i]) })
	}
	return parts
}

// once delivers one round and says what became of it.
func (d *demo) once(ctx context.Context) error {
	var sum agent.Summary
	round := func(ctx context.Context) (err error) {
		sum, err = d.daemon.agent.Once(ctx)
		return err
	}
	err := agent.Together(ctx, append(d.site(), round)...)
	if d.app.json {
		err = errors.Join(err, d.app.printJSON(sum))
	} else {
		d.app.printSummary(sum)
	}
	if err != nil {
		return err
	}
	whole := sum.Devices == len(d.copiers) && sum.Readings == sum.Devices && sum.Pending == 0 && sum.Confirmed == sum.Delivered
	if arrived := d.portal.Counts().Received; !whole || arrived != sum.Confirmed {
		return fmt.Errorf("demo: %d records confirmed, %d at the portal", sum.Confirmed, arrived)
	}
	return nil
}

// run goes on until it is interrupted.
func (d *demo) run(ctx context.Context) error {
	say := d.app.say
	d.app.printf("%s\n\n", say.Say("demo.start",
		"portal", "http://"+d.door.Addr().String()+"/", "agent", "http://"+d.page.Addr().String()+"/"))
	serve := func(ctx context.Context) error { return page.Serve(ctx, d.page, d.daemon.facts()) }
	// The site outlives the agent, so that the last records find the portal there.
	work := func(context.Context) error { return d.daemon.agent.Run(ctx, func() {}, d.printJobs, d.story) }
	err := agent.Together(context.WithoutCancel(ctx), append(d.site(), serve, work)...)
	counts := d.portal.Counts()
	d.app.printf("\n%s\n", say.Say("demo.end", "received", counts.Received, "repeats", counts.Repeats, "holes", len(d.portal.Holes())))
	return err
}

// printJobs keeps the copiers busy.
func (d *demo) printJobs(ctx context.Context) {
	for step := 0; ctx.Err() == nil; step++ {
		for i, c := range d.copiers {
			c.Print(simulator.Job{
				Pages: 12 + 7*i, Colour: step%3 == 0, Large: step%7 == 0, TwoSided: step%2 == 0, Copy: step%5 == 0, Coverage: 12,
			})
		}
		wait(ctx, demoStep)
	}
}

// story takes the portal away for a while, and deals with the orders.
func (d *demo) story(ctx context.Context) {
	wait(ctx, demoOutage)
	if ctx.Err() != nil {
		return
	}
	d.portal.Down(true)
	d.line(text.Key("demo.word.portal"), d.app.say.Say("demo.down"))
	wait(ctx, demoBack-demoOutage)
	d.portal.Down(false)
	if ctx.Err() != nil {
		return
	}
	d.line(text.Key("demo.word.portal"), d.app.say.Say("demo.up"))
	for sent := 0; ctx.Err() == nil; {
		wait(ctx, demoShip)
		d.mu.Lock()
		raised := d.orders[sent:]
		d.mu.Unlock()
		for _, id := range raised {
			d.ship(ctx, id)
			sent++
		}
	}
}

func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
