package daemon

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file keeps the second router's entries true: they are recorded as ours, read back where that is
// possible, and taken out when nobody wants them any more.

// upEntry is how a mapping at the second router is recorded: by the place, which is our own router's
// hardware address, and by that router's address behind it.
func (s *state) upEntry(m portmap.Mapping) OwnEntry {
	e := s.ownEntry(m)
	e.Upstream = true
	return e
}

// upLeadsTo is where an entry at the second router has to lead, as its table tells it.
func (s *state) upLeadsTo(p *portState) netip.AddrPort {
	return netip.AddrPortFrom(s.outerAddr(), p.mapping.External.Port())
}

// mayMapUpstream reads the second router's table before it is written, where that is possible: what
// leads elsewhere is somebody else's, unless we have recorded it: then our router had another outer
// address at the time, and it goes. It returns false when it was called off.
func (d *Daemon) mayMapUpstream(ctx context.Context, client portmap.Client, req portmap.Request, at netip.AddrPort, why *error) (asked bool) {
	if client.Name() != portmap.UPnP {
		return true
	}
	var e portmap.Entry
	var err error
	if !d.ask(ctx, client, func(ctx context.Context) { e, err = client.Lookup(ctx, req.Transport, req.External) }) {
		return false
	}
	switch {
	case err != nil && gone(err):
		*why = err
		return true
	case err != nil || e.Internal == at:
		return true
	}
	m := portmap.Mapping{Protocol: client.Name(), Gateway: client.Gateway(), Transport: req.Transport, Internal: e.Internal,
		External: netip.AddrPortFrom(netip.Addr{}, req.External)}
	if own, ours := d.state.memory.recorded(d.state.upEntry(m)); !ours || own.Internal != e.Internal || !d.unmap(ctx, m) {
		*why = upTakenError{req.External, e.Internal}
	}
	return true
}

// upLook plans to read an entry at the second router back, permanent ones included: nothing else tells
// that it is gone.
func (p *planner) upLook(i int) {
	port := &p.s.ports[i]
	if m := port.up.mapping; m != nil && port.mapping != nil && m.Protocol == portmap.UPnP &&
		p.s.upstream.clients[portmap.UPnP] != nil && p.due(port.up.lookDue, "read the second router's entry back") {
		p.dec.Look.UpEntries = append(p.dec.Look.UpEntries, i)
	}
}

// lookUpstream reads one entry at the second router back. It reports false when it was called off.
func (d *Daemon) lookUpstream(ctx context.Context, i int) bool {
	p, client := &d.state.ports[i], d.state.upstream.clients[portmap.UPnP]
	if client == nil || p.up.mapping == nil {
		return true
	}
	var f Fact[portmap.Entry]
	external := p.up.mapping.External.Port()
	if !d.ask(ctx, client, func(ctx context.Context) { f.Value, f.Err = client.Lookup(ctx, p.transport(), external) }) || ctx.Err() != nil {
		return ctx.Err() != nil
	}
	f.At = d.world.Now()
	d.state.learnUpEntry(i, f)
	return true
}

// learnUpEntry takes a read-back of an entry at the second router.
func (s *state) learnUpEntry(i int, f Fact[portmap.Entry]) {
	p := &s.ports[i]
	p.up.lookDue = f.At.Add(s.readBack())
	lose := func(why error) {
		kept := f.At.Sub(p.up.mapping.Granted) > secondLook
		p.up.mapping, p.changed = nil, f.At
		if why != nil || !kept { // it was never kept: do not ask again and again
			n := p.up.no.count + 1
			p.up.no = refusal{err: why, count: n, until: f.At.Add(doubling(30*time.Second, n, 10*time.Minute))}
			if why == nil {
				p.up.no.err = errNotKept
			}
		}
	}
	switch {
	case gone(f.Err):
		s.upstreamGone(f.At)
	case errors.Is(f.Err, portmap.ErrNoEntry):
		lose(nil)
	case f.Err == nil && f.Value.Internal != s.upLeadsTo(p):
		lose(upTakenError{p.up.mapping.External.Port(), f.Value.Internal})
	default:
		p.up.no = refusal{}
	}
}

// upstreamGone: the second router does not answer any more. What it has granted may still be in force.
func (s *state) upstreamGone(now time.Time) {
	s.upstream.clients = map[portmap.Protocol]portmap.Client{}
	s.upstream.again = now
}

// upLeftover finds a recorded entry at the second router that nobody wants, or that leads to an
// address which our own router does not have any more.
func (s *state) upLeftover() (OwnEntry, bool) {
	for _, e := range s.memory.Entries {
		if e.Upstream && e.MAC != "" && e.MAC == s.mac && e.Gateway == s.upstream.hop.Value &&
			s.upstream.clients[e.Protocol] != nil && !s.router.triedLeftover[e] && !s.upWanted(e) {
			return e, true
		}
	}
	return OwnEntry{}, false
}

// upWanted reports whether an entry at the second router is one that is held, or is about to be asked
// for again.
func (s *state) upWanted(e OwnEntry) bool {
	for i := range s.ports {
		p := &s.ports[i]
		if p.transport() != e.Transport {
			continue
		}
		if m := p.up.mapping; m != nil && m.External.Port() == e.External {
			return true
		}
		if p.up.mapping == nil && s.settings.Router.Upstream && p.want() == e.External {
			return true // mapping it anew takes it over
		}
	}
	return false
}

// removeUpLeftover takes such an entry out; it is tried once.
func (d *Daemon) removeUpLeftover(ctx context.Context) {
	e, found := d.state.upLeftover()
	if !found {
		return
	}
	d.state.router.triedLeftover[e] = true
	m := portmap.Mapping{Protocol: e.Protocol, Gateway: e.Gateway, Transport: e.Transport, Internal: e.Internal,
		External: netip.AddrPortFrom(netip.Addr{}, e.External)}
	if e.Protocol != portmap.UPnP { // it knows us by the address that it sees
		m.Internal = netip.AddrPortFrom(d.state.way().Local, e.Internal.Port())
	}
	if d.unmap(ctx, m) {
		d.log.Info("removed an entry that an earlier run had left in the second router", "router", e.Gateway, "external", e.External)
	}
}
