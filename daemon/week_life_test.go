package daemon

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/portmap"
)

// life is what one Daemon of a week can touch: once it is dead, nothing. It watches what the loop
// does to the router.
type life struct {
	w    *week
	dead atomic.Bool

	lastSOAP time.Time // when the last UPnP request ended
	mapped   bool      // the router had confirmed a mapping by then
	skew     int64     // of the clock at that time
}

var errDead = errors.New("this Daemon was killed")

// world is the house's, as far as it is alive and watched.
func (l *life) world() World {
	world := l.w.house.world()
	save, record, search := world.Save, world.Record, world.Search
	world.AskChecker = l.askChecker
	world.Save = func(m Memory) error {
		if l.dead.Load() {
			return errDead
		}
		return save(m)
	}
	world.Record = func(e Event) error {
		if l.dead.Load() {
			return errDead
		}
		return record(e)
	}
	world.Search = func(ctx context.Context, o SearchOrder, answered func(portmap.Answer)) {
		search(ctx, o, func(a portmap.Answer) {
			if a.Client != nil {
				a.Client = watched{a.Client, l}
			}
			answered(a)
		})
	}
	return world
}

// askChecker knocks as a stranger would, and never while a game hosts.
func (l *life) askChecker(ctx context.Context, o CheckOrder) (checker.Answer, error) {
	w := l.w
	w.checks.Add(1)
	w.mu.Lock()
	down := w.checkerDown
	w.mu.Unlock()
	public, err := w.Public()
	if down || err != nil {
		return checker.Answer{}, &checker.Failure{URL: o.Servers[0], Reason: checker.NotReached, Detail: "connection refused"}
	}
	if o.Hold == nil {
		w.breaks("a check under a game, and nobody has asked for it")
		return checker.Answer{}, errDead
	}
	release, err := o.Hold()
	if err != nil {
		return checker.Answer{}, err
	}
	defer release()
	if !sleep(ctx, 100*time.Millisecond) {
		return checker.Answer{}, ctx.Err()
	}
	now, _ := w.Public() // it knocks at the address that it saw
	return checker.Answer{Reachable: now == public && w.reachableAt(o.Port, w.Self()) && w.standing.Load(),
		Address: netip.AddrPortFrom(public, o.Port), Checker: o.Servers[0]}, nil
}

// watched is a client whose requests are watched.
type watched struct {
	portmap.Client
	life *life
}

// request lets one request pass, if nothing speaks against it.
func (c watched) request(ctx context.Context, ask func()) error {
	if c.life.dead.Load() {
		return errDead
	}
	if ctx.Err() != nil { // nothing leaves then
		return ctx.Err()
	}
	w := c.life.w
	if n := w.asking.Add(1); n > 1 {
		w.breaks("%d requests of the loop at once", n)
	}
	defer w.asking.Add(-1)
	if c.Name() == portmap.UPnP {
		m := w.port().Mapping
		mapped := m != nil && m.Owner == "ours" && m.Verified != nil
		gap, skew := time.Since(c.life.lastSOAP), w.skew.Load()
		if mapped && c.life.mapped && gap < soapApart && skew == c.life.skew { // else the clock was set, here with its monotonic reading
			w.breaks("a UPnP request %s after the last one", gap)
		}
		c.life.mapped, c.life.skew = mapped, skew
		defer func() { c.life.lastSOAP = time.Now() }()
	}
	ask()
	return nil
}

func (c watched) External(ctx context.Context) (o portmap.Outer, err error) {
	if dead := c.request(ctx, func() { o, err = c.Client.External(ctx) }); dead != nil {
		err = dead
	}
	return o, err
}

func (c watched) Lookup(ctx context.Context, t portmap.Transport, external uint16) (e portmap.Entry, err error) {
	if dead := c.request(ctx, func() { e, err = c.Client.Lookup(ctx, t, external) }); dead != nil {
		err = dead
	}
	return e, err
}

func (c watched) Map(ctx context.Context, r portmap.Request) (m portmap.Mapping, err error) {
	dead := c.request(ctx, func() { c.mayMap(r); m, err = c.Client.Map(ctx, r) })
	if dead != nil {
		err = dead
	}
	// a lease is counted by the PC's clock
	m.Granted = m.Granted.Add(time.Duration(c.life.w.skew.Load()))
	return m, err
}

func (c watched) Unmap(ctx context.Context, m portmap.Mapping) (err error) {
	if dead := c.request(ctx, func() { c.mayRemove(m); err = c.Client.Unmap(ctx, m) }); dead != nil {
		err = dead
	}
	return err
}

// mayMap complains when a UPnP router, whose table can be read, is asked for a port that a stranger's
// entry has had for longer than a read-back is relied on.
func (c watched) mayMap(r portmap.Request) {
	w := c.life.w
	since, taken := w.taken.Load(r.External)
	if c.Name() != portmap.UPnP || !taken || time.Since(since.(time.Time)) <= freshLook+time.Second {
		return
	}
	for _, e := range w.Table() {
		if _, ours := w.ours.Load(e.Internal.Addr()); e.External == r.External && e.Transport == r.Transport && !ours {
			w.breaks("asks for %d, which leads to %s", e.External, e.Internal)
		}
	}
}

// mayRemove complains when an entry is a stranger's, or in force under a game. The loop looks once
// a minute who holds the port.
func (c watched) mayRemove(m portmap.Mapping) {
	w := c.life.w
	for _, e := range w.Table() {
		if e.External != m.External.Port() || e.Transport != m.Transport {
			continue
		}
		_, ours := w.ours.Load(e.Internal.Addr())
		if !ours && c.Name() == portmap.UPnP {
			w.breaks("asks to delete %d, which leads to %s", e.External, e.Internal)
		}
		since := w.hostedAt.Load()
		if hosted := since != 0 && time.Since(time.Unix(0, since)) > 61*time.Second; hosted && !w.stopping.Load() &&
			w.reachableAt(e.External, w.Self()) {
			w.breaks("asks to delete %d under a game", e.External)
		}
	}
}
