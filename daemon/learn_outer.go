package daemon

import (
	"errors"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// This file takes what the router says about itself: its outer address, and its epoch.

// learnOuter takes the router's word about itself, asked by one protocol.
func (s *state) learnOuter(protocol portmap.Protocol, f Fact[portmap.Outer]) {
	r := &s.router
	unspoken := !f.Value.HasEpoch && refusedAs(f.Err, portmap.NotSupported) // the other protocol's no at the port that both share
	if gone(f.Err) || unspoken {
		s.learnGone(protocol, f.Err, f.At)
		return
	}
	r.answered = f.At
	if protocol != portmap.UPnP || s.outerProtocol() == portmap.UPnP { // beside the others it is asked for the address alone
		r.outerDue = f.At.Add(s.outerEvery())
	}
	if f.Value.HasEpoch {
		s.learnEpoch(protocol, f.Value, f.At)
	}
	switch {
	case f.Err != nil:
		s.learnNoOuter(f.Err, f.At)
	case protocol != portmap.PCP || !r.outer.Asked(): // PCP's ANNOUNCE tells no address, or that of an old grant
		s.learnOuterAddr(f.Value.Addr, f.At)
	}
}

// learnNoOuter: the router refuses to tell its outer address, most likely because it has none.
func (s *state) learnNoOuter(err error, now time.Time) {
	s.router.outer, s.router.addressDue = failed[portmap.Outer](err, now), now.Add(s.addressEvery())
	if refusedAs(err, portmap.NoOuterAddress) {
		s.outerIsLost(now)
	}
}

// outerIsLost: a router that has told its outer address says that it has none now. The checks from
// outside so far count no more, and somebody on the internet is asked what he sees.
func (s *state) outerIsLost(now time.Time) {
	if r := &s.router; r.lastOuter.IsValid() && r.outerLost.IsZero() {
		r.outerLost = now
		s.addressChanged(now)
		s.askWhoSees(now)
	}
}

// askWhoSees makes a source on the internet due that has not been heard since the outer address was
// lost; an answer may have been under way just then.
func (s *state) askWhoSees(now time.Time) {
	switch u, set := &s.public, s.settings.PublicIP; {
	case s.router.outerLost.IsZero():
	case len(set.STUN) > 0 && !s.heardSinceLoss(u.stun):
		u.stunDue = now
	case len(set.STUN) == 0 && !s.heardSinceLoss(u.http):
		u.httpDue = now
	}
}

// heardSinceLoss reports whether a source was asked since the outer address was lost. That it could not
// be reached shortly before is the same news.
func (s *state) heardSinceLoss(f Fact[netip.Addr]) bool {
	at := f.At
	if f.Err != nil {
		at = at.Add(epochEvery)
	}
	return f.Asked() && !at.Before(s.router.outerLost)
}

// offline reports whether the router says that it has lost its outer address, and nobody on the
// internet has seen us since. A refused renewal is not always about that (NO_RESOURCES, bitcoin#30043),
// so the question has to be put first.
func (s *state) offline() bool {
	u, set := &s.public, s.settings.PublicIP
	switch {
	case s.router.outerLost.IsZero() || !set.Router:
		return false
	case s.heardSinceLoss(u.http) && u.http.Known() || s.heardSinceLoss(u.stun) && u.stun.Known():
		return false
	case len(set.STUN) > 0:
		return s.heardSinceLoss(u.stun)
	}
	return len(set.HTTP) == 0 || s.heardSinceLoss(u.http)
}

// refusedAs tells whether an error is a router's refusal of that kind.
func refusedAs(err error, kind portmap.Kind) bool {
	var no *portmap.Refusal
	return errors.As(err, &no) && no.Kind == kind
}

// learnOuterAddr takes the router's outer address; not valid when it does not tell.
func (s *state) learnOuterAddr(a netip.Addr, now time.Time) {
	r := &s.router
	r.addressDue = now.Add(s.addressEvery())
	if r.lastOuter.IsValid() && a.IsValid() && r.lastOuter != a {
		s.public.http, s.public.stun = Fact[netip.Addr]{}, Fact[netip.Addr]{} // about the address that was
		s.addressChanged(now)
		s.forgetUpstream()
		s.public.httpDue, s.public.stunDue = now, now // a change: see what the internet says
	}
	if publicip.KindOf(a) == publicip.Public && !s.outerAddr().IsValid() { // the router has its address: what it refused for want of one it may grant now
		for i := range s.ports {
			s.ports[i].forgive(portmap.NoOuterAddress, now)
		}
	}
	if a.IsValid() {
		if !r.outerLost.IsZero() {
			r.outerLost, s.public.stunDue = time.Time{}, now
		}
		r.lastOuter = a
	} else {
		s.outerIsLost(now)
	}
	r.outer = known(portmap.Outer{Addr: a}, now)
}

// addressChanged makes the checks from outside so far count no more.
func (s *state) addressChanged(now time.Time) {
	for i := range s.ports {
		s.ports[i].changed = now
	}
}

// forgive ends the pause after refusals of one kind.
func (p *portState) forgive(kind portmap.Kind, now time.Time) {
	for protocol, r := range p.refusals {
		if refusedAs(r.err, kind) {
			r.until = now
			p.refusals[protocol] = r
		}
	}
}

// learnEpoch applies the rule of RFC 6887 section 8.5: a router whose clock went back has lost its
// table, and everything has to be mapped again.
func (s *state) learnEpoch(protocol portmap.Protocol, o portmap.Outer, now time.Time) {
	r := &s.router
	if r.epochs[protocol] == nil {
		r.epochs[protocol] = &portmap.EpochClock{Protocol: protocol}
	}
	lost := r.epochs[protocol].Lost(now, o.Epoch)
	r.bootedAt = now.Add(-time.Duration(o.Epoch) * time.Second).Truncate(time.Second)
	why := "The router has restarted"
	if protocol == portmap.PCP || o.Addr.IsValid() && o.Addr != r.lastOuter { // another outer address starts it anew, too
		why = "The router has restarted or dialed in anew"
	}
	if lost {
		r.addressDue = now
	}
	for i := range s.ports {
		p := &s.ports[i]
		if p.mapping == nil {
			s.lostBefore(p)
			continue
		}
		if p.mapping.Protocol == portmap.UPnP {
			if lost {
				p.lookDue = now // its table can be read
			}
			continue
		}
		if lost {
			open := later(p.verified, p.mapping.Granted) // until then it was
			p.lose(why, earlier(now, later(open, r.bootedAt)))
		} else if r.clients[p.mapping.Protocol] != nil {
			p.verified = now
		}
	}
}
