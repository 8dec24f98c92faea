package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
)

// act does what was decided, in order. It reports false when it was called off because the network
// changed. Only this file writes to a router.
func (d *Daemon) act(ctx context.Context, actions []Action) bool {
	for _, a := range actions {
		switch a.Kind {
		case StartSearch:
			d.startSearch(ctx)
		case Knock:
			d.knock(ctx)
		case AskPublic:
			d.startPublic(ctx)
		case LookFirewall:
			d.startFirewall(ctx, a.Port)
		case CheckOutside:
			c := &d.state.ports[a.Port].check
			d.startCheck(a.Port, c.asked && c.recheck, false)
		case FindHop:
			d.findHop(ctx)
		case SearchUpstream:
			d.searchUpstream(ctx)
		case MapUpstream:
			if !d.mapUpstream(ctx, a.Port) {
				return false
			}
		case CleanUp:
			d.removeLeftover(ctx)
		case CleanUpUpstream:
			d.removeUpLeftover(ctx)
		case Repair:
			d.repair(ctx, a.Port)
		case Displace:
			d.state.learnDisplaced(a.Port, d.state.nextElsewhere(&d.state.ports[a.Port]), d.world.Now())
		case MoveBack:
			if !d.hostedNow(a.Port) {
				d.release(ctx, a.Port)
			}
		case Shut:
			d.release(ctx, a.Port)
		case RemoveOld:
			d.removeOld(ctx, a.Port)
		case TakeOver:
			d.takeOver(ctx, a.Port)
		case Map:
			if client := d.state.router.clients[a.Protocol]; client != nil && !d.mapPort(ctx, client, a.Port) {
				return false
			}
		}
		if ctx.Err() != nil {
			return true
		}
	}
	return true
}

// mapPort asks for a mapping, or renews it.
func (d *Daemon) mapPort(ctx context.Context, client portmap.Client, i int) bool {
	p := &d.state.ports[i]
	req := portmap.Request{
		Transport: p.transport(), Internal: d.state.internal(p), External: p.want(),
		Lease: d.state.settings.Router.Lease, Nonce: d.state.memory.Nonce(p.port),
	}
	renewal := p.mapping != nil
	asked := d.world.Now().Round(0)
	var m portmap.Mapping
	var err error
	if !d.ask(ctx, client, func(ctx context.Context) { m, err = client.Map(ctx, req) }) {
		return false
	}
	now := d.world.Now()
	m.Granted = asked // by the loop's own clock, and before the request: a lease is renewed in time
	if ctx.Err() != nil && err != nil {
		// Stopping: the router may have written the entry all the same, so it is to be removed.
		d.state.ports[i].mapping = &portmap.Mapping{Protocol: client.Name(), Gateway: client.Gateway(), Transport: req.Transport,
			Internal: req.Internal, External: netip.AddrPortFrom(netip.Addr{}, req.External), Lease: req.Lease, Granted: now, Nonce: req.Nonce}
		return true
	}
	if got := m.External.Port(); err == nil && got != req.External {
		if d.state.settings.Router.OtherExternalPort && !d.state.wantedByOther(p, got) {
			d.state.learnDisplaced(i, got, now)
		} else {
			d.unmap(ctx, m)
			err = otherPortError{asked: req.External, got: got}
		}
	}
	if err != nil {
		if d.state.ports[i].refusals[client.Name()].count == 0 {
			d.log.Warn("not mapped", "port", p.port.Name, "protocol", client.Name(), "error", err)
		}
		d.state.learnNo(i, client.Name(), err, now)
		return true
	}
	d.state.learnGrant(i, m, now)
	d.state.ports[i].tally.granted(renewal)
	d.logGrant(i, m, renewal, now)
	return true
}

// logGrant says that a port is mapped. The first time the message is exactly "mapped".
func (d *Daemon) logGrant(i int, m portmap.Mapping, renewal bool, now time.Time) {
	p, asked := &d.state.ports[i], m.Granted
	message, level := "mapped", slog.LevelInfo
	if !p.granted {
		asked = d.state.started
	}
	switch {
	case renewal:
		message, level = "renewed", slog.LevelDebug
	case p.granted:
		message = "mapped again"
	}
	p.granted = true
	external := fmt.Sprintf("%s:%d", addrText(d.state.outerOf(m)), m.External.Port()) // ":27886" while the address is not asked yet
	d.log.Log(context.Background(), level, message, "port", p.port.Name, "external", external,
		"protocol", string(m.Protocol), "took", now.Sub(asked))
}

