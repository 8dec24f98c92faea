package daemon

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file is about a configured external port that somebody else holds: another PC, or ourselves
// under a former address. It is not fought over. Another external port is kept open meanwhile,
// because an opponent in Kaillera P2P types address and port, and when ours comes free the mapping
// moves back, but never under a game.

// mostAway is how many ports beyond the configured one are tried.
const mostAway = 16

// want is the external port to ask for.
func (p *portState) want() uint16 {
	if p.elsewhere != 0 {
		return p.elsewhere
	}
	return p.port.ExternalPort
}

// nextElsewhere is the next external port to try that no configured port wants; 0: no more.
func (s *state) nextElsewhere(p *portState) uint16 {
	for n := int(p.want()) + 1; n <= min(int(p.port.ExternalPort)+mostAway, 65535); n++ {
		if !s.wantedByOther(p, uint16(n)) {
			return uint16(n)
		}
	}
	return 0
}

// wantedByOther reports whether another configured port wants that external port.
func (s *state) wantedByOther(p *portState, external uint16) bool {
	return slices.ContainsFunc(s.ports, func(o portState) bool {
		return o.port.Name != p.port.Name && o.port.Transport == p.port.Transport &&
			(o.port.ExternalPort == external || o.want() == external)
	})
}

// displace plans to try the next external port when everybody says that the present one is taken.
func (p *planner) displace(i int) {
	port := &p.s.ports[i]
	if p.s.settings.Router.OtherExternalPort && p.s.refusedByAll(port) && p.s.taken(port) && !port.elsewhereOff.After(p.now) {
		p.dec.Do = append(p.dec.Do, Action{Kind: Displace, Port: i})
	}
}

// taken reports whether the port that is asked for is said to be somebody else's.
func (s *state) taken(p *portState) bool {
	if _, other := s.heldByOther(p); other {
		_, wrong := p.misdirected()
		return !wrong
	}
	for _, r := range p.refusals {
		var no *portmap.Refusal
		if errors.As(r.err, new(otherPortError)) || errors.As(r.err, &no) && no.Kind == portmap.Conflict {
			return true
		}
	}
	return false
}

// misdirected reports whether the router wrote another address down than the one asked for, and which.
func (p *portState) misdirected() (netip.AddrPort, bool) {
	var wrong misdirectedError
	is := errors.As(p.refusals[portmap.UPnP].err, &wrong)
	return wrong.holds, is
}

// learnDisplaced: the external port is another one from now on.
func (s *state) learnDisplaced(i int, to uint16, now time.Time) {
	p := &s.ports[i]
	if to == 0 { // no other port is to be had: back to waiting for the configured one
		s.learnNoElsewhere(i, now)
		return
	}
	if p.elsewhere == 0 {
		p.homeEntry, p.homeRefusals, p.backDue = p.entry, p.refusals, now.Add(backEvery)
	}
	p.elsewhere = to
	p.entry, p.lookDue = Fact[portmap.Entry]{}, time.Time{}
	p.refusals = map[portmap.Protocol]refusal{}
}

// resumeElsewhere goes on with the other external port that an earlier run held at this router: a match
// may be going on through it. From there the way back is the usual one.
func (s *state) resumeElsewhere(now time.Time) {
	for i := range s.ports {
		p := &s.ports[i]
		home, held := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.port.ExternalPort)
		if held && home.Internal == s.internal(p) || !s.settings.Router.OtherExternalPort {
			continue
		}
		last := min(int(p.port.ExternalPort)+mostAway, 65535)
		for n := int(p.port.ExternalPort) + 1; n <= last && p.elsewhere == 0; n++ {
			external := uint16(n)
			e, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), external)
			if ours && e.Internal == s.internal(p) && !s.wantedByOther(p, external) {
				p.elsewhere, p.backDue = external, now.Add(backEvery)
			}
		}
	}
}

// learnNoElsewhere: this router gives no other external port. It is left in peace with that for a
// while.
func (s *state) learnNoElsewhere(i int, now time.Time) {
	p := &s.ports[i]
	if p.elsewhere != 0 {
		p.elsewhere, p.entry, p.refusals = 0, p.homeEntry, p.homeRefusals
	}
	p.elsewhereOff = now.Add(backEvery)
}

// learnHome takes a read-back of the configured port while the mapping is elsewhere.
func (s *state) learnHome(i int, f Fact[portmap.Entry]) {
	p := &s.ports[i]
	p.homeDue = f.At.Add(s.readBack())
	if gone(f.Err) {
		s.learnGone(portmap.UPnP, f.Err, f.At)
		return
	}
	p.homeEntry = f
}

