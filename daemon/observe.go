package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/portowner"
	"github.com/portsitter/portsitter/netutil/route"
)

func (l Look) nothing() bool {
	return l.Outer == "" && !l.Address && len(l.Entries) == 0 && len(l.Homes) == 0 && !l.Upstream && len(l.UpEntries) == 0 && len(l.Owners) == 0
}

// routeFresh is for how long a reading of the way out is relied on while the system tells of no
// change. Not every system tells of every one, but reading it at every pass was a fifth of all that
// a program at rest did.
const routeFresh = 30 * time.Second

// routeDue reports whether a pass has to begin with reading the way out: always, as long as there is
// none or its router has not been seen.
func (d *Daemon) routeDue() bool {
	since := d.world.Now().Sub(d.routeRead)
	return since < 0 || since >= routeFresh || !d.state.way().Valid() || d.state.mac == ""
}

// observeRoute reads the way out. It takes well under a millisecond.
func (d *Daemon) observeRoute(ctx context.Context) {
	report, err := d.world.Route(ctx, d.state.settings.Network)
	now := d.world.Now()
	d.routeRead = now
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !noWay(err) && d.state.route.Known() {
			d.log.Warn("the system's routes could not be read; going on with the known ones", "error", err)
			return
		}
		if d.state.learnRoute(Fact[route.Report]{Value: report, At: now, Err: err}, "") {
			d.routeChanged(ctx)
		}
		return
	}
	if d.state.learnRoute(known(report, now), d.world.HardwareAddr(report.Route)) {
		d.routeChanged(ctx)
	}
	d.state.category = d.world.Category(report.Route, d.state.mac)
}

// routeChanged ends what is about the old way out, and begins anew on the new one.
func (d *Daemon) routeChanged(ctx context.Context) {
	d.endPublic()
	d.endChecks()
	d.checking, d.endChecks = context.WithCancel(ctx)
	d.startListening(ctx)
}

// noWay tells the knowledge that there is no way out from not knowing.
func noWay(err error) bool {
	return errors.Is(err, route.ErrNoGateway) || errors.Is(err, route.ErrOnlyTunnel) ||
		errors.Is(err, route.ErrNoLocal) || errors.Is(err, route.ErrOverride)
}

// observe asks the router what was looked for, one question after the other. It reports false when
// it was called off because the network changed.
func (d *Daemon) observe(ctx context.Context, look Look) bool {
	if look.Outer != "" && !d.state.router.outer.Asked() {
		return d.askOuter(ctx, look.Outer) // people wait for the address, not for the read-back of each port
	}
	for _, i := range look.Entries {
		p := &d.state.ports[i]
		held := p.mapping != nil
		if f, asked := d.lookUp(ctx, p.transport(), p.want()); asked {
			d.state.learnEntry(i, f)
		} else {
			return ctx.Err() != nil
		}
		if held && p.mapping == nil {
			return true // to put it back comes before all other questions
		}
	}
	for _, i := range look.Homes {
		p := &d.state.ports[i]
		if f, asked := d.lookUp(ctx, p.transport(), p.port.ExternalPort); asked {
			d.state.learnHome(i, f)
		} else {
			return ctx.Err() != nil
		}
	}
	for _, i := range look.Owners {
		p := &d.state.ports[i]
		owners, err := d.world.Owner(ctx, p.port.Transport, p.port.Port)
		if ctx.Err() != nil {
			return true
		}
		d.state.learnOwners(i, Fact[portowner.Owners]{Value: owners, Err: err, At: d.world.Now()})
	}
	for _, i := range look.UpEntries {
		if !d.lookUpstream(ctx, i) {
			return false
		}
	}
	if client := d.state.upstream.client(); look.Upstream && client != nil {
		var f Fact[portmap.Outer]
		if !d.ask(ctx, client, func(ctx context.Context) { f.Value, f.Err = client.External(ctx) }) || ctx.Err() != nil {
			return ctx.Err() != nil
		}
		f.At = d.world.Now()
		d.state.learnUpstreamOuter(f)
	}
	held := d.state.confirmed()
	if !d.askOuter(ctx, look.Outer) {
		return false
	}
	if held && !d.state.confirmed() {
		return true // to put it back comes before all other questions
	}
	if look.Address && d.state.router.clients[look.Outer] != nil { // else nobody is there
		return d.askOuter(ctx, portmap.UPnP)
	}
	return true
}

// askOuter asks the router about itself by one protocol. It reports false when it was called off.
func (d *Daemon) askOuter(ctx context.Context, protocol portmap.Protocol) bool {
	client := d.state.router.clients[protocol]
	if client == nil {
		return true
	}
	var f Fact[portmap.Outer]
	patience := requestTimeout
	if since := d.world.Now().Sub(d.state.router.fellSilent); protocol == portmap.PCP && since >= 0 && since < patience {
		patience = samePort // NAT-PMP has just been waited for at the port that both share
	}
	question := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		f.Value, f.Err = client.External(ctx)
	}
	if !d.ask(ctx, client, question) {
		return false
	}
	if ctx.Err() == nil {
		f.At = d.world.Now()
		d.state.learnOuter(protocol, f)
	}
	return true
}

// lookUp reads one entry back. It reports false when there is no answer to learn from: the network
// changed, or we are stopping.
func (d *Daemon) lookUp(ctx context.Context, t portmap.Transport, external uint16) (f Fact[portmap.Entry], asked bool) {
	client := d.state.router.clients[portmap.UPnP]
	if client == nil { // fell silent at the question before
		return Fact[portmap.Entry]{At: d.world.Now(), Err: portmap.ErrNoAnswer}, true
	}
	if !d.ask(ctx, client, func(ctx context.Context) { f.Value, f.Err = client.Lookup(ctx, t, external) }) || ctx.Err() != nil {
		return f, false
	}
	f.At = d.world.Now()
	return f, true
}

// ask puts one question to the router and waits for it, but not when the network changes meanwhile:
// an answer about the old one would come late and wrong. It then reports false.
func (d *Daemon) ask(ctx context.Context, client portmap.Client, question func(context.Context)) bool {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	pause := d.breath(client)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if pause > 0 {
			sleep(ctx, pause)
		}
		question(ctx) // also when ctx is over: the client then says so
	}()
	defer d.asked(client)
	select {
	case <-done:
		return true
	case why := <-d.network:
		cancel()
		<-done
		d.networkChanged(why)
		return false
	}
}

// breath is how long to wait before the next question to a router: some break when UPnP requests
// follow each other at once. Nobody waits before the first mapping.
func (d *Daemon) breath(client portmap.Client) time.Duration {
	if client.Name() != portmap.UPnP || !d.state.confirmed() && !d.state.router.gentle && !d.state.knownRouter().Gentle {
		return 0
	}
	apart := soapApart
	if d.leaving > 0 { // all of them have to fit into the farewell
		apart = min(apart, stopWithin/time.Duration(4*d.leaving))
	}
	return min(apart-d.world.Now().Sub(d.lastSOAP), apart)
}

// asked notes that a question has just ended.
func (d *Daemon) asked(client portmap.Client) {
	if client.Name() == portmap.UPnP {
		d.lastSOAP = d.world.Now()
	}
}

// sleep waits, and reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
