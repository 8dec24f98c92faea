package daemon

import (
	"errors"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
)

// This file turns news into state: what was read, what the router answered. Nothing here acts.

// learnTime lets go of what the clock alone takes away.
func (s *state) learnTime(now time.Time) {
	for i := range s.ports {
		p := &s.ports[i]
		if m := p.mapping; m != nil && m.Lease != 0 && !now.Before(m.Expires()) {
			p.mapping = nil
		}
	}
	s.memory = s.memory.expired(now)
}

// learnRoute takes a reading of the way out and reports whether it is another one than before.
func (s *state) learnRoute(f Fact[route.Report], mac string) (changed bool) {
	before := s.way()
	s.route = f
	if mac != "" {
		s.mac = mac
	}
	if s.way() == before {
		return false
	}
	// Another way out is another router for all we know: whatever was learnt about the old one does
	// not hold here. The recorded entries stay recorded until their lease ends.
	search := s.router.search
	s.router = newRouterState()
	s.router.search = search + 1
	s.mac = mac
	for i := range s.ports {
		s.ports[i] = portState{port: s.ports[i].port, refusals: map[portmap.Protocol]refusal{}}
	}
	s.public.httpDue, s.public.stunDue = time.Time{}, time.Time{}
	s.public.http, s.public.stun = Fact[netip.Addr]{}, Fact[netip.Addr]{}
	return true
}

// learnSearch notes that a search has begun and returns its number.
func (s *state) learnSearch(now time.Time) int {
	r := &s.router
	r.search++
	r.running, r.begun, r.again = true, now, time.Time{}
	r.errs = map[portmap.Protocol]error{}
	return r.search
}

// learnAnswer takes one protocol's answer in search number n.
func (s *state) learnAnswer(n int, a portmap.Answer, now time.Time) {
	r := &s.router
	if n != r.search {
		return
	}
	if a.Client == nil {
		if r.clients[a.Protocol] == nil {
			r.errs[a.Protocol] = a.Err
		}
		return
	}
	returned := r.clients[a.Protocol] == nil
	r.clients[a.Protocol] = a.Client
	delete(r.errs, a.Protocol)
	r.rounds, r.answered = 0, now
	if loc := a.Client.Device().Location; loc != "" {
		s.remember(func(m *RouterMemory) { m.Location = loc }, now)
	}
	if a.Outer.Addr.IsValid() || a.Outer.HasEpoch {
		s.learnOuter(a.Protocol, known(a.Outer, now))
	}
	if !returned {
		return
	}
	for i := range s.ports { // it was away: see whether it still holds what it granted
		if p := &s.ports[i]; p.mapping != nil && p.mapping.Protocol == a.Protocol {
			p.lookDue = now
		}
	}
}

// learnSearchEnd notes that search number n is over.
func (s *state) learnSearchEnd(n int, now time.Time) {
	r := &s.router
	if n != r.search {
		return
	}
	r.running = false
	if len(r.clients) == 0 {
		r.rounds++
		r.again = now.Add(searchPause(r.rounds))
	}
}

// learnGone notes that a protocol that had answered does not any more: search again, at once if the
// last search is not just over.
func (s *state) learnGone(p portmap.Protocol, err error, now time.Time) {
	r := &s.router
	delete(r.clients, p)
	r.errs[p] = err
	if r.running {
		return
	}
	r.again = later(now, r.begun.Add(searchAtMostEvery))
}

// gone tells whether an error means that nobody is there, as opposed to somebody saying no.
func gone(err error) bool {
	var no *portmap.Refusal
	return err != nil && !errors.As(err, &no) && !errors.Is(err, portmap.ErrNoEntry) && !errors.Is(err, portmap.ErrCannotLook)
}

