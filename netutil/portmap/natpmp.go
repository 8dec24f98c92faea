package portmap

import (
	"context"
	"net/netip"
)

type natpmpClient struct {
	peer pmpPeer
}

// NewNATPMP is a client for NAT-PMP (RFC 6886) at gateway, speaking from our address local. It
// sends nothing yet; whether the gateway knows NAT-PMP shows with the first request, or in a
// Search. Both addresses have to be IPv4.
//
// External asks for address and epoch in one request. A router whose own outer side is down
// refuses with NoOuterAddress, and has told its epoch all the same. A Mapping has no external
// address, because the router does not tell it there.
//
// Errors are a *Refusal where the router said no, else wrap ErrNoAnswer, ErrClosed, the context's
// or the socket's error.
func NewNATPMP(gateway, local netip.Addr, ports Ports) Client {
	return newNATPMPClient(gateway, local, ports)
}

func newNATPMPClient(gateway, local netip.Addr, ports Ports) *natpmpClient {
	return &natpmpClient{peer: newPMPPeer(NATPMP, gateway, local, ports)}
}

func (c *natpmpClient) Name() Protocol      { return NATPMP }
func (c *natpmpClient) Gateway() netip.Addr { return c.peer.gateway.Addr() }
func (c *natpmpClient) Device() Device      { return Device{} }

func (c *natpmpClient) External(ctx context.Context) (Outer, error) {
	return c.sendExternal(ctx)()
}

// sendExternal lets the question for the external address go (RFC 6886 section 3.2); the function
// it returns waits for the answer.
func (c *natpmpClient) sendExternal(ctx context.Context) func() (Outer, error) {
	x := c.peer.send(ctx, appendNATPMPExternal(nil))
	return func() (Outer, error) {
		var reply natpmpReply
		err := x.wait(ctx, func(b []byte) (ok bool) {
			reply, ok = parseNATPMPReply(b)
			return ok && reply.opcode == natpmpExternal
		})
		if err != nil {
			return Outer{}, err
		}
		if reply.result == natpmpUnsuppVersion {
			return Outer{}, reply.refusal()
		}
		outer := Outer{Addr: reply.addr, Epoch: reply.epoch, HasEpoch: true}
		if no := reply.refusal(); no != nil {
			return outer, no
		}
		return outer, nil
	}
}

func (c *natpmpClient) Lookup(context.Context, Transport, uint16) (Entry, error) {
	return Entry{}, ErrCannotLook
}

func (c *natpmpClient) Map(ctx context.Context, r Request) (Mapping, error) {
	if err := c.peer.check(r.Transport, r.Internal); err != nil {
		return Mapping{}, err
	}
	lifetime, err := c.peer.seconds(r.Lease)
	if err != nil {
		return Mapping{}, err
	}
	reply, err := c.askMap(ctx, r.Transport, r.Internal.Port(), r.External, lifetime)
	if err != nil {
		return Mapping{}, err
	}
	return c.peer.granted(r, netip.AddrPortFrom(netip.Addr{}, reply.external), reply.lifetime)
}

// Unmap asks for a lifetime of 0 with external port 0 (RFC 6886 section 3.4). A router that has no
// such entry says yes.
func (c *natpmpClient) Unmap(ctx context.Context, m Mapping) error {
	if err := c.peer.check(m.Transport, m.Internal); err != nil {
		return err
	}
	_, err := c.askMap(ctx, m.Transport, m.Internal.Port(), 0, 0)
	return err
}

// askMap returns a reply that says yes, or the error.
func (c *natpmpClient) askMap(ctx context.Context, t Transport, internal, external uint16, lifetime uint32) (reply natpmpReply, err error) {
	err = c.peer.ask(ctx, appendNATPMPMap(nil, t, internal, external, lifetime), func(b []byte) (ok bool) {
		reply, ok = parseNATPMPReply(b)
		return ok && reply.answersMap(t, internal)
	})
	if err != nil {
		return reply, err
	}
	if no := reply.refusal(); no != nil {
		return reply, no
	}
	return reply, nil
}
