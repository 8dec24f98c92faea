package simhome

import (
	"context"
	"net/netip"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

type memoryPMP struct{ memory }

func (c *memoryPMP) External(ctx context.Context) (portmap.Outer, error) {
	var r pmpReply
	if err := c.datagram(ctx, OpAddress, func() { r = c.home.pmpAddress() }); err != nil {
		return portmap.Outer{}, err
	}
	outer := portmap.Outer{Epoch: r.epoch, HasEpoch: true}
	if r.code != 0 {
		return outer, c.refusal(r.code)
	}
	outer.Addr = known(r.outer)
	return outer, nil
}

func (c *memoryPMP) Map(ctx context.Context, r portmap.Request) (portmap.Mapping, error) {
	if err := c.mayMap(r); err != nil {
		return portmap.Mapping{}, err
	}
	reply, err := c.ask(ctx, OpMap, r.Transport, r.Internal, r.External, r.Lease.Truncate(time.Second))
	if err != nil {
		return portmap.Mapping{}, err
	}
	return c.granted(r, netip.Addr{}, reply.grant), nil
}

func (c *memoryPMP) Unmap(ctx context.Context, m portmap.Mapping) error {
	_, err := c.ask(ctx, OpUnmap, m.Transport, m.Internal, 0, 0)
	return err
}

func (c *memoryPMP) ask(ctx context.Context, op Op, t portmap.Transport, internal netip.AddrPort, external uint16, lease time.Duration) (r pmpReply, err error) {
	from := netip.AddrPortFrom(c.from, internal.Port())
	if err := c.datagram(ctx, op, func() { r = c.home.pmpMap(t, from, external, lease) }); err != nil {
		return r, err
	}
	if r.code != 0 {
		return r, c.refusal(r.code)
	}
	return r, nil
}

type memoryPCP struct {
	memory
	outer netip.Addr // as it came with the last mapping
}

func (c *memoryPCP) External(ctx context.Context) (portmap.Outer, error) {
	outer := portmap.Outer{Addr: c.outer, HasEpoch: true}
	if err := c.datagram(ctx, OpAnnounce, func() { outer.Epoch = c.home.pcpEpoch() }); err != nil {
		return portmap.Outer{}, err
	}
	return outer, nil
}

func (c *memoryPCP) Map(ctx context.Context, r portmap.Request) (portmap.Mapping, error) {
	if err := c.mayMap(r); err != nil {
		return portmap.Mapping{}, err
	}
	reply, err := c.ask(ctx, OpMap, ask{
		transport: r.Transport, internal: r.Internal, external: r.External, lease: r.Lease.Truncate(time.Second),
		nonce: r.Nonce, exact: r.Exact && r.External != 0,
	})
	if err != nil {
		return portmap.Mapping{}, err
	}
	c.outer = known(reply.outer)
	m := c.granted(r, c.outer, reply.grant)
	m.Nonce = r.Nonce
	return m, nil
}

func (c *memoryPCP) Unmap(ctx context.Context, m portmap.Mapping) error {
	_, err := c.ask(ctx, OpUnmap, ask{transport: m.Transport, internal: m.Internal, nonce: m.Nonce})
	return err
}

func (c *memoryPCP) ask(ctx context.Context, op Op, a ask) (r pmpReply, err error) {
	a.from = c.from
	if err := c.datagram(ctx, op, func() { r = c.home.pcpMap(a) }); err != nil {
		return r, err
	}
	if r.code != 0 {
		return r, c.refusal(r.code)
	}
	return r, nil
}
