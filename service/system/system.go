// Package system is Portsitter as a service of the operating system: what the service manager knows
// about it, how it is installed, started and stopped, and how it talks to the service manager while
// it runs. It alone knows github.com/kardianos/service, whose pitfalls are dealt with here.
package system

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kardianos/service"
)

// State is how the service is, as its manager tells.
type State string

// The states.
const (
	Absent   State = "absent" // not installed
	Stopped  State = "stopped"
	Starting State = "starting" // also: waiting to be started again after it failed
	Running  State = "running"
	Stopping State = "stopping"
	Failed   State = "failed" // it ended by itself and is not started again
	Masked   State = "masked" // an administrator has forbidden systemd to start it
)

// Origin tells who made the service.
type Origin string

// The origins.
const (
	Ours     Origin = "portsitter" // `portsitter install`
	Package  Origin = "package"    // a package manager
	Stranger Origin = "stranger"   // somebody else: not to be touched
)

// Service is what the service manager tells about the service called Portsitter.
type Service struct {
	Manager    string // "systemd", "Windows", or what kardianos/service calls it; "": none that is known runs here
	State      State
	Origin     Origin    // "" when Absent
	Definition string    // where the service is written down: unit file, init script or registry key
	Program    string    // the executable that it runs; "" when not known
	Copied     bool      // `portsitter install` put Program there
	Outdated   bool      // this version of Portsitter would write the definition otherwise
	AutoStart  bool      // starts with the PC
	PID        int       // 0 when not running
	Since      time.Time // of State; zero when not known
	Says       string    // the service's own word, or why it failed
}

// Errors that the words for a person depend on.
var (
	// ErrNotPermitted: this takes root, or an elevated administrator.
	ErrNotPermitted = errors.New("not permitted")
	// ErrNoManager: no service manager that is known runs here, as in most containers.
	ErrNoManager = errors.New("no service manager runs here")
	// ErrTooLong: the service manager did not answer within 30 s.
	ErrTooLong = errors.New("it did not happen within 30 s")
	// ErrDeleting: Windows deletes the service once nobody looks at it any more.
	ErrDeleting = errors.New("the service is still being deleted by Windows")
)

// patience bounds every order to a service manager: kardianos/service waits without end for a
// Windows service to stop (its issue 337).
const patience = 30 * time.Second

// Manager is the service manager of this system. Its zero value is ready for use.
type Manager struct{}

// Look asks the service manager how the service is. A service that is not installed is no error.
func (Manager) Look(ctx context.Context) (Service, error) { return look(ctx) }

// Installed says, without asking the service manager, whether there is a service called Portsitter.
func (Manager) Installed() bool { return installed() }

// Allowed returns ErrNotPermitted when this process may not change services.
func (Manager) Allowed() error { return allowed() }

// Install makes a service of program, an absolute path, and lets it start with the PC; it does not
// start it now. copied is remembered for the day of uninstalling. There must be no such service yet.
func (Manager) Install(ctx context.Context, program string, copied bool) error {
	if err := prepare(); err != nil {
		return err
	}
	return order(ctx, program, copied, func(s service.Service) error { return install(s, program, copied) })
}

// Uninstall takes the service away; it has to be stopped.
func (Manager) Uninstall(ctx context.Context) error {
	return order(ctx, "", false, uninstall)
}

// Start starts the service. Under systemd it is up on return; elsewhere it may still be Starting.
func (Manager) Start(ctx context.Context) error {
	return order(ctx, "", false, service.Service.Start)
}

// Stop stops the service and waits until it has stopped.
func (Manager) Stop(ctx context.Context) error {
	return order(ctx, "", false, stop)
}

// Restart stops the running service and starts it again.
func (Manager) Restart(ctx context.Context) error {
	return order(ctx, "", false, service.Service.Restart)
}

// order has do carried out, for at most the time of patience.
func order(ctx context.Context, program string, copied bool, do func(service.Service) error) error {
	s, err := service.New(idle{}, config(program, copied))
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrNoManager, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrTooLong)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(s) }()
	select {
	case err := <-done:
		return explain(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func config(program string, copied bool) *service.Config {
	return &service.Config{
		Name:        Name,
		DisplayName: "Portsitter",
		Description: "Keeps a port of this PC open on the home router, so that others can join the game you host.",
		UserName:    userName,
		Executable:  program,
		Arguments:   []string{"service", "run"},
		Option:      options(program, copied),
	}
}

// idle stands where kardianos/service wants a program to run: giving orders runs none.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }
