package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portsitter/portsitter/service/system"
	"github.com/spf13/cobra"
)

const controlHelp = `Start, stop or restart the service that "portsitter install" or a package has installed.

  portsitter start
  portsitter stop       until this PC starts again, or somebody starts it
  portsitter restart

It takes an administrator: put sudo in front, or use a terminal opened with "Run as administrator".
When it stops, Portsitter takes its entry out of the router. Changed settings need no restart.

Exit codes: 0 done, or was so already; 1 not; 2 wrong usage or settings
`

func newControlCommands(a *app) []*cobra.Command {
	verb := func(use, short string, do func(context.Context) error) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Long: controlHelp, Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error { return do(cmd.Context()) },
		}
	}
	return []*cobra.Command{
		verb("start", "Start the service", a.start),
		verb("stop", "Stop the service", a.stop),
		verb("restart", "Stop the service and start it again", a.restart),
	}
}

func (a *app) start(ctx context.Context) error {
	s, err := a.existing(ctx, "start")
	if err != nil {
		return err
	}
	if s.State == system.Running {
		return a.sayRunning("runs already")
	}
	if err := a.checkSettings(); err != nil {
		return err
	}
	if err := a.bringUp(ctx, "start"); err != nil {
		return err
	}
	return a.sayRunning("is started")
}

func (a *app) stop(ctx context.Context) error {
	s, err := a.existing(ctx, "stop")
	if err != nil {
		return err
	}
	if s.State == system.Stopped {
		fmt.Fprintln(a.stdout, "Portsitter was stopped already.")
		return nil
	}
	if err := a.manager().Stop(ctx); err != nil {
		return refused("stop", err)
	}
	if s, err = a.settles(ctx); err == nil && s.State == system.Running {
		return fail(exitNot, "Portsitter still runs: `portsitter logs` may tell why")
	}
	fmt.Fprintln(a.stdout, "Portsitter is stopped. When it stops, it takes its entry out of the router.")
	again := asAdministrator(commandName() + " start")
	if s.AutoStart {
		again = "this PC, or with " + again
	}
	fmt.Fprintf(a.stdout, "It starts again with %s.\n", again)
	return nil
}

func (a *app) restart(ctx context.Context) error {
	s, err := a.existing(ctx, "restart")
	if err != nil {
		return err
	}
	if err := a.checkSettings(); err != nil {
		return err
	}
	if s.State != system.Running {
		if err := a.bringUp(ctx, "restart"); err != nil {
			return err
		}
		return a.sayRunning("is started")
	}
	if err := a.manager().Restart(ctx); err != nil {
		return a.didNotComeUp(ctx, refused("restart", err))
	}
	if s, err = a.settles(ctx); err == nil && s.State != system.Running {
		return a.didNotComeUp(ctx, fail(exitNot, "Portsitter is stopped and did not come up again"))
	}
	return a.sayRunning("is restarted")
}

// checkSettings keeps a running service from being ended for settings with which it would not start.
func (a *app) checkSettings() error {
	a.whose = services
	_, _, err := a.settings()
	return err
}

// bringUp starts the service, unless it runs, and waits until it does.
func (a *app) bringUp(ctx context.Context, verb string) error {
	s, err := a.settles(ctx)
	if err == nil && s.State == system.Running {
		return nil
	}
	if err := a.manager().Start(ctx); err != nil {
		return a.didNotComeUp(ctx, refused(verb, err))
	}
	s, err = a.settles(ctx)
	if err != nil {
		return refused(verb, err)
	}
	if s.State != system.Running {
		return a.didNotComeUp(ctx, fail(exitNot, "Portsitter was started and did not come up"))
	}
	return nil
}

// didNotComeUp shows, before the error, what the log says about it.
func (a *app) didNotComeUp(ctx context.Context, err error) error {
	const few = 5
	if last, e := a.lastLog(ctx, few); e == nil && len(last) > 0 {
		fmt.Fprintln(a.stdout, "The last lines of the log:")
		for _, line := range last {
			fmt.Fprintf(a.stdout, "  %s\n", plain(line))
		}
	}
	return err
}

func (a *app) sayRunning(how string) error {
	fmt.Fprintf(a.stdout, "Portsitter %s.\n", how)
	a.whose = services
	settings, _, err := a.settings()
	if err != nil {
		return err
	}
	a.lines([2]string{"Page", pageURL(settings)})
	return nil
}

// serviceLine says how the service is, in one line.
func serviceLine(s system.Service, now time.Time) string {
	if s.Origin == system.Stranger {
		return fmt.Sprintf("the service of this name is not Portsitter's (%s)", s.Definition)
	}
	if s.State == system.Masked {
		return "masked, so that nothing can start it (" + s.Manager + ")"
	}
	text := string(s.State)
	if !s.Since.IsZero() && now.After(s.Since) {
		text += " for " + roughly(now.Sub(s.Since))
	}
	if s.AutoStart {
		text += ", starts with this PC"
	} else {
		text += ", does not start with this PC"
	}
	text += " (" + s.Manager + ")"
	if s.Says != "" && s.State != system.Running {
		text += "; " + s.Says
	}
	return text
}

// showService prints how the service is, if there is one and the question is about it: --page and
// --config may mean another Portsitter.
func (a *app) showService(ctx context.Context, asJSON bool) system.Service {
	if asJSON || a.pageFlag != "" || a.configFlag != "" || !a.manager().Installed() {
		return system.Service{State: system.Absent}
	}
	s, err := a.manager().Look(ctx)
	if err != nil {
		fmt.Fprintf(a.stdout, "Service: not known, %s\n\n", plain(err.Error()))
		return s
	}
	fmt.Fprintf(a.stdout, "Service: %s\n\n", plain(serviceLine(s, time.Now())))
	return s
}

// notRunning says how to start the service, where that is what keeps the page from answering.
func notRunning(err error, s system.Service) error {
	f, ok := errors.AsType[*failure](err)
	if !ok || f.code != exitNotRunning {
		return err
	}
	switch s.State {
	case system.Stopped, system.Failed:
		return fail(exitNotRunning, "Portsitter is not running; to start it: %s", asAdministrator(commandName()+" start"))
	case system.Masked:
		return fail(exitNotRunning, "Portsitter is not running: its service is masked; %s takes that off", asAdministrator(unmask))
	case system.Starting, system.Stopping:
		return fail(exitNotRunning, "Portsitter is not running: its service is %s; `portsitter logs` tells more", s.State)
	}
	return err
}
