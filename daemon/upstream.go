package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
	"github.com/portsitter/portsitter/netutil/route"
)

// This file is about a second router in front of ours (double NAT). Finding out its address makes the
// advice precise; with upstream = true in the settings it is asked for the port, too, to lead it to
// our router's outer address. It may be a landlord's or a provider's, so that is off by default.

// upstreamState is about the router behind ours. Another outer address of ours starts it anew.
type upstreamState struct {
	hop     Fact[netip.Addr] // its address
	looking bool             // for that

	clients map[portmap.Protocol]portmap.Client
	search  int
	running bool
	rounds  int // searches in a row that found nobody
	again   time.Time

	outer    Fact[portmap.Outer]
	outerDue time.Time
	epoch    *portmap.EpochClock
}

// upPort is one port's mapping at the second router.
type upPort struct {
	mapping *portmap.Mapping
	no      refusal
	lookDue time.Time // next read-back
}

// upTakenError: the second router's entry is somebody else's.
type upTakenError struct {
	external uint16
	holds    netip.AddrPort
}

func (e upTakenError) Error() string {
	return fmt.Sprintf("the second router's entry for port %d leads to %s", e.external, e.holds)
}

// behindAnother reports whether our router has a private outer address.
func (s *state) behindAnother() bool { return publicip.KindOf(s.outerAddr()) == publicip.Private }

// upstream plans to find the second router, and, where the settings allow it, to keep the ports open
// there.
func (p *planner) upstream() {
	s, u := p.s, &p.s.upstream
	if !s.behindAnother() || !s.settled() {
		return
	}
	if !u.hop.Asked() && !u.looking {
		p.dec.Do = append(p.dec.Do, Action{Kind: FindHop})
	}
	if !s.settings.Router.Upstream || !u.hop.Known() {
		return
	}
	client := u.client()
	if client == nil {
		if !u.running && p.due(u.again, "ask the second router") {
			p.dec.Do = append(p.dec.Do, Action{Kind: SearchUpstream})
		}
		return
	}
	if _, left := s.upLeftover(); left {
		p.dec.Do = append(p.dec.Do, Action{Kind: CleanUpUpstream})
	}
	for i := range s.ports {
		port := &s.ports[i]
		p.upLook(i)
		at := port.up.no.until
		if m := port.up.mapping; m != nil && port.mapping != nil && m.Internal.Port() == port.mapping.External.Port() {
			if m.Lease == 0 {
				continue
			}
			at = later(at, m.RenewAt())
		}
		if port.mapping != nil && p.due(at, "ask the second router for the port") {
			p.dec.Do = append(p.dec.Do, Action{Kind: MapUpstream, Port: i})
		}
	}
	if p.due(u.outerDue, "ask the second router how it is") {
		p.dec.Look.Upstream = true
	}
}

// client is the way to ask the second router. PCP is not among them: it refuses whom a router in
// between has given another address (ADDRESS_MISMATCH, RFC 6887 section 8.1).
func (u *upstreamState) client() portmap.Client {
	for _, protocol := range []portmap.Protocol{portmap.NATPMP, portmap.UPnP} {
		if c := u.clients[protocol]; c != nil {
			return c
		}
	}
	return nil
}

// mayAskUpstream reports whether the settings let a protocol be used at the second router.
func (s *state) mayAskUpstream(p portmap.Protocol) bool {
	return s.settings.Router.Upstream && slices.Contains(s.upstreamProtocols(), p)
}

func (s *state) upstreamProtocols() []portmap.Protocol {
	return slices.DeleteFunc(s.protocols(), func(p portmap.Protocol) bool { return p == portmap.PCP })
}

// forgetUpstream starts anew: our router's outer address is another one.
func (s *state) forgetUpstream() {
	search := s.upstream.search
	s.upstream = upstreamState{search: search + 1, clients: map[portmap.Protocol]portmap.Client{}}
	for i := range s.ports {
		s.ports[i].up = upPort{}
	}
}

func (s *state) learnHop(f Fact[netip.Addr]) {
	s.upstream.hop, s.upstream.looking = f, false
}

func (s *state) learnUpstreamAnswer(n int, a portmap.Answer, now time.Time) {
	u := &s.upstream
	if n != u.search || a.Client == nil {
		return
	}
	u.clients[a.Protocol] = a.Client
	u.rounds, u.outerDue = 0, now
}

func (s *state) learnUpstreamSearched(n int, now time.Time) {
	u := &s.upstream
	if n != u.search {
		return
	}
	u.running = false
	if len(u.clients) == 0 {
		u.rounds++
		u.again = now.Add(doubling(30*time.Second, u.rounds, 10*time.Minute))
	}
}

