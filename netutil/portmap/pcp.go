package portmap

import (
	"context"
	"net/netip"
)

type pcpClient struct {
	peer     pmpPeer
	plain    bool       // the router refuses the option PREFER_FAILURE
	external netip.Addr // from the last mapping granted
}

// NewPCP is a client for PCP, version 2 (RFC 6887), at gateway, speaking from our address local.
// It sends nothing yet; whether the gateway knows PCP shows with the first request, or in a
// Search. Both addresses have to be IPv4.
//
// Map may be granted another external port than asked for. A Request that is Exact goes with
// PREFER_FAILURE (RFC 6887 section 13.2), by which the router is to refuse with Conflict instead.
// Do not rely on it: miniupnpd 2.3 may give another port all the same, and hides behind Conflict
// that a port is denied by its settings. Routers that refuse the option are asked without it.
//
// External sends ANNOUNCE, whose answer has the epoch alone. The address is the one that came with
// this client's last granted mapping: it can be as old as that. Where the router knows NAT-PMP
// too, that client's External asks for both afresh.
//
// Errors are a *Refusal where the router said no, else wrap ErrNoAnswer, ErrClosed, the context's
// or the socket's error.
func NewPCP(gateway, local netip.Addr, ports Ports) Client {
	return newPCPClient(gateway, local, ports)
}

func newPCPClient(gateway, local netip.Addr, ports Ports) *pcpClient {
	return &pcpClient{peer: newPMPPeer(PCP, gateway, local, ports)}
}

func (c *pcpClient) Name() Protocol      { return PCP }
func (c *pcpClient) Gateway() netip.Addr { return c.peer.gateway.Addr() }
func (c *pcpClient) Device() Device      { return Device{} }

func (c *pcpClient) External(ctx context.Context) (Outer, error) {
	return c.sendAnnounce(ctx)()
}

// sendAnnounce lets an ANNOUNCE go (RFC 6887 section 14.1); the function it returns waits for the
// answer. A router that does not know the opcode has told its epoch all the same.
func (c *pcpClient) sendAnnounce(ctx context.Context) func() (Outer, error) {
	x := c.peer.send(ctx, appendPCPHeader(nil, pcpAnnounce, 0, c.peer.local))
	return func() (Outer, error) {
		var reply pcpReply
		err := x.wait(ctx, func(b []byte) (ok bool) {
			reply, ok = parsePCPReply(b)
			return ok && reply.opcode == pcpAnnounce
		})
		if err != nil {
			return Outer{}, err
		}
		if reply.result == pcpUnsuppVersion {
			return Outer{}, reply.refusal()
		}
		outer := Outer{Addr: c.external, Epoch: reply.epoch, HasEpoch: true}
		if no := reply.refusal(); no != nil && reply.result != pcpUnsuppOpcode {
			return outer, no
		}
		return outer, nil
	}
}

func (c *pcpClient) Lookup(context.Context, Transport, uint16) (Entry, error) {
	return Entry{}, ErrCannotLook
}

func (c *pcpClient) Map(ctx context.Context, r Request) (Mapping, error) {
	if err := c.peer.check(r.Transport, r.Internal); err != nil {
		return Mapping{}, err
	}
	lifetime, err := c.peer.seconds(r.Lease)
	if err != nil {
		return Mapping{}, err
	}
	wanted := pcpMapping{
		nonce:    r.Nonce,
		protocol: pcpProtocol(r.Transport),
		internal: r.Internal.Port(),
		external: netip.AddrPortFrom(netip.Addr{}, r.External),
	}
	exact := r.Exact && !c.plain && r.External != 0 // without a port the option is malformed
	reply, err := c.askMap(ctx, wanted, lifetime, exact)
	if err == nil && exact && (reply.result == pcpUnsuppOption || reply.result == pcpMalformedOption) {
		c.plain = true
		reply, err = c.askMap(ctx, wanted, lifetime, false)
	}
	if err != nil {
		return Mapping{}, err
	}
	if no := reply.refusal(); no != nil {
		return Mapping{}, no
	}
	m, err := c.peer.granted(r, reply.mapping.external, reply.lifetime)
	if err != nil {
		return Mapping{}, err
	}
	m.Nonce = r.Nonce
	c.external = m.External.Addr()
	return m, nil
}

// Unmap asks for a lifetime of 0 (RFC 6887 section 15). A router that has no such entry says yes, or
// NO_RESOURCES as miniupnpd 2.3 does; one that has it under another nonce, or by another protocol,
// says NOT_AUTHORIZED.
func (c *pcpClient) Unmap(ctx context.Context, m Mapping) error {
	if err := c.peer.check(m.Transport, m.Internal); err != nil {
		return err
	}
	reply, err := c.askMap(ctx, pcpMapping{
		nonce:    m.Nonce,
		protocol: pcpProtocol(m.Transport),
		internal: m.Internal.Port(),
		external: m.External,
	}, 0, false)
	if err != nil {
		return err
	}
	if no := reply.refusal(); no != nil && reply.result != pcpNoResources {
		return no
	}
	return nil
}

// askMap sends one MAP request; with exact, rather to be refused than given another external port.
func (c *pcpClient) askMap(ctx context.Context, m pcpMapping, lifetime uint32, exact bool) (reply pcpReply, err error) {
	b := make([]byte, 0, pcpMapLen+4)
	b = appendPCPHeader(b, pcpMap, lifetime, c.peer.local)
	b = appendPCPMap(b, m)
	if exact {
		b = appendPCPOption(b, pcpPreferFailure)
	}
	err = c.peer.ask(ctx, b, func(b []byte) (ok bool) {
		reply, ok = parsePCPReply(b)
		return ok && reply.answersMap(m)
	})
	return reply, err
}
