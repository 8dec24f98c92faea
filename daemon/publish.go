package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// publication is a published Status and the news that there is a newer one.
type publication struct {
	status     *Status
	superseded chan struct{} // closed by the next publication
}

// Status is the newest publication. It is never nil and must not be changed.
func (d *Daemon) Status() *Status { return d.published.Load().status }

// Await waits for a publication newer than number after; nil when ctx ends first.
func (d *Daemon) Await(ctx context.Context, after uint64) *Status {
	for {
		p := d.published.Load()
		if p.status.Pass > after {
			return p.status
		}
		select {
		case <-p.superseded:
		case <-ctx.Done():
			return nil
		}
	}
}

// freshFor is how old a Status may get while nothing changes: a page must be able to tell a quiet
// loop from a dead one.
const freshFor = 10 * time.Second

// publish makes what was decided visible, if it says anything new, and writes the changes down.
func (d *Daemon) publish(dec Decision) {
	now := d.world.Now()
	s := d.status(dec, now)
	old := d.published.Load()
	if old != nil {
		if now.Sub(old.status.At) < freshFor && old.status.sameAs(s) {
			return
		}
		s.Pass = old.status.Pass + 1
	} else {
		s.Pass = 1
	}
	d.published.Store(&publication{status: s, superseded: make(chan struct{})})
	if old != nil {
		close(old.superseded)
		d.tellChanges(old.status, s)
	}
}

// sameAs compares what two publications say, apart from when they say it and how old it is.
func (s *Status) sameAs(o *Status) bool { return reflect.DeepEqual(s.timeless(), o.timeless()) }

func (s *Status) timeless() Status {
	c := *s
	c.Pass, c.At, c.Ports, c.Dropped = 0, time.Time{}, slices.Clone(s.Ports), Dropped{} // a flood makes no publications
	for i := range c.Ports {
		steps := slices.Clone(c.Ports[i].Steps)
		for j := range steps {
			steps[j].At = time.Time{}
		}
		c.Ports[i].Steps = steps
	}
	return c
}

// status puts state and decision into the words of the contract.
func (d *Daemon) status(dec Decision, now time.Time) *Status {
	st := d.state
	s := &Status{
		Version: d.version, At: now.UTC(), Started: st.started.UTC(), Demo: d.demo,
		Route: st.routeStatus(), Router: st.routerStatus(), PublicIP: st.publicStatus(now),
		Ports: make([]Port, len(st.ports)), Notices: d.notices,
		Dropped: d.world.Dropped(),
	}
	s.PublicIPChanges = st.public.changes // counted by publicStatus
	if !dec.Next.IsZero() {
		s.Next = &Next{At: dec.Next.UTC(), What: dec.What}
	}
	for i := range st.ports {
		p, l := &st.ports[i], dec.Ports[i]
		s.Ports[i] = Port{
			Name: p.port.Name, Port: p.port.Port, Transport: p.port.Transport,
			Verdict: l.Verdict, Code: l.Code, Headline: l.Headline, NextStep: l.NextStep,
			Address: l.Address, Steps: l.Steps, Mapping: st.mappingStatus(p),
			Game: p.gameStatus(), Outside: p.outsideStatus(now), Totals: p.tally.totals(l.Verdict, now),
		}
	}
	return s
}

func (s *state) routeStatus() *Route {
	if !s.route.Known() {
		return nil
	}
	v := s.route.Value
	r := &Route{Gateway: v.Route.Gateway, Local: v.Route.Local, Interface: v.Route.Interface}
	if len(v.Candidates) > 1 {
		for _, c := range v.Candidates {
			r.Candidates = append(r.Candidates, Candidate{Gateway: c.Gateway, Interface: c.Interface, Rejected: c.Rejected})
		}
	}
	return r
}

func (s *state) routerStatus() *Router {
	r := &s.router
	if len(r.clients) == 0 {
		return nil
	}
	out := &Router{Protocols: []string{}}
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		if c := r.clients[p]; c != nil {
			out.Protocols = append(out.Protocols, string(p))
			out.Name = c.Device().Name
		}
	}
	if o := r.outer; o.Known() && o.Value.Addr.IsValid() {
		out.ExternalIP = &o.Value.Addr
	}
	if !r.bootedAt.IsZero() {
		t := r.bootedAt.UTC()
		out.BootedAt = &t
	}
	return out
}

// publicStatus is the public address as it is shown; since is kept over publications in the state.
func (s *state) publicStatus(now time.Time) *PublicIP {
	a := s.seenAddr()
	if outer := s.outerAddr(); !a.IsValid() && (publicip.KindOf(outer) == publicip.Public || s.publicSettled()) {
		a = outer // nobody else tells, or not yet
	}
	if !a.IsValid() {
		return nil
	}
	if s.public.address != a {
		if s.public.address.IsValid() {
			s.public.changes++
		}
		s.public.address, s.public.since = a, now
	}
	out := &PublicIP{Address: a, Kind: string(publicip.KindOf(a)), Sources: map[string]netip.Addr{}, Since: s.public.since.UTC()}
	for name, f := range map[string]Fact[netip.Addr]{"http": s.public.http, "stun": s.public.stun} {
		if f.Known() {
			out.Sources[name] = f.Value
		}
	}
	if o := s.outerAddr(); o.IsValid() {
		out.Sources["router"] = o
	}
	return out
}

// outerOf is the external address of a mapping: as granted, or the router's outer one.
func (s *state) outerOf(m portmap.Mapping) netip.Addr {
	if a := m.External.Addr(); a.IsValid() {
		return a
	}
	return s.outerAddr()
}

func (s *state) mappingStatus(p *portState) *Mapping {
	if m := p.mapping; m != nil {
		out := &Mapping{Protocol: string(m.Protocol), Internal: m.Internal.String(), Lease: int64(m.Lease / time.Second), Owner: "ours", Upstream: s.upstreamStatus(p)}
		out.External = fmt.Sprintf("%s:%d", addrText(s.outerOf(*m)), m.External.Port())
		if e := m.Expires(); !e.IsZero() {
			e = e.UTC()
			out.Expires = &e
		}
		if v := p.verified.UTC(); !p.verified.IsZero() {
			out.Verified = &v
		}
		return out
	}
	if last, counts := p.outside(); counts && last.answer.Reachable && !p.entry.Known() {
		out := &Mapping{Internal: s.internal(p).String(), External: last.answer.Address.String(), Owner: "manual"}
		if _, still := s.lingering(p); still {
			out.Owner = "ours"
		}
		return out
	}
	if !p.entry.Known() {
		return nil
	}
	at, e := p.entry.At.UTC(), p.entry.Value
	out := &Mapping{Protocol: string(portmap.UPnP), Internal: e.Internal.String(), Lease: int64(e.Lease / time.Second), Verified: &at, Owner: "manual"}
	out.External = fmt.Sprintf("%s:%d", addrText(s.outerAddr()), p.port.ExternalPort)
	if h, other := s.heldByOther(p); other {
		out.Owner, out.Holder = "other", h.Addr().String()
	} else if !p.manual {
		return nil
	}
	return out
}

func withoutPrefix(notices []string, prefix string) []string {
	var out []string
	for _, n := range notices {
		if !strings.HasPrefix(n, prefix) {
			out = append(out, n)
		}
	}
	return out
}
