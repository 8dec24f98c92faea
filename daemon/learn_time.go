package daemon

import (
	"slices"
	"time"
)

// This file is about the PC's clock: what time alone takes away, and what follows when it is set.

// learnTime lets go of what the clock alone takes away.
func (s *state) learnTime(now time.Time) {
	now = now.Round(0) // the wall clock alone: the other one is never set
	if now.Before(s.turned.Add(-time.Minute)) {
		s.clockSetBack(now)
	}
	s.turned = now
	for i := range s.ports {
		p := &s.ports[i]
		if m := p.up.mapping; m != nil && m.Lease != 0 && !now.Before(m.Expires()) {
			p.up.mapping = nil
		}
		if m := p.mapping; m != nil && m.Lease != 0 && !now.Before(m.Expires()) {
			p.lose("The lease has ended", m.Expires())
			p.leaseEnded = now
		}
		if e, still := s.lingering(p); still && !e.Expires.IsZero() && !now.Before(e.Expires) {
			p.changed, p.leaseEnded = now, now // what came in by it says nothing any more
		}
	}
	s.memory = s.memory.expired(now)
}

// clockSetBack makes everything due that was planned by a clock which has been set back since: else
// it would wait for the day to come again.
func (s *state) clockSetBack(now time.Time) {
	r, u := &s.router, &s.public
	r.outerDue, r.addressDue, u.httpDue, u.stunDue = now, now, now, now
	r.outerLost = earlier(r.outerLost, now)
	if !r.again.IsZero() {
		r.again = now
	}
	r.knockDue = time.Time{}
	r.answered, r.hinted, r.begun = now, time.Time{}, earlier(r.begun, now)
	s.upstream.outerDue, s.upstream.again = now, now
	s.memory.Checks = slices.DeleteFunc(slices.Clone(s.memory.Checks), func(at time.Time) bool { return at.After(now) })
	for i := range s.ports {
		p := &s.ports[i]
		p.lookDue, p.homeDue, p.ownersDue, p.firewall.due = now, now, now, now
		p.leaseEnded = earlier(p.leaseEnded, now)
		p.backDue, p.elsewhereOff, p.check.repaired = now.Add(backEvery), time.Time{}, time.Time{}
		p.shutSince, p.lostAt = earlier(p.shutSince, now), earlier(p.lostAt, now)
		outdated := p.check.last.At.Before(p.changed)
		p.changed, p.check.last.At = earlier(p.changed, now), earlier(p.check.last.At, now)
		if outdated { // and it stays so
			p.check.last.At = earlier(p.check.last.At, p.changed.Add(-time.Second))
		}
		for protocol, no := range p.refusals {
			no.until = now
			p.refusals[protocol] = no
		}
	}
}
