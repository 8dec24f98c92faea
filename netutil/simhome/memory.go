package simhome

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// How long things take in memory: what a LAN and a small router need, and the patience of
// portmap's clients.
const (
	answerTime   = time.Millisecond
	searchTime   = 50 * time.Millisecond // miniupnpd waits that long before it answers an M-SEARCH
	searchWindow = 3 * time.Second
	slowWindow   = 10 * time.Second
	firstPause   = 250 * time.Millisecond
	tries        = 4
	httpPatience = 5 * time.Second
)

// Client is a client of the home's router that needs no sockets. It speaks as the LAN host from and
// answers, refuses and takes its time as portmap's own client does over the wire; quirks of form
// (UPnPFaults) it cannot show. Time passes by timers only, so it runs under testing/synctest.
//
// The UPnP client knows the control URL of the moment: after a reboot that moves UPnP it gives
// portmap.ErrGone.
func (h *Home) Client(p portmap.Protocol, from netip.Addr) portmap.Client {
	m := memory{home: h, protocol: p, from: from}
	switch p {
	case portmap.PCP:
		return &memoryPCP{memory: m}
	case portmap.NATPMP:
		return &memoryPMP{memory: m}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return &memoryUPnP{memory: m, device: h.device(), moves: h.moves}
}

// memory is what the three clients have in common.
type memory struct {
	home     *Home
	protocol portmap.Protocol
	from     netip.Addr
}

func (c *memory) Name() portmap.Protocol { return c.protocol }
func (c *memory) Gateway() netip.Addr    { return c.home.gateway }
func (c *memory) Device() portmap.Device { return portmap.Device{} }

// Lookup is not to be had with PCP and NAT-PMP.
func (c *memory) Lookup(context.Context, portmap.Transport, uint16) (portmap.Entry, error) {
	return portmap.Entry{}, portmap.ErrCannotLook
}

func (c *memory) wrap(err error) error {
	return fmt.Errorf("%s to %s: %w", c.protocol, c.home.gateway, err)
}

func (c *memory) refusal(code int) error {
	return c.home.refusal(c.protocol, code)
}

// datagram sends one request of PCP or NAT-PMP, and again while nothing comes. do is the router's
// part.
func (c *memory) datagram(ctx context.Context, op Op, do func()) error {
	pause := firstPause
	for range tries {
		fate, slow, leave := c.home.arrive(c.protocol, op, c.from)
		if fate == refused {
			leave()
			return c.closed(ctx)
		}
		if fate == answered {
			do()
			err := c.receive(ctx, slow, pause)
			leave()
			return err
		}
		leave()
		if err := wait(ctx, pause); err != nil {
			return c.wrap(err)
		}
		pause *= 2
	}
	return c.wrap(portmap.ErrNoAnswer)
}

// receive waits for the answer to a request whose pause has just begun.
func (c *memory) receive(ctx context.Context, slow, pause time.Duration) error {
	patience := pause
	for pause < firstPause<<(tries-1) {
		pause *= 2
		patience += pause
	}
	if err := wait(ctx, min(answerTime+slow, patience)); err != nil {
		return c.wrap(err)
	}
	if answerTime+slow > patience {
		return c.wrap(portmap.ErrNoAnswer)
	}
	return nil
}

// closed is the answer of a port that is closed, or of the other protocol that shares it.
func (c *memory) closed(ctx context.Context) error {
	if err := wait(ctx, answerTime); err != nil {
		return c.wrap(err)
	}
	version := byte(pcpVersion)
	if c.protocol == portmap.NATPMP {
		version = pmpVersion
	}
	if c.home.wrongVersion([]byte{version, 0}) != nil {
		no := c.home.refusal(c.protocol, 1)
		no.Retry = 0 // the other protocol's answer has no room for it
		return no
	}
	return c.wrap(portmap.ErrClosed)
}

// mayMap refuses what PCP and NAT-PMP cannot say.
func (c *memory) mayMap(r portmap.Request) error {
	switch {
	case r.Internal.Addr() != c.from || r.Internal.Port() == 0:
		return c.wrap(fmt.Errorf("cannot map to %s, only to %s", r.Internal, c.from))
	case r.Lease < time.Second:
		return c.wrap(fmt.Errorf("cannot ask for a lease of %s", r.Lease))
	}
	return nil
}

// granted makes the Mapping of a router's yes.
func (c *memory) granted(r portmap.Request, outer netip.Addr, g grant) portmap.Mapping {
	return portmap.Mapping{
		Protocol: c.protocol, Gateway: c.home.gateway, Transport: r.Transport, Internal: r.Internal,
		External: netip.AddrPortFrom(outer, g.external), Lease: g.lease, Granted: c.home.now().Round(0),
	}
}

// known is an address as a client tells it: 0.0.0.0 is none.
func known(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
