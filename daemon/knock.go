package daemon

import (
	"context"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// A router that has been dark for long is searched for by every protocol only once in a while. Between
// two searches a knock asks by the one protocol that told most when it last answered. An answer to a
// knock counts for nothing but that the search follows at once.

const (
	knockEvery     = 20 * time.Second
	knockEveryUPnP = 50 * time.Second       // a search by UPnP is a dozen packets and more
	knockTime      = 700 * time.Millisecond // two packets by PCP or NAT-PMP; they knock again soon
)

// knocks plans to knock while the next search is far away.
func (p *planner) knocks() {
	r := &p.s.router
	if len(r.clients) == 0 && r.spoke != "" && !r.again.IsZero() && !r.knockDue.IsZero() && p.due(r.knockDue, "see whether the router is back") {
		p.dec.Do = append(p.dec.Do, Action{Kind: Knock})
	}
}

// learnKnock plans the next knock at a router that has been silent for so long.
func (s *state) learnKnock(now time.Time) {
	r := &s.router
	switch silent := now.Sub(r.answered); {
	case silent < startsWithin || silent >= awayWithin:
		r.knockDue = time.Time{} // the searches are close to each other, or there is nobody to wait for
	case r.spoke == portmap.UPnP:
		r.knockDue = now.Add(knockEveryUPnP)
	default:
		r.knockDue = now.Add(knockEvery)
	}
}

// knock asks the gateway by one protocol, beside the loop.
func (d *Daemon) knock(ctx context.Context) {
	s := d.state
	s.learnKnock(d.world.Now())
	n, order := s.router.search, s.searchOrder([]portmap.Protocol{s.router.spoke})
	d.job(ctx, func(ctx context.Context) {
		if order.Protocols[0] != portmap.UPnP {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, knockTime)
			defer cancel()
		}
		d.world.Search(ctx, order, func(a portmap.Answer) {
			if a.Client == nil {
				return
			}
			d.tell(ctx, func() {
				now := d.world.Now()
				if r := &s.router; r.search == n && !r.running {
					r.again = now
					if a.Protocol == portmap.UPnP { // which has just read its description
						r.again = now.Add(soapApart)
					}
				}
			})
		})
	})
}
