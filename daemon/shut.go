package daemon

import (
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file is about how long a port was shut: from the moment at which its mapping was lost, as far
// as that is known, and over restarts of this program. A router that only did not answer for a while
// and still held the entry has shut nothing.

// ShutPort is a port that was not open when this program last ran.
type ShutPort struct {
	Transport portmap.Transport `json:"transport"`
	Port      uint16            `json:"port"`
	Since     time.Time         `json:"since"`
	Perhaps   bool              `json:"perhaps,omitempty"` // the router did not answer; it may hold the entry
}

// lose lets go of a mapping that is not there any more.
func (p *portState) lose(why string, now time.Time) {
	if p.mapping != nil && p.lostAt.IsZero() {
		p.lostAt = now
	}
	p.mapping, p.lostWhy = nil, why
}

// shutFrom is since when a port is known to be shut, while it is; zero otherwise.
func (p *portState) shutFrom() time.Time {
	told := Port{Verdict: p.told.Verdict}
	switch {
	case !p.lostAt.IsZero() && (p.shutSince.IsZero() || p.lostAt.Before(p.shutSince)):
		return p.lostAt
	case p.lostAt.IsZero() && (p.perhapsShut || p.granted && (told.open() || p.told.Code == NoRouterAnswer)):
		return time.Time{} // the router did not answer for a while: that is all
	}
	return p.shutSince
}

// shutFor keeps the time since when a port is shut, and tells it in seconds when it opens.
func (d *Daemon) shutFor(e Event, now *Status) int64 {
	i := portIndex(now, e.Port)
	if i < 0 || i >= len(d.state.ports) {
		return 0
	}
	p := &d.state.ports[i]
	if !now.Ports[i].open() {
		if p.shutSince.IsZero() {
			p.shutSince = now.At
		}
		return 0
	}
	since := p.shutFrom()
	p.shutSince, p.lostAt, p.perhapsShut = time.Time{}, time.Time{}, false
	if since.IsZero() {
		return 0
	}
	return max(0, int64(now.At.Sub(since).Round(time.Second)/time.Second))
}

// shutPorts lists the ports that are shut, for the next run.
func (s *state) shutPorts() []ShutPort {
	var out []ShutPort
	for i := range s.ports {
		p := &s.ports[i]
		since := p.shutFrom()
		perhaps := since.IsZero()
		if perhaps {
			since = p.shutSince
		}
		if !since.IsZero() {
			out = append(out, ShutPort{p.transport(), p.port.Port, since.UTC().Round(0), perhaps})
		}
	}
	return out
}

// wasShut takes over since when a port was shut in an earlier run.
func (p *portState) wasShut(m Memory) {
	for _, was := range m.Shut {
		if was.Transport == p.transport() && was.Port == p.port.Port {
			p.shutSince, p.perhapsShut = was.Since, was.Perhaps
		}
	}
}

// lostBefore notes that the router has restarted since an earlier run of this program mapped a port:
// what is on record is not in its table any more.
func (s *state) lostBefore(p *portState) {
	booted := s.router.bootedAt
	own, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.want())
	if p.mapping == nil && !p.granted && (p.shutSince.IsZero() || p.perhapsShut) && ours && own.Granted.Before(booted) && !own.Granted.IsZero() {
		p.lostAt = booted
	}
}
