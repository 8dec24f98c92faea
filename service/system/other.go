//go:build !windows

package system

import (
	"errors"
	"os"
	"strings"

	"github.com/kardianos/service"
)

// lookOther asks a service manager that is not systemd, through kardianos/service. It tells little:
// whether the service runs, and by its script whether it is ours.
func lookOther() (Service, error) {
	s, err := service.New(idle{}, config("", false))
	if err != nil {
		return Service{State: Absent}, nil
	}
	out := Service{Manager: s.Platform(), State: Absent, AutoStart: true}
	for _, path := range []string{"/etc/init.d/" + Name, "/etc/init/" + Name + ".conf"} {
		if text, err := os.ReadFile(path); err == nil {
			out.Definition, out.State, out.Origin = path, Stopped, Stranger
			// Every script of kardianos/service holds the description.
			if strings.Contains(string(text), config("", false).Description) {
				out.Origin = Ours
			}
		}
	}
	status, err := s.Status()
	switch {
	case out.State == Absent && (err != nil || status == service.StatusUnknown):
	case errors.Is(err, service.ErrNotInstalled):
		out.State = Absent
	case err != nil:
		out.State, out.Says = Failed, err.Error()
	case status == service.StatusRunning:
		out.State = Running
	default:
		out.State = Stopped
	}
	return out, nil
}
