package daemon

import "time"

// lookedAt tells when what a rung says was last looked at; the zero time if it was not.
func (s *state) lookedAt(p *portState, rung string) (at time.Time) {
	switch rung {
	case StepNetwork:
		at = s.route.At
	case StepRouter:
		at = later(s.router.begun, s.router.answered)
	case StepInternet:
		at = later(s.router.outer.At, later(s.public.http.At, s.public.stun.At))
	case StepMapping:
		at = later(p.verified, p.entry.At)
		if p.mapping != nil {
			at = later(at, p.mapping.Granted)
		}
	case StepFirewall:
		at = p.firewall.last.At
	case StepGame:
		at = p.owners.At
	case StepOutside:
		at = p.check.last.At
	}
	return at
}
