package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/portsitter/portsitter/service/system"
)

// serviceManager is what the verbs need of system.Manager; the tests of the words have one of their
// own, that keeps the service in a file.
type serviceManager interface {
	Installed() bool
	Allowed() error
	Look(context.Context) (system.Service, error)
	Install(ctx context.Context, program string, copied bool) error
	Uninstall(context.Context) error
	Start(context.Context) error
	Stop(context.Context) error
	Restart(context.Context) error
}

func (a *app) manager() serviceManager {
	if a.serviceMgr == nil {
		return system.Manager{}
	}
	return a.serviceMgr
}

func (a *app) systemHome() (home, error) {
	if a.homeOf == nil {
		return systemHome()
	}
	return a.homeOf()
}

// mayChange says how to do it right to somebody who may not change services.
func (a *app) mayChange(verb string) error {
	if err := a.manager().Allowed(); err != nil {
		return fail(exitNot, "this needs an administrator: %s", asAdministrator(commandName()+" "+verb))
	}
	return nil
}

// commandName is how a person calls this program: by its name where the shell finds it, else by its path.
func commandName() string {
	own, err := os.Executable()
	if err != nil {
		return "portsitter"
	}
	found, err := exec.LookPath("portsitter")
	if err != nil {
		return quoted(own)
	}
	if !sameFile(own, found) {
		return quoted(own)
	}
	return "portsitter"
}

// quoted is path as a shell wants to be given it.
func quoted(path string) string {
	if strings.Contains(path, " ") {
		return `"` + path + `"`
	}
	return path
}

// unmask is the command that lets systemd start the service again.
const unmask = "systemctl unmask portsitter"

// existing looks at the service for verb, and refuses what is not ours to control.
func (a *app) existing(ctx context.Context, verb string) (system.Service, error) {
	s, err := a.manager().Look(ctx)
	controls := verb != "install" && !strings.HasPrefix(verb, "uninstall")
	if err == nil && s.State == system.Absent && s.Manager == "" && controls {
		return s, fail(exitNot, "this system has no service manager that Portsitter knows, as most containers have none, so there is nothing to %s: "+
			"have `portsitter run` started by whatever starts programs here (scripts/Containerfile of the sources shows how)", verb)
	}
	if err := a.mayChange(verb); err != nil {
		return system.Service{}, err
	}
	switch {
	case err != nil:
		return s, fmt.Errorf("the service manager does not answer: %w", err)
	case s.State == system.Masked:
		return s, fail(exitNot, "the service is masked, so that nothing can start it: %s takes that off", asAdministrator(unmask))
	case s.Origin == system.Stranger:
		return s, fail(exitNot, "there is a service of this name that Portsitter has not made (%s, it runs %s): it stays as it is; rename it or take it away first",
			s.Definition, orElse(s.Program, "something unknown"))
	case s.State == system.Absent && controls:
		return s, fail(exitNot, "Portsitter is not installed as a service: %s, or keep the port open here with `portsitter run`",
			asAdministrator(commandName()+" install"))
	}
	return s, nil
}

// settles waits until the service is neither starting nor stopping, and returns how it is then.
func (a *app) settles(ctx context.Context) (system.Service, error) {
	const (
		atMost = 20 * time.Second
		every  = 100 * time.Millisecond
	)
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s, err := a.manager().Look(ctx)
		if err != nil || s.State != system.Starting && s.State != system.Stopping {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, nil
		case <-tick.C:
		}
	}
}

// refused puts the reason why the service manager did not do as told into words.
func refused(verb string, err error) error {
	switch {
	case errors.Is(err, system.ErrNotPermitted):
		return fail(exitNot, "this needs an administrator (%w): %s", err, asAdministrator(commandName()+" "+verb))
	case errors.Is(err, system.ErrNoManager):
		return fail(exitNot, "%w, so nothing can be installed: have `portsitter run` started by whatever starts programs here", err)
	case errors.Is(err, system.ErrDeleting):
		return fail(exitNot, "%w: close the Services window and the Task Manager, then try again", err)
	case errors.Is(err, system.ErrTooLong):
		return fail(exitNot, "the service manager has not finished: %w. `portsitter status` shows how it is", err)
	}
	return fail(exitNot, "the service manager refused (%w); `portsitter logs` may tell why", err)
}

// lines prints a small table: names in front, and no line for what is empty.
func (a *app) lines(pairs ...[2]string) {
	for _, p := range pairs {
		if p[1] != "" {
			fmt.Fprintf(a.stdout, "  %-9s %s\n", p[0], plain(p[1]))
		}
	}
}
