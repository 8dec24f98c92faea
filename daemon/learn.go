package daemon

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
)

// This file turns news into state: what was read, what the router answered. Nothing here acts.

// learnRoute takes a reading of the way out and reports whether it is another one than before.
func (s *state) learnRoute(f Fact[route.Report], mac string) (changed bool) {
	before := s.way()
	s.route = f
	if s.way().Valid() {
		s.wayless = time.Time{}
	} else if s.wayless.IsZero() {
		s.wayless = f.At
	}
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
		old := s.ports[i]
		s.ports[i] = portState{port: old.port, refusals: map[portmap.Protocol]refusal{}, shutSince: old.shutSince, lostAt: old.lostAt, perhapsShut: old.perhapsShut, told: old.told, granted: old.granted, tally: old.tally,
			check: checkState{id: old.check.id, repaired: old.check.repaired}}
		if old.mapping != nil {
			s.ports[i].lose("The network has changed", f.At)
		}
	}
	s.resumeElsewhere(f.At)
	s.forgetUpstream()
	s.public.httpDue, s.public.stunDue = time.Time{}, time.Time{}
	s.public.http, s.public.stun = Fact[netip.Addr]{}, Fact[netip.Addr]{}
	return true
}

// learnGrant takes a granted mapping, new or renewed.
func (s *state) learnGrant(i int, m portmap.Mapping, now time.Time) {
	p := &s.ports[i]
	fresh := p.mapping == nil
	if !fresh && p.mapping.External.Port() != m.External.Port() {
		p.changed = now
	}
	p.mapping = &m
	p.manual, p.lostWhy, p.unsure = false, "", false
	p.refusals = map[portmap.Protocol]refusal{}
	s.router.answered, s.router.addressDue = now, now.Add(s.addressEvery())
	if fresh && p.vain == 0 && m.Protocol == portmap.UPnP && s.knownRouter().Forgets {
		p.vain = 1 // let it be seen first that this time it keeps the entry
	}
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
	s.memory = s.memory.withEntry(s.ownEntry(m))
	s.remember(func(r *RouterMemory) {
		if m.Protocol == portmap.UPnP {
			r.Permanent = m.Lease == 0
		}
	}, now)
}

// ownEntry is how a mapping at the present router is recorded.
func (s *state) ownEntry(m portmap.Mapping) OwnEntry {
	return OwnEntry{MAC: s.mac, Gateway: m.Gateway, Protocol: m.Protocol, Transport: m.Transport,
		Internal: m.Internal, External: m.External.Port(), Granted: m.Granted, Expires: m.Expires()}
}

// remember changes what is kept about the present router.
func (s *state) remember(change func(*RouterMemory), now time.Time) {
	r, _ := s.memory.router(s.mac, s.way().Gateway)
	if s.mac != "" {
		r.MAC = s.mac
	}
	r.Gateway = s.way().Gateway
	if seen := now.Sub(r.Seen); seen < 0 || seen >= recordEvery {
		r.Seen = now
	}
	change(&r)
	s.memory = s.memory.withRouter(r)
}

// learnNo notes that a mapping request came to nothing.
func (s *state) learnNo(i int, protocol portmap.Protocol, err error, now time.Time) {
	p := &s.ports[i]
	if s.heldAllTheSame(p, protocol, err) {
		s.learnGrant(i, s.asRead(p, now), now)
		return
	}
	n := p.refusals[protocol].count + 1
	if isOurs(err) && !errors.As(err, new(otherPortError)) {
		p.vain++
		n = max(p.vain-1, 1) // it was asked once more before this verdict
	}
	p.refusals[protocol] = refusal{err: err, count: n, until: now.Add(refusalPause(err, n))}
	if protocol == portmap.PCP && s.onlyPCP() { // where UPnP tells the address, it is all the more to be asked
		s.router.addressDue = now.Add(s.readBack())
	}
	if protocol == portmap.PCP && s.onlyPCP() && refusedAs(err, portmap.NoOuterAddress) {
		s.learnNoOuter(err, now)
		p.refusals[protocol] = refusal{err: err, count: n, until: now.Add(min(refusalPause(err, n), s.readBack()))} // nothing else tells when it is back
	}
	if gone(err) && !isOurs(err) {
		s.learnGone(protocol, err, now)
		return
	}
	s.router.answered = now
	if p.elsewhere != 0 && p.mapping == nil && !s.taken(p) {
		s.learnNoElsewhere(i, now)
		return
	}
	if isOurs(err) {
		p.mapping = nil
	} // else a renewal was refused: what was granted holds until its lease ends
}

// heldAllTheSame reports whether a router says that the port is taken although its entry leads to us
// and is ours: some call a renewal that comes early a conflict (Open.NAT#14).
func (s *state) heldAllTheSame(p *portState, protocol portmap.Protocol, err error) bool {
	var no *portmap.Refusal
	_, recorded := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.want())
	return protocol == portmap.UPnP && errors.As(err, &no) && no.Kind == portmap.Conflict && p.mapping == nil &&
		p.entry.Known() && p.entry.Value.Internal == s.internal(p) && (recorded || p.entry.Value.Description == portmap.Description)
}

// asRead is the mapping that a read-back shows.
func (s *state) asRead(p *portState, now time.Time) portmap.Mapping {
	lease := p.entry.Value.Lease
	if lease == 0 {
		lease = s.settings.Router.Lease
	}
	return portmap.Mapping{Protocol: portmap.UPnP, Gateway: s.way().Gateway, Transport: p.transport(), Internal: s.internal(p),
		External: netip.AddrPortFrom(netip.Addr{}, p.want()), Lease: lease, Granted: now.Round(0)}
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
	p.entry, p.unsure = f, false
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
		p.lose("The entry was switched off in the router", now) // ask again
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
	p.lose("The router's entry leads to another address", now)
	p.manual = false
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
	p.lose("The router has lost the entry", now)
	switch {
	case settled: // it was there and is gone: simply map again
	case p.vain == 0: // it may have restarted that moment: ask once more before the verdict
		p.vain = 1
	default:
		s.remember(func(r *RouterMemory) { r.Forgets = true }, now)
		s.learnNo(i, protocol, errNotKept, now)
	}
}

// learnHeld: the router's table leads the external port to us.
func (s *state) learnHeld(i int, now time.Time) {
	p := &s.ports[i]
	p.verified = now
	if p.mapping != nil {
		p.reads++
		if p.reads == 1 {
			p.lookDue = now.Add(secondLook)
		} else {
			p.vain = 0
			if s.knownRouter().Forgets {
				s.remember(func(r *RouterMemory) { r.Forgets = false }, now)
			}
		}
		if left := p.entry.Value.Lease; left >= shortestLease && now.Add(left+time.Minute).Before(p.mapping.Expires()) {
			m := *p.mapping // the router keeps it for less than it was asked for
			m.Lease, m.Granted = left, now.Round(0)
			p.mapping = &m
		}
		return
	}
	_, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.want())
	p.manual = !ours && p.entry.Value.Description != portmap.Description && !s.outlived(p)
}

// outlived reports whether an entry that leads to us is one of ours after all: made by PCP or NAT-PMP,
// as its description says, and kept beyond its lease. So does a router whose mapping service was dead
// when the lease ended.
func (s *state) outlived(p *portState) bool {
	words := p.entry.Value.Description
	return (strings.HasPrefix(words, "PCP") || strings.HasPrefix(words, "NAT-PMP")) &&
		s.memory.lapsed(OwnEntry{MAC: s.mac, Gateway: s.way().Gateway, Transport: p.transport(), External: p.want(), Internal: s.internal(p)})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
