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
	answers := make(chan portmap.Answer)
	var asking sync.WaitGroup
	asks := func(p portmap.Protocol) bool { return protocols == nil || slices.Contains(protocols, p) }
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		if asks(p) {
			asking.Go(func() { answers <- h.probe(ctx, p, from) })
		}
	}
	if asks(portmap.UPnP) {
		asking.Go(func() { h.discover(ctx, from, func(a portmap.Answer) { answers <- a }) })
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
func (h *Home) discover(ctx context.Context, from netip.Addr, tell func(portmap.Answer)) {
	ctx, cancel := context.WithTimeout(ctx, searchWindow)
	defer cancel()
	none := portmap.Answer{Protocol: portmap.UPnP, Err: fmt.Errorf("UPnP search of %v: %w", searchWindow, portmap.ErrNoAnswer)}

	heard := h.searched(ctx, from)
	if heard {
		c := h.Client(portmap.UPnP, from).(*memoryUPnP)
		if err := c.call(ctx, OpDescribe, func() {}); err == nil {
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