// moveBack plans to look whether the configured port is free again, and to move back when it is.
func (p *planner) moveBack(i int) {
	port := &p.s.ports[i]
	if port.elsewhere == 0 || port.mapping == nil {
		return
	}
	upnp := p.s.router.clients[portmap.UPnP] != nil
	if upnp && p.due(port.homeDue, "see whether the port is free again") {
		p.dec.Look.Homes = append(p.dec.Look.Homes, i)
		return
	}
	if port.hosted() {
		return // rule 13: not under a game
	}
	free := errors.Is(port.homeEntry.Err, portmap.ErrNoEntry) ||
		port.homeEntry.Known() && port.homeEntry.Value.Internal == p.s.internal(port)
	blind := !upnp && p.due(p.s.blindBack(port), "try the port again") // deleting and mapping is the only way to know
	if free || blind {
		p.dec.Do = append(p.dec.Do, Action{Kind: MoveBack, Port: i})
	}
}

// blindBack is when to try to move back at a router whose table cannot be read: now and then, and
// when the lease of our own former address is over.
func (s *state) blindBack(p *portState) time.Time {
	if old, ours := s.ownOld(p); ours && !old.Expires.IsZero() && old.Expires.Before(p.backDue) {
		return old.Expires.Add(time.Second)
	}
	return p.backDue
}

// ownOld finds our own entry for the configured port that leads to a former address of ours.
func (s *state) ownOld(p *portState) (OwnEntry, bool) {
	e, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.port.ExternalPort)
	return e, ours && e.Internal != s.internal(p)
}

// ourOwn reports whether the entry for the port that is asked for is recorded as ours.
func (s *state) ourOwn(p *portState) bool {
	_, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.want())
	return ours
}

// holder is the LAN address that holds the configured port; not valid while not known.
func (s *state) holder(p *portState) netip.Addr {
	if holds, wrong := p.misdirected(); wrong {
		return holds.Addr()
	}
	f := p.entry
	if p.elsewhere != 0 {
		f = p.homeEntry
	}
	if !f.Known() || f.Value.Internal == s.internal(p) {
		if old, ours := s.ownOld(p); ours {
			return old.Internal.Addr()
		}
		return netip.Addr{}
	}
	return f.Value.Internal.Addr()
}

// release gives the mapping at the other port back; the next turn asks for the configured one.
func (d *Daemon) release(ctx context.Context, i int) {
	p := &d.state.ports[i]
	if p.up.mapping != nil {
		d.unmap(ctx, *p.up.mapping)
		p.up.mapping = nil
	}
	if p.mapping != nil {
		d.unmap(ctx, *p.mapping)
	}
	p.mapping, p.elsewhere = nil, 0
	p.entry, p.homeEntry = Fact[portmap.Entry]{}, Fact[portmap.Entry]{}
	p.refusals = map[portmap.Protocol]refusal{}
	p.backDue = d.world.Now().Add(backEvery)
}

// removeEntry deletes the router's entry for an external port, whoever it leads to: our own one
// from a former address, or another PC's when a person has asked for that.
func (d *Daemon) removeEntry(ctx context.Context, i int, external uint16) error {
	client := d.state.router.clients[portmap.UPnP]
	if client == nil {
		return errors.New("only a router that speaks UPnP lets an entry of another device be removed, and this one does not")
	}
	p := &d.state.ports[i]
	m := portmap.Mapping{Protocol: portmap.UPnP, Gateway: client.Gateway(), Transport: p.transport(),
		External: netip.AddrPortFrom(netip.Addr{}, external)}
	var err error
	if !d.ask(ctx, client, func(ctx context.Context) { err = client.Unmap(ctx, m) }) {
		return errors.New("the network changed meanwhile")
	}
	if err == nil {
		d.state.memory = d.state.memory.without(OwnEntry{MAC: d.state.mac, Gateway: m.Gateway, Transport: m.Transport, External: external})
	}
	return err
}

// removeOld tries once to delete our own entry from a former address.
func (d *Daemon) removeOld(ctx context.Context, i int) {
	p := &d.state.ports[i]
	p.triedOld = true
	if err := d.removeEntry(ctx, i, p.want()); err != nil {
		stays := "it stays until it is deleted there"
		if old, ours := d.state.ownOld(p); ours && !old.Expires.IsZero() {
			stays = "it ends with its lease at " + old.Expires.Local().Format("15:04")
		}
		d.log.Info("the router does not let us remove our entry from our former address; "+stays, "port", p.port.Name, "error", err)
		return
	}
	p.entry = Fact[portmap.Entry]{}
	p.refusals = map[portmap.Protocol]refusal{}
}
