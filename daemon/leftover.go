package daemon

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
)

// This file removes what an earlier run has left in the router: entries that state.json records as
// ours and nobody wants any more. A lease ends by itself; a permanent entry would stay for ever.

// leftover finds a recorded entry in the present router that is not wanted and may be removed
// without harm to one that is.
func (s *state) leftover() (OwnEntry, bool) {
	for _, e := range s.memory.Entries {
		// By hardware address alone: every second home has its router at the same address.
		if !e.Upstream && e.MAC != "" && e.MAC == s.mac && s.router.clients[e.Protocol] != nil &&
			!s.router.triedLeftover[e] && !s.wanted(e) && !s.underGame(e) {
			return e, true
		}
	}
	return OwnEntry{}, false
}

// lingering finds our own entry for a port at a router where no protocol answers for it any more: a
// guest may come in by it until its lease ends.
func (s *state) lingering(p *portState) (OwnEntry, bool) {
	e, ours := s.memory.owns(s.mac, s.way().Gateway, p.transport(), p.want())
	return e, ours && p.mapping == nil && e.Internal == s.internal(p)
}

// underGame reports whether an entry leads to a port that a program of this PC holds: then it stays,
// since a match may be going on through it.
func (s *state) underGame(e OwnEntry) bool {
	return slices.ContainsFunc(s.ports, func(p portState) bool {
		return p.transport() == e.Transport && s.internal(&p) == e.Internal && p.hosted()
	})
}

// wanted reports whether a recorded entry belongs to a configured port, or cannot be removed without
// touching the one that does: PCP and NAT-PMP know a mapping by its internal port (RFC 6886 section
// 3.4, RFC 6887 section 15), UPnP by its external one.
func (s *state) wanted(e OwnEntry) bool {
	for i := range s.ports {
		p := &s.ports[i]
		if p.transport() != e.Transport {
			continue
		}
		if e.External == p.want() || e.External == p.port.ExternalPort ||
			e.Protocol != portmap.UPnP && e.Internal.Port() == p.port.Port {
			return true
		}
	}
	// Another address of ours cannot speak for this one by PCP and NAT-PMP.
	return e.Protocol != portmap.UPnP && e.Internal.Addr() != s.way().Local
}

// removeLeftover takes a recorded entry out that nobody wants any more. It is tried once in a
// network: a router that says no is not asked again.
func (d *Daemon) removeLeftover(ctx context.Context) {
	e, found := d.state.leftover()
	if !found {
		return
	}
	d.state.router.triedLeftover[e] = true
	nonce := d.state.memory.Nonce(configs.Port{Transport: string(e.Transport), Port: e.Internal.Port()})
	if d.unmap(ctx, portmap.Mapping{
		Protocol: e.Protocol, Gateway: d.state.way().Gateway, Transport: e.Transport, Internal: e.Internal,
		External: netip.AddrPortFrom(netip.Addr{}, e.External), Nonce: nonce,
	}) {
		d.log.Info("removed an entry that an earlier run had left in the router", "external", e.External, "leads to", e.Internal)
	}
}

// leaveBehind says which entries of ours stay in routers to which this PC has no way at the stop.
func (d *Daemon) leaveBehind(now time.Time) {
	if d.state.way().Valid() {
		return
	}
	for _, e := range d.state.memory.expired(now).Entries {
		d.sayLeft("this PC has no way to the router", e.External, e.Expires)
		for i := range d.state.ports {
			p := &d.state.ports[i]
			if e.Transport == p.transport() && e.Internal.Port() == p.port.Port {
				p.leave(e)
			}
		}
	}
}

// leave notes for the last word that an entry of a port may still be in a router.
func (p *portState) leave(e OwnEntry) {
	p.leftBehind, p.leftForGood = true, p.leftForGood || e.Expires.IsZero()
}

// sayLeft logs that an entry of ours stays in a router, and for how long; a permanent one has no end.
func (d *Daemon) sayLeft(why string, external uint16, expires time.Time) {
	d.log.Warn("the router's entry could not be taken out: "+why+"; "+endOf(expires), "external", external)
}

// endOf says what ends an entry that stays in a router; the zero time is a permanent one.
func endOf(expires time.Time) string {
	if expires.IsZero() {
		return "it has no lease that ends: Portsitter takes it out when it runs there again"
	}
	return "it ends with its lease at " + expires.Local().Format("15:04")
}