// learnGrant takes a granted mapping, new or renewed.
func (s *state) learnGrant(i int, m portmap.Mapping, now time.Time) {
	p := &s.ports[i]
	fresh := p.mapping == nil
	p.mapping = &m
	p.manual = false
	p.refusals = map[portmap.Protocol]refusal{}
	s.router.answered = now
	if fresh {
		p.changed = now
		p.reads, p.verified, p.lookDue = 0, time.Time{}, now
		p.entry = Fact[portmap.Entry]{}
		s.router.outerDue = now
		if s.router.outer.Known() || m.External.Addr().IsValid() {
			s.router.outerDue = now.Add(secondLook)
		}
	}
	if m.External.Addr().IsValid() {
		s.learnOuterAddr(m.External.Addr(), now)
	}
	s.memory = s.memory.withEntry(OwnEntry{
		MAC: s.mac, Gateway: m.Gateway, Protocol: m.Protocol, Transport: m.Transport,
		Internal: m.Internal, External: m.External.Port(), Expires: m.Expires(),
	})
	s.remember(func(r *RouterMemory) {
		if m.Protocol == portmap.UPnP {
			r.Permanent = m.Lease == 0
		}
	}, now)
}

// remember changes what is kept about the present router.
func (s *state) remember(change func(*RouterMemory), now time.Time) {
	r, _ := s.memory.router(s.mac, s.way().Gateway)
	if s.mac != "" {
		r.MAC = s.mac
	}
	r.Gateway, r.Seen = s.way().Gateway, now
	change(&r)
	s.memory = s.memory.withRouter(r)
}

// learnNo notes that a mapping request came to nothing.
func (s *state) learnNo(i int, protocol portmap.Protocol, err error, now time.Time) {
	p := &s.ports[i]
	n := p.refusals[protocol].count + 1
	p.refusals[protocol] = refusal{err: err, count: n, until: now.Add(refusalPause(err, n))}
	if gone(err) && !isOurs(err) {
		s.learnGone(protocol, err, now)
		return
	}
	s.router.answered = now
	if isOurs(err) {
		p.mapping = nil
	} // else a renewal was refused: what was granted holds until its lease ends
}

// isOurs tells whether an error is a judgement of ours about an answer, not a missing answer.
func isOurs(err error) bool {
	return errors.As(err, new(otherPortError)) || errors.As(err, new(misdirectedError)) || errors.Is(err, errNotKept)
}

// learnEntry takes the read-back of a port's external port.
func (s *state) learnEntry(i int, f Fact[portmap.Entry]) {
	p := &s.ports[i]
	now := f.At
	// Some routers call every entry switched off, so only the change counts as somebody's doing.
	switchedOff := p.entry.Known() && p.entry.Value.Enabled && f.Known() && !f.Value.Enabled
	p.entry = f
	p.lookDue = now.Add(s.readBack())
	switch {
	case gone(f.Err):
		s.learnGone(portmap.UPnP, f.Err, now)
	case errors.Is(f.Err, portmap.ErrNoEntry):
		s.router.answered = now
		s.learnLost(i, now)
	case f.Err != nil: // a router that cannot read entries back; the grant has to do
		s.router.answered = now
	case f.Value.Internal == s.internal(p) && switchedOff && p.mapping != nil:
		s.router.answered = now
		p.mapping = nil // ask again
	case f.Value.Internal == s.internal(p):
		s.router.answered = now
		s.learnHeld(i, now)
	default:
		s.router.answered = now
		s.learnOther(i, f.Value.Internal, now)
	}
}

// learnOther: the router's table leads the external port to somebody else.
func (s *state) learnOther(i int, holds netip.AddrPort, now time.Time) {
	p := &s.ports[i]
	if p.mapping != nil && p.reads == 0 { // nobody was that fast: the router wrote it down wrong
		s.learnNo(i, p.mapping.Protocol, misdirectedError{asked: s.internal(p), holds: holds}, now)
	}
	p.mapping, p.manual = nil, false
}

// learnLost: the router's table has no entry where we look for ours.
func (s *state) learnLost(i int, now time.Time) {
	p := &s.ports[i]
	p.manual = false
	if p.mapping == nil {
		return
	}
	settled := p.reads >= 2 // it has been seen at once and again about 10 s later
	protocol := p.mapping.Protocol
	p.mapping = nil
	if settled {
		return // it was there and is gone: simply map again
	}
	s.learnNo(i, protocol, errNotKept, now)
}

// learnHeld: the router's table leads the external port to us.
func (s *state) learnHeld(i int, now time.Time) {
	p := &s.ports[i]
	p.verified = now
	if p.mapping != nil {
		p.reads++
		if p.reads == 1 {
			p.lookDue = now.Add(secondLook)
		}
		return
	}
	_, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.port.ExternalPort)
	p.manual = !ours && p.entry.Value.Description != portmap.Description
}

