package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/service/system"
	"github.com/spf13/cobra"
)

const serviceHelp = `What the service manager of this system starts. People use "portsitter install" and "portsitter
start", or "portsitter run" to keep the port open in a terminal.

  portsitter service run
`

// newServiceCommand is hidden: it is for the service manager. The verb tells that we are the service,
// because every way to guess it from the surroundings is wrong somewhere.
func newServiceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "service", Short: "For the service manager", Long: serviceHelp, Hidden: true, Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "run", Short: "Be the service", Long: serviceHelp, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if system.BySignals() {
				var stop context.CancelFunc
				ctx, stop = untilStopped(ctx)
				defer stop()
			}
			a.whose = services
			return system.Run(ctx, func(ctx context.Context) error {
				err := a.run(ctx)
				if err != nil {
					a.noteEnd(err)
				}
				return err
			})
		},
	})
	return cmd
}

// telling keeps the service manager informed, until ctx ends: that we are there (as soon as the loop
// turns: a router that is off must not hold up the start of the system), how we are, and, as often as
// its watchdog asks for it, that the loop still turns. It is for systemd, and does nothing elsewhere.
func telling(d *daemon.Daemon, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		if !system.Notified() {
			return
		}
		tell := func(state string) {
			if err := system.Notify(state); err != nil {
				log.Warn("systemd does not listen", "error", err)
			}
		}
		defer tell("STOPPING=1\nSTATUS=Taking our entries out of the router")
		if d.Turn(ctx) != nil {
			return
		}
		tell("READY=1")
		done := make(chan struct{})
		go func() {
			defer close(done)
			feed(ctx, system.WatchdogTimeout(), d.Turn, func() { tell("WATCHDOG=1") })
		}()
		said := ""
		for s := d.Status(); s != nil; s = d.Await(ctx, s.Pass) {
			if text := serviceStatus(s); text != said {
				said = text
				tell("STATUS=" + text)
			}
		}
		<-done
	}
}

// feedEvery is the longest pause between two words to the watchdog. It is short, because it adds to the
// time for which a loop that waits for a slow router may be silent.
const feedEvery = 10 * time.Second

// feed tells the watchdog at least three times in its timeout that the loop turns, each time after it
// did. A loop that hangs keeps turn from returning, and the watchdog hungry.
func feed(ctx context.Context, timeout time.Duration, turn func(context.Context) error, tell func()) {
	if timeout <= 0 {
		return
	}
	tick := time.NewTicker(min(timeout/3, feedEvery))
	defer tick.Stop()
	for turn(ctx) == nil {
		tell()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// serviceStatus is the line that the service manager shows: the headline of the worst port.
func serviceStatus(s *daemon.Status) string {
	line, worst := "", -1
	for _, p := range s.Ports {
		one := daemon.Status{Ports: []daemon.Port{p}}
		if code := one.ExitCode(); code > worst {
			line, worst = p.Headline, code
		}
	}
	return plain(line)
}
