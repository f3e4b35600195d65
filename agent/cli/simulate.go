package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/text"
	"meteragent/collector/simulator"
)

func (a *app) simulateCommand() *cobra.Command {
	var listen string
	var count, pages int
	var recordings []string
	c := &cobra.Command{
		Use: "simulate", Short: a.say.Say("help.simulate"), Long: a.long(text.Key("help.simulate.long")), Args: cobra.NoArgs,
		Example: "  meteragent simulate --listen 127.0.0.1:1161 --count 20 --pages 30",
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:1161", a.say.Say("help.flag.listen"))
	c.Flags().IntVar(&count, "count", 3, a.say.Say("help.flag.count"))
	c.Flags().IntVar(&pages, "pages", 10, a.say.Say("help.flag.pages"))
	c.Flags().StringSliceVar(&recordings, "recording", nil, a.say.Say("help.flag.recording"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		copiers, err := makeCopiers(count, recordings)
		if err != nil {
			return err
		}
		return a.simulate(c.Context(), copiers, listen, pages)
	}
	return c
}

func makeCopiers(count int, recordings []string) ([]*simulator.Copier, error) {
	var copiers []*simulator.Copier
	for _, path := range recordings {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		c, err := simulator.FromRecording(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("recording %s: %w", path, err)
		}
		copiers = append(copiers, c)
	}
	if len(recordings) > 0 {
		return copiers, nil
	}
	if count < 1 || count > 1000 {
		return nil, usageError(fmt.Errorf("--count %d: must be from 1 to 1000", count))
	}
	models := simulator.Models()
	for i := range count {
		copiers = append(copiers, simulator.New(models[i%len(models)], simulator.Options{Seed: uint64(i + 1), Lag: 13}))
	}
	return copiers, nil
}

// simulate runs copiers on addresses in a row, all with one port.
func (a *app) simulate(ctx context.Context, copiers []*simulator.Copier, listen string, pages int) error {
	first, err := netip.ParseAddrPort(listen)
	if err != nil {
		return usageError(fmt.Errorf("--listen %s: must be address:port", listen))
	}
	var parts []func(context.Context) error
	address := first.Addr()
	for _, c := range copiers {
		socket, err := net.ListenPacket("udp", netip.AddrPortFrom(address, first.Port()).String())
		if err != nil {
			return fmt.Errorf("simulated copier: %w", err)
		}
		defer socket.Close()
		a.printf("%s\n", socket.LocalAddr())
		parts = append(parts, func(ctx context.Context) error { return c.Serve(ctx, socket) })
		address = address.Next()
	}
	if pages > 0 {
		parts = append(parts, func(ctx context.Context) error {
			for step := 0; ctx.Err() == nil; step++ {
				wait(ctx, time.Minute/time.Duration(pages))
				for _, c := range copiers {
					c.Print(simulator.Job{Pages: 1, Colour: step%3 == 0, Large: step%7 == 0})
				}
			}
			return nil
		})
	}
	return agent.Together(ctx, parts...)
}
