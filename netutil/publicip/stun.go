package publicip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

const (
	// gamePort is never bound here, not even when the system would hand it out: a game that wants
	// to host in that moment would not get it.
	gamePort = 27886

	// The retransmission of RFC 8489 section 6.2.1, cut after three tries: there are other servers.
	// Datagrams leave at 0, 0.5 and 1.5 s; the wait ends at 3.5 s.
	firstWait = 500 * time.Millisecond
	tries     = 3

	// maxDatagram bounds an answer. A binding response stays below the path MTU.
	maxDatagram = 1500
)

// ErrNoAnswer means that nothing usable came back in time, after all retries.
var ErrNoAnswer = errors.New("no answer")

// STUN asks a server, given as "host:port", which address and port our packets come from
// (RFC 8489, Binding). The question leaves from local, and from any port where local is not valid.
// The port told is the one of this question only; it says nothing about a mapping.
//
// A name is looked up until ctx ends; then three tries take at most 3.5 s. ErrNoAnswer: none of
// them was answered. ErrIPv6: the server saw us under an IPv6 address.
func STUN(ctx context.Context, local netip.Addr, server string) (netip.AddrPort, error) {
	addr, err := askSTUN(ctx, local, server, firstWait)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("STUN server %s: %w", server, err)
	}
	return addr, nil
}

func askSTUN(ctx context.Context, local netip.Addr, server string, wait time.Duration) (netip.AddrPort, error) {
	to, err := resolve(ctx, server)
	if err != nil {
		return netip.AddrPort{}, err
	}
	conn, err := avoidPort(gamePort, func() (*net.UDPConn, error) { return dialUDP(ctx, local, to) })
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer conn.Close()
	// Closing wakes a read that is under way; a deadline could be overwritten by the next try's.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	var id transaction
	rand.Read(id[:])
	for range tries {
		addr, err := exchange(conn, id, wait)
		switch {
		case ctx.Err() != nil:
			return netip.AddrPort{}, context.Cause(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded):
			wait *= 2
		default:
			return addr, err
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%w from %s to %d tries", ErrNoAnswer, to, tries)
}

// exchange sends the request once and listens until wait is over. The socket is connected to the
// server, so nothing else is heard; what does not carry the transaction is passed over.
func exchange(conn *net.UDPConn, id transaction, wait time.Duration) (netip.AddrPort, error) {
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := conn.Write(encodeRequest(id)); err != nil {
		return netip.AddrPort{}, err
	}
	buf := make([]byte, maxDatagram)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return netip.AddrPort{}, err
		}
		addr, err := decodeResponse(buf[:n], id)
		if errors.Is(err, errNotOurs) {
			continue
		}
		return addr, err
	}
}

// dialUDP opens a connected socket: the system then drops strangers' datagrams before we see them,
// and a closed port is an error at once instead of a silence of seconds.
func dialUDP(ctx context.Context, local netip.Addr, to netip.AddrPort) (*net.UDPConn, error) {
	d := net.Dialer{ControlContext: throughInterfaceOf(local)}
	if local.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	conn, err := d.DialContext(ctx, "udp4", to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// avoidPort opens a socket whose local port is not port. The unwanted one is held until another is
// open, so that it cannot be handed out twice.
func avoidPort(port uint16, open func() (*net.UDPConn, error)) (*net.UDPConn, error) {
	conn, err := open()
	if err != nil || conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() != port {
		return conn, err
	}
	defer conn.Close()
	return open()
}

// resolve turns "host:port" into an IPv4 address and port, asking the resolver where host is a name.
func resolve(ctx context.Context, server string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(server)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("write it as host:port: %w", err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q is not a number from 1 to 65535", service)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(addrs) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q has no IPv4 address", host)
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), uint16(port)), nil
}
