package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// ErrClosed means that the router answered at once that nobody listens on the protocol's port
// (ICMP port unreachable): waiting or asking again is of no use.
var ErrClosed = errors.New("the router says that this port is closed")

// Both protocols live on one port of the gateway, in datagrams of at most 1100 bytes
// (RFC 6886 section 3, RFC 6887 sections 7 and 19.1).
const (
	pmpPort   = 5351
	pmpMaxLen = 1100
)

// A request is sent at 0, 250, 750 and 1750 ms and given up after 3.75 s. The first pause is that
// of RFC 6886 section 3.1; its full nine tries would take over two minutes, and the 3 s with which
// RFC 6887 section 8.1.1 begins are meant for a provider's box, not for a router one hop away.
const (
	pmpFirstPause = 250 * time.Millisecond
	pmpTries      = 4
)

// longAgo is a deadline that wakes a blocked read.
var longAgo = time.Unix(1, 0)

// pmpPeer is a gateway's PCP and NAT-PMP port, as seen from one address of ours.
type pmpPeer struct {
	protocol   Protocol
	gateway    netip.AddrPort
	local      netip.Addr
	firstPause time.Duration
}

func newPMPPeer(p Protocol, gateway, local netip.Addr, ports Ports) pmpPeer {
	port := ports.PMP
	if port == 0 {
		port = pmpPort
	}
	return pmpPeer{
		protocol:   p,
		gateway:    netip.AddrPortFrom(gateway.Unmap(), port),
		local:      local.Unmap(),
		firstPause: pmpFirstPause,
	}
}

// pmpExchange is one request under way. It has a socket of its own, so that a late answer to an
// earlier request can never be taken for the answer to this one.
type pmpExchange struct {
	peer    pmpPeer
	conn    *net.UDPConn
	request []byte
	err     error // the socket or the first packet failed
}

// ask sends a request, again when nothing comes, until accept says that a reply is the answer.
func (p pmpPeer) ask(ctx context.Context, request []byte, accept func(reply []byte) bool) error {
	return p.send(ctx, request).wait(ctx, accept)
}

// send lets the first packet go and returns at once. Every send must be followed by a wait.
func (p pmpPeer) send(ctx context.Context, request []byte) *pmpExchange {
	x := &pmpExchange{peer: p, request: request}
	// A connection to 0.0.0.0 would lead to this PC itself.
	if g := p.gateway.Addr(); !g.Is4() || g.IsUnspecified() || g.IsMulticast() || !p.local.Is4() {
		x.err = p.wrap(fmt.Errorf("needs the IPv4 address of a gateway and one of ours, and has %q from %q", g, p.local))
		return x
	}
	// Connected: the kernel drops what is not from the gateway's own address and port, and
	// passes on that the port is closed.
	conn, err := new(net.Dialer).DialUDP(ctx, "udp4", netip.AddrPortFrom(p.local, 0), p.gateway)
	if err != nil {
		x.err = p.wrap(err)
		return x
	}
	hearPortClosed(conn)
	if _, err := conn.Write(request); err != nil {
		conn.Close()
		x.err = p.fault(ctx, err)
		return x
	}
	x.conn = conn
	return x
}

// wait reads until accept has said yes, the tries are used up or ctx ends, and closes the socket.
func (x *pmpExchange) wait(ctx context.Context, accept func(reply []byte) bool) error {
	if x.err != nil {
		return x.err
	}
	defer x.conn.Close()
	defer context.AfterFunc(ctx, func() { x.conn.SetDeadline(longAgo) })()

	pause := x.peer.firstPause
	for try := 1; ; try++ {
		x.conn.SetReadDeadline(time.Now().Add(pause))
		if ctx.Err() != nil { // else this deadline could have overwritten the one that wakes us
			return x.peer.fault(ctx, ctx.Err())
		}
		err := x.read(accept)
		if err == nil {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return x.peer.fault(ctx, err)
		}
		if try == pmpTries {
			return x.peer.wrap(fmt.Errorf("%w to %d tries", ErrNoAnswer, try))
		}
		pause *= 2
		if _, err := x.conn.Write(x.request); err != nil {
			return x.peer.fault(ctx, err)
		}
	}
}

// read returns nil once accept has said yes; what it does not accept is dropped.
func (x *pmpExchange) read(accept func(reply []byte) bool) error {
	var buf [pmpMaxLen + 1]byte // one more, so that accept can tell a longer datagram
	for {
		n, err := x.conn.Read(buf[:])
		if err != nil && !isTooLong(err) {
			return err
		}
		if err == nil && accept(buf[:n]) {
			return nil
		}
	}
}

// fault names the reason behind a socket's error.
func (p pmpPeer) fault(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case isPortClosed(err):
		err = ErrClosed
	}
	return p.wrap(err)
}

func (p pmpPeer) wrap(err error) error {
	return fmt.Errorf("%s to %s: %w", p.protocol, p.gateway, err)
}

// check refuses what neither protocol can say. Both map to the address that the request comes
// from, and in both a lifetime of 0 deletes.
func (p pmpPeer) check(t Transport, internal netip.AddrPort) error {
	switch {
	case t != UDP && t != TCP:
		return p.wrap(fmt.Errorf("cannot map transport %q", t))
	case internal.Port() == 0:
		return p.wrap(errors.New("cannot map internal port 0"))
	case internal.Addr() != p.local:
		return p.wrap(fmt.Errorf("cannot map to %s, only to %s, which it speaks from", internal.Addr(), p.local))
	}
	return nil
}

// seconds is a lease as it goes over the wire.
func (p pmpPeer) seconds(lease time.Duration) (uint32, error) {
	s := lease / time.Second
	if s <= 0 {
		return 0, p.wrap(fmt.Errorf("cannot ask for a lease of %s: it takes 1 s or more, and has no permanent leases", lease))
	}
	return uint32(min(s, 1<<32-1)), nil
}

// granted makes the Mapping of a router's yes. A yes with no port or no lease keeps nothing.
func (p pmpPeer) granted(r Request, external netip.AddrPort, seconds uint32) (Mapping, error) {
	if external.Port() == 0 || seconds == 0 {
		return Mapping{}, p.wrap(fmt.Errorf("the router said yes, but gave port %d for %d s", external.Port(), seconds))
	}
	return Mapping{
		Protocol:  p.protocol,
		Gateway:   p.gateway.Addr(),
		Transport: r.Transport,
		Internal:  r.Internal,
		External:  external,
		Lease:     time.Duration(seconds) * time.Second,
		Granted:   time.Now().Round(0),
	}, nil
}

// toldAddr is a as it came over the wire, or the invalid Addr when all zeros say "none".
func toldAddr(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}
