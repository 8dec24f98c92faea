//go:build !linux && !windows

package system

import (
	"context"
	"os"

	"github.com/kardianos/service"
)

// Name is what the service manager calls the service.
const Name = "portsitter"

const userName = ""

func installed() bool {
	_, err := os.Stat("/etc/init.d/" + Name)
	return err == nil
}

func look(context.Context) (Service, error) { return lookOther() }

func allowed() error {
	if os.Geteuid() != 0 {
		return ErrNotPermitted
	}
	return nil
}

func prepare() error                                    { return nil }
func options(string, bool) service.KeyValue             { return service.KeyValue{} }
func install(s service.Service, _ string, _ bool) error { return s.Install() }
func stop(s service.Service) error                      { return s.Stop() }
func uninstall(s service.Service) error                 { return s.Uninstall() }
func explain(err error) error                           { return err }

// BySignals says whether this process is asked to stop by signals, as here it always is.
func BySignals() bool { return true }

// Run does work as the service, until the service manager asks it to stop; ctx must end then.
func Run(ctx context.Context, work func(context.Context) error) error { return work(ctx) }