// learnOuter takes the router's word about itself, asked by one protocol.
func (s *state) learnOuter(protocol portmap.Protocol, f Fact[portmap.Outer]) {
	r := &s.router
	if gone(f.Err) {
		s.learnGone(protocol, f.Err, f.At)
		return
	}
	r.answered, r.outerDue = f.At, f.At.Add(s.outerEvery())
	if f.Value.HasEpoch {
		s.learnEpoch(protocol, f.Value.Epoch, f.At)
	}
	if f.Err != nil {
		r.outer = failed[portmap.Outer](f.Err, f.At)
		return
	}
	if f.Value.Addr.IsValid() || protocol != portmap.PCP || !r.outer.Asked() { // PCP's ANNOUNCE tells no address
		s.learnOuterAddr(f.Value.Addr, f.At)
	}
}

// learnOuterAddr takes the router's outer address; not valid when it does not tell.
func (s *state) learnOuterAddr(a netip.Addr, now time.Time) {
	r := &s.router
	if r.outer.Known() && r.outer.Value.Addr.IsValid() && r.outer.Value.Addr != a {
		s.addressChanged(now)
		s.public.httpDue, s.public.stunDue = now, now // a change: see what the internet says
	}
	r.outer = known(portmap.Outer{Addr: a}, now)
}

// addressChanged makes the checks from outside so far count no more.
func (s *state) addressChanged(now time.Time) {
	for i := range s.ports {
		s.ports[i].changed = now
	}
}

// learnEpoch applies the rule of RFC 6887 section 8.5: a router whose clock went back has lost its
// table, and everything has to be mapped again.
func (s *state) learnEpoch(protocol portmap.Protocol, epoch uint32, now time.Time) {
	r := &s.router
	if r.epochs[protocol] == nil {
		r.epochs[protocol] = &portmap.EpochClock{Protocol: protocol}
	}
	lost := r.epochs[protocol].Lost(now, epoch)
	r.bootedAt = now.Add(-time.Duration(epoch) * time.Second).Truncate(time.Second)
	for i := range s.ports {
		p := &s.ports[i]
		if p.mapping == nil || p.mapping.Protocol == portmap.UPnP {
			continue
		}
		if lost {
			p.mapping = nil
		} else if r.clients[p.mapping.Protocol] != nil {
			p.verified = now
		}
	}
}

// learnPublic takes the answers of those who see us from the internet.
func (s *state) learnPublic(a publicAnswer, now time.Time, jitter float64) {
	u, set := &s.public, s.settings.PublicIP
	u.asking = false
	before := s.seenAddr()
	defer func() {
		if after := s.seenAddr(); before.IsValid() && after.IsValid() && before != after {
			s.addressChanged(now)
		}
	}()
	if a.http.Asked() {
		u.http = a.http
	}
	if a.stun.Asked() {
		u.stun = a.stun
	}
	if a.http.Known() || a.stun.Known() {
		u.failures = 0
	} else {
		u.failures++
	}
	spread := func(d time.Duration) time.Time { return now.Add(time.Duration((0.9 + 0.2*jitter) * float64(d))) }
	if a.http.Asked() {
		u.httpDue = spread(publicPause(a.http.Err, u.failures, set.HTTPEvery))
	}
	if a.stun.Asked() {
		u.stunDue = spread(publicPause(a.stun.Err, u.failures, set.STUNEvery))
	}
	s.dispute(now)
}

// dispute makes both sources due when they, or one of them and the router, tell different
// addresses: the other one shall decide, unless it has just been asked.
func (s *state) dispute(now time.Time) {
	u := &s.public
	told := map[netip.Addr]bool{}
	if o := s.router.outer; o.Known() && o.Value.Addr.IsValid() && s.settings.PublicIP.Router {
		told[o.Value.Addr] = true
	}
	for _, f := range []Fact[netip.Addr]{u.http, u.stun} {
		if f.Known() {
			told[f.Value] = true
		}
	}
	if len(told) < 2 {
		return
	}
	if now.Sub(u.http.At) > disputeEvery {
		u.httpDue = now
	}
	if now.Sub(u.stun.At) > disputeEvery {
		u.stunDue = now
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