// learnUpstreamOuter takes the second router's word about itself, and notices when it has lost its
// table.
func (s *state) learnUpstreamOuter(f Fact[portmap.Outer]) {
	u := &s.upstream
	u.outer, u.outerDue = f, f.At.Add(s.upstreamEvery())
	switch {
	case gone(f.Err):
		s.upstreamGone(f.At)
		return
	case !f.Value.HasEpoch:
		return
	case u.epoch == nil:
		u.epoch = &portmap.EpochClock{Protocol: portmap.NATPMP}
	}
	if u.epoch.Lost(f.At, f.Value.Epoch) {
		for i := range s.ports {
			s.ports[i].up.mapping = nil
		}
	}
}

// findHop looks for the second router, beside the loop.
func (d *Daemon) findHop(ctx context.Context) {
	way := d.state.way()
	d.state.upstream.looking = true
	d.job(ctx, func(ctx context.Context) {
		hop, err := d.world.SecondHop(ctx, way)
		d.tell(ctx, func() { d.state.learnHop(Fact[netip.Addr]{Value: hop, Err: err, At: d.world.Now()}) })
	})
}

// searchUpstream asks the second router by every protocol that gets through ours, beside the loop.
func (d *Daemon) searchUpstream(ctx context.Context) {
	s := d.state
	u := &s.upstream
	u.search++
	u.running = true
	n, order := u.search, SearchOrder{
		Route:     route.Route{Gateway: u.hop.Value, Local: s.way().Local, Interface: s.way().Interface, Index: s.way().Index},
		Protocols: s.upstreamProtocols(),
	}
	d.job(ctx, func(ctx context.Context) {
		d.world.Search(ctx, order, func(a portmap.Answer) {
			d.tell(ctx, func() { s.learnUpstreamAnswer(n, a, d.world.Now()) })
		})
		d.tell(ctx, func() { s.learnUpstreamSearched(n, d.world.Now()) })
	})
}

// mapUpstream asks the second router to lead the port to our router's outer address.
func (d *Daemon) mapUpstream(ctx context.Context, i int) bool {
	s, p := d.state, &d.state.ports[i]
	client := s.upstream.client()
	if client == nil || p.mapping == nil {
		return true
	}
	at := s.upLeadsTo(p)
	req := portmap.Request{Transport: p.transport(), Internal: at, External: p.want(), Lease: s.settings.Router.Lease}
	if client.Name() == portmap.NATPMP { // it maps to whom it sees, which is our router
		req.Internal = netip.AddrPortFrom(s.way().Local, at.Port())
	}
	if old := p.up.mapping; old != nil && old.Internal.Port() != at.Port() {
		d.unmap(ctx, *old) // our router's port is another one by now
		p.up.mapping, p.changed = nil, d.world.Now()
	}
	granted := d.world.Now().Round(0)
	var m portmap.Mapping
	var err error
	asked := d.mayMapUpstream(ctx, client, req, at, &err)
	if asked && err == nil {
		asked = d.ask(ctx, client, func(ctx context.Context) { m, err = client.Map(ctx, req) })
	}
	if !asked || ctx.Err() != nil {
		return asked
	}
	now := d.world.Now()
	if err != nil {
		n := p.up.no.count + 1
		p.up.no = refusal{err: err, count: n, until: now.Add(refusalPause(err, n))}
		if n == 1 {
			d.log.Warn("the second router does not open the port", "port", p.port.Name, "router", s.upstream.hop.Value, "error", err)
		}
		return true
	}
	m.Granted = granted
	fresh := p.up.mapping == nil
	if fresh {
		d.log.Info("mapped at the second router, too", "port", p.port.Name, "router", s.upstream.hop.Value, "external", m.External.Port(), "protocol", string(m.Protocol))
		p.changed = now
	}
	p.up = upPort{mapping: &m, no: refusal{count: p.up.no.count}, lookDue: p.up.lookDue}
	if fresh {
		p.up.lookDue = now.Add(secondLook)
	}
	s.memory = s.memory.withEntry(s.upEntry(m))
	return true
}

// upstreamStatus is the second router's part of a mapping.
func (s *state) upstreamStatus(p *portState) *Upstream {
	m := p.up.mapping
	if m == nil {
		return nil
	}
	return &Upstream{Gateway: s.upstream.hop.Value, Protocol: string(m.Protocol),
		External: fmt.Sprintf("%s:%d", addrText(s.upstreamOuter()), m.External.Port())}
}

// upstreamOuter is the second router's outer address; not valid while it does not tell.
func (s *state) upstreamOuter() netip.Addr {
	if o := s.upstream.outer; o.Known() {
		return o.Value.Addr
	}
	return netip.Addr{}
}

// lastOuter is the outer address of the last router on the way that leads the port to us.
func (s *state) lastOuter(p *portState) netip.Addr {
	if p.up.mapping != nil {
		return s.upstreamOuter()
	}
	return s.outerAddr()
}

// openPort is the external port at that router: the one opponents type.
func (p *portState) openPort() uint16 {
	if p.up.mapping != nil {
		return p.up.mapping.External.Port()
	}
	return p.want()
}
