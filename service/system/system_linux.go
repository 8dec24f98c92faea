package system

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"
)

// Name is what the service manager calls the service.
const Name = "portsitter"

// userName is for service managers that are not systemd: there the service runs as root.
const userName = ""

// ownUnit is where an administrator's units are, and so what `portsitter install` makes.
const ownUnit = "/etc/systemd/system/portsitter.service"

func onSystemd() bool { return service.Platform() == "linux-systemd" }

func installed() bool {
	for _, path := range []string{
		ownUnit, "/usr/lib/systemd/system/portsitter.service", "/lib/systemd/system/portsitter.service",
		"/etc/init.d/portsitter", "/etc/init/portsitter.conf",
	} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

func look(ctx context.Context) (Service, error) {
	if !onSystemd() {
		s, err := lookOther()
		if s.State == Absent && prepare() != nil {
			s.Manager = ""
		}
		return s, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrTooLong)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", "show", Name+".service", "--property="+systemdProperties)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	answer, err := cmd.Output()
	if err != nil {
		return Service{Manager: "systemd"}, fmt.Errorf("systemd could not be asked (systemctl show: %w)", err)
	}
	s := parseSystemd(string(answer))
	if s.State == Absent || s.Definition == "" {
		return s, nil
	}
	text, err := os.ReadFile(s.Definition)
	if err != nil {
		s.Origin = Stranger
		return s, nil
	}
	return originOf(s, string(text)), nil
}

func allowed() error {
	if os.Geteuid() != 0 {
		return ErrNotPermitted
	}
	return nil
}

// prepare refuses where an init script would be written that nobody ever starts: kardianos/service
// takes everything for System V that it does not know, a container with a shell as process 1, too.
func prepare() error {
	if service.Platform() != "unix-systemv" {
		return nil
	}
	name, err := os.ReadFile("/proc/1/comm")
	if first := strings.TrimSpace(string(name)); err != nil || first != "init" {
		return fmt.Errorf("%w (process 1 is %q)", ErrNoManager, first)
	}
	return nil
}

func options(program string, copied bool) service.KeyValue {
	if !onSystemd() {
		return service.KeyValue{}
	}
	return service.KeyValue{"SystemdScript": unitFor(program, copied)}
}

func install(s service.Service, program string, copied bool) error {
	if !onSystemd() {
		return s.Install()
	}
	if err := plainPath(program); err != nil {
		return err
	}
	err := s.Install()
	if err != nil {
		removeUnfinished(ownUnit)
		return err
	}
	// Whatever umask root has: everybody who asks may read how the service is made.
	return os.Chmod(ownUnit, 0o644)
}

// removeUnfinished takes away what an installation that failed left behind: kardianos/service would
// refuse to install over it.
func removeUnfinished(path string) {
	text, err := os.ReadFile(path)
	if origin, _, _ := readUnit(string(text)); err == nil && (len(text) == 0 || origin == Ours) {
		os.Remove(path)
		os.Remove(filepath.Join(filepath.Dir(path), "multi-user.target.wants", filepath.Base(path)))
	}
}

func stop(s service.Service) error { return s.Stop() }

func uninstall(s service.Service) error {
	err := s.Uninstall()
	if err == nil && onSystemd() {
		// A service that had failed would stay in systemd's list; one that had not makes this fail.
		exec.Command("systemctl", "reset-failed", Name+".service").Run()
	}
	return err
}

func explain(err error) error { return err }

// BySignals says whether this process is asked to stop by signals, as here it always is.
func BySignals() bool { return true }

// Run does work as the service, until the service manager asks it to stop; ctx must end then.
func Run(ctx context.Context, work func(context.Context) error) error { return work(ctx) }
