package simhome

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Search asks the home's router as portmap.Search does, in memory and as the LAN host from; nil
// protocols are all of them. Answers take as long as over the wire: PCP and NAT-PMP 1 ms, UPnP 50 ms
// and what its description takes; silence is ErrNoAnswer after 3.75 s and 3 s. A closed port of
// PCP and NAT-PMP is an error at once, one of UPnP is silence: nobody hears who else does not listen
// to a multicast. Search returns when all has been answered and UPnP's window of 3 s is over, or
// ctx has ended.
func (h *Home) Search(ctx context.Context, from netip.Addr, protocols []portmap.Protocol, answered func(portmap.Answer)) {
	h.Seek(ctx, portmap.Search{Local: from, Protocols: protocols}, answered)
}

// Seek is Search with all that portmap's takes into account: the description URL that worked last
// time, which ends UPnP's part at once if it still does, the patience of a slow search, and the quirks
// known from before.
func (h *Home) Seek(ctx context.Context, s portmap.Search, answered func(portmap.Answer)) {
	answers := make(chan portmap.Answer)
	var asking sync.WaitGroup
	asks := func(p portmap.Protocol) bool { return s.Protocols == nil || slices.Contains(s.Protocols, p) }
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		if asks(p) {
			asking.Go(func() { answers <- h.probe(ctx, p, s.Local) })
		}
	}
	if asks(portmap.UPnP) {
		asking.Go(func() { h.discover(ctx, s, func(a portmap.Answer) { answers <- a }) })
	}
	go func() {
		asking.Wait()
		close(answers)
	}()
	for a := range answers {
		if a.Client != nil || ctx.Err() == nil {
			answered(a)
		}
	}
}

// probe asks by PCP or NAT-PMP. A refusal that tells the epoch proves that the protocol is spoken.
func (h *Home) probe(ctx context.Context, p portmap.Protocol, from netip.Addr) portmap.Answer {
	c := h.Client(p, from)
	outer, err := c.External(ctx)
	a := portmap.Answer{Protocol: p, Outer: outer, Err: err}
	var no *portmap.Refusal
	if err == nil || errors.As(err, &no) && outer.HasEpoch {
		a.Client = c
	}
	return a
}

// discover searches for UPnP and goes on listening until the window closes.
func (h *Home) discover(ctx context.Context, s portmap.Search, tell func(portmap.Answer)) {
	window := searchWindow
	if s.Slow {
		window = slowWindow
	}
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	none := portmap.Answer{Protocol: portmap.UPnP, Err: fmt.Errorf("UPnP search of %v: %w", window, portmap.ErrNoAnswer)}

	known := h.Client(portmap.UPnP, s.Local).(*memoryUPnP)
	if s.Known == known.device.Location && known.call(ctx, OpDescribe, func() {}) == nil {
		known.remember(s)
		tell(h.described(ctx, known))
		return
	}
	heard := h.searched(ctx, s.Local)
	if heard {
		c := h.Client(portmap.UPnP, s.Local).(*memoryUPnP)
		if err := c.call(ctx, OpDescribe, func() {}); err == nil {
			c.remember(s)
			tell(h.described(ctx, c))
		} else {
			none.Err = err
			heard = false
		}
	}
	<-ctx.Done()
	if !heard {
		tell(none)
	}
}

// remember takes over what an earlier client has learned about this very router.
func (c *memoryUPnP) remember(s portmap.Search) {
	c.device.Permanent = s.Permanent && (s.UDN == "" || s.UDN == c.device.UDN)
}

// searched sends M-SEARCH as often as portmap does while nothing comes, and tells whether the router
// answered.
func (h *Home) searched(ctx context.Context, from netip.Addr) bool {
	for _, pause := range []time.Duration{firstPause, time.Second - firstPause, searchWindow} {
		fate, slow, leave := h.arrive(portmap.UPnP, OpSearch, from)
		if fate == answered {
			defer leave()
			return wait(ctx, searchTime+slow+h.Faults().SSDPDelay) == nil
		}
		leave()
		if wait(ctx, pause) != nil {
			return false
		}
	}
	return false
}

// described is the answer of a router whose description was read. Where there is a choice of
// services, or an old one, the outer address was asked for on the way.
func (h *Home) described(ctx context.Context, c *memoryUPnP) portmap.Answer {
	a := portmap.Answer{Protocol: portmap.UPnP, Client: c}
	if kind := h.Faults().IGD; kind == IGDTwo || kind == IGDDSLForum {
		c.call(ctx, OpStatus, func() {})
		a.Outer, _ = c.External(ctx)
	}
	return a
}
