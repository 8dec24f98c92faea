package daemon

import (
	"context"
	"net/netip"
	"sync"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Jobs are the work that takes long and does not touch the state: they run beside the loop and hand
// in their results as functions that the loop runs.

// tell hands a result to the loop.
func (d *Daemon) tell(ctx context.Context, result func()) {
	select {
	case d.inbox <- result:
	case <-ctx.Done():
	}
}

// watch wakes the loop when the network changes.
func (d *Daemon) watch(ctx context.Context) {
	if err := d.world.Watch(ctx, d.wake); err != nil && ctx.Err() == nil {
		d.log.Warn("no notice of network changes; looking every minute instead", "error", err)
	}
}

// readPast loads the stored history, once the port is open or cannot be: that comes first.
func (d *Daemon) readPast(ctx context.Context) {
	if d.past == nil {
		return
	}
	started := d.Status().Started
	for st := d.Status(); st.starting(); {
		if st = d.Await(ctx, st.Pass); st == nil {
			return
		}
	}
	var past []Event
	days := newLedger()
	for e := range d.past {
		if ctx.Err() != nil || e.Kind == "start" && e.At.Equal(started) {
			break // what follows is of this run
		}
		days.add(e)
		if e.Kind != "alive" {
			past = append(past, e)
		}
		if len(past) == 2*maxEvents {
			past = append(past[:0], past[maxEvents:]...)
		}
	}
	d.tell(ctx, func() { d.prependHistory(past, days) })
}

// startSearch asks the gateway by every protocol, beside the loop.
func (d *Daemon) startSearch(ctx context.Context) {
	s := d.state
	order := s.searchOrder(s.protocols())
	order.Slow = order.Slow || s.router.rounds == 1
	n := s.learnSearch(d.world.Now())
	d.endSearch()
	ctx, d.endSearch = context.WithCancel(ctx)
	d.job(ctx, func(ctx context.Context) {
		d.world.Search(ctx, order, func(a portmap.Answer) {
			d.tell(ctx, func() {
				if a.Protocol == portmap.UPnP {
					d.lastSOAP = d.world.Now() // its description has just been read
				}
				s.learnAnswer(n, a, d.world.Now())
			})
		})
		d.tell(ctx, func() { s.learnSearchEnd(n, d.world.Now()) })
	})
}

// searchOrder is a search of the present gateway by some protocols.
func (s *state) searchOrder(protocols []portmap.Protocol) SearchOrder {
	known := s.knownRouter()
	return SearchOrder{Route: s.way(), Protocols: protocols, Known: known.Location, Permanent: known.Permanent, UDN: known.UDN, Slow: known.Slow}
}

// job runs work beside the loop.
func (d *Daemon) job(ctx context.Context, work func(context.Context)) {
	d.jobs.Go(func() { work(ctx) })
}

// publicAnswer is what a round of asking for the public address brought.
type publicAnswer struct {
	http, stun Fact[netip.Addr]
}

// startPublic asks the sources that are due for our public address, beside the loop.
func (d *Daemon) startPublic(ctx context.Context) {
	u, set, now := &d.state.public, d.state.settings.PublicIP, d.world.Now()
	u.asking = true
	local := d.state.way().Local
	http := len(set.HTTP) > 0 && !u.httpDue.After(now)
	stun := len(set.STUN) > 0 && !u.stunDue.After(now)
	asking, cancel := context.WithCancel(ctx)
	calledOff := false // the loop's own
	d.endPublic = func() { calledOff = true; cancel() }
	d.job(ctx, func(ctx context.Context) {
		defer cancel()
		var a publicAnswer
		var both sync.WaitGroup
		ask := func(f *Fact[netip.Addr], servers []string, question func(context.Context, netip.Addr, []string) (netip.Addr, error)) {
			both.Go(func() {
				f.Value, f.Err = question(asking, local, servers)
				f.At = d.world.Now()
			})
		}
		if http {
			ask(&a.http, set.HTTP, d.world.AskHTTP)
		}
		if stun {
			ask(&a.stun, set.STUN, d.world.AskSTUN)
		}
		both.Wait()
		d.tell(ctx, func() {
			if calledOff { // about a network we have left, or by settings of before
				d.state.public.asking = false
				return
			}
			d.state.learnPublic(a, d.world.Now(), d.world.Rand())
		})
	})
}

// startListening hears the router of the present route, beside the loop, instead of the one before.
func (d *Daemon) startListening(ctx context.Context) {
	d.endListening()
	way := d.state.way()
	if !way.Valid() {
		return
	}
	ctx, d.endListening = context.WithCancel(ctx)
	d.job(ctx, func(ctx context.Context) {
		err := d.world.Listen(ctx, way, func(a portmap.Announcement) {
			d.tell(ctx, func() {
				if d.state.way() == way {
					d.state.learnAnnouncement(a, d.world.Now())
				}
			})
		})
		if err != nil && ctx.Err() == nil {
			d.log.Warn("the router's announcements cannot be heard; asking it regularly instead", "error", err)
		}
	})
}