// repair takes an entry out that the router lists but does not honour (tailscale#21208): adding on
// top of it changes nothing. The next turn maps anew and then checks once more.
func (d *Daemon) repair(ctx context.Context, i int) {
	p := &d.state.ports[i]
	if p.check.repaired = d.world.Now(); d.hostedNow(i) {
		return
	}
	d.log.Warn("the router lists our entry, but a packet from outside did not come in: making the entry anew", "port", p.port.Name)
	d.unmap(ctx, *p.mapping)
	p.lose("The router's entry let nothing in", d.world.Now())
	p.check.recheck = true
}

// hostedNow looks whether somebody has begun to host since the last regular look: an entry in force is
// not touched under a game (house rule 13). Not knowing counts as hosting.
func (d *Daemon) hostedNow(i int) bool {
	p := &d.state.ports[i]
	held, err := d.world.Bound(p.port.Transport, p.port.Port)
	if held || err != nil {
		p.ownersDue = time.Time{} // see who it is
		p.owners = Fact[portowner.Owners]{}
		return true
	}
	return false
}

// unmap takes a mapping of ours out of the router, and reports whether the router has confirmed it.
func (d *Daemon) unmap(ctx context.Context, m portmap.Mapping) bool {
	client := d.state.router.clients[m.Protocol]
	if m.Gateway == d.state.upstream.hop.Value {
		client = d.state.upstream.clients[m.Protocol]
	}
	if client == nil || client.Gateway() != m.Gateway {
		d.sayLeft("the router does not answer", m.External.Port(), m.Expires())
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	entry := d.state.ownEntry(m)
	entry.Upstream = m.Gateway != d.state.way().Gateway
	if d.leadsElsewhere(ctx, client, m) {
		d.state.memory = d.state.memory.without(entry) // somebody else's by now
		return true
	}
	unmap := func(pause time.Duration) error {
		sleep(ctx, pause)
		defer d.asked(client)
		return client.Unmap(ctx, m)
	}
	err := unmap(d.breath(client))
	if gone(err) && ctx.Err() == nil { // some routers drop what comes too fast
		err = unmap(soapApart)
	}
	if err != nil {
		if recorded, ours := d.state.memory.recorded(entry); ours {
			entry.Expires = recorded.Expires // an earlier run's: m does not know it
		}
		d.log.Warn("could not confirm that the router has removed the entry; if it has not, "+endOf(entry.Expires),
			"external", m.External.Port(), "error", err)
		return false
	}
	d.state.memory = d.state.memory.without(entry)
	return true
}

// leadsElsewhere reports whether the router's table can be read and shows that an entry which was ours
// is somebody else's.
func (d *Daemon) leadsElsewhere(ctx context.Context, client portmap.Client, m portmap.Mapping) bool {
	if client.Name() != portmap.UPnP {
		return false
	}
	sleep(ctx, d.breath(client))
	defer d.asked(client)
	e, err := client.Lookup(ctx, m.Transport, m.External.Port())
	return err == nil && e.Internal != m.Internal
}

// farewell takes all our mappings out of the router, within 3 s for all of them together, and
// publishes that we have stopped.
func (d *Daemon) farewell() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	d.leaving = len(d.state.ports)
	for i := range d.state.ports {
		if m := d.state.ports[i].up.mapping; m != nil {
			d.unmap(ctx, *m)
		}
		if m := d.state.ports[i].mapping; m != nil {
			if d.unmap(ctx, *m) {
				d.state.ports[i].takenOut = true
			} else {
				d.state.ports[i].leave(d.state.ownEntry(*m))
			}
			d.state.ports[i].mapping = nil
		}
	}
	d.leaveBehind(d.world.Now())
	d.state.stopped = true
	d.publish(decide(d.state, d.world.Now()))
	d.keep()
	d.log.Info("stopped")
}
