package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// announcePort is where routers announce, on the group of all hosts (RFC 6886 section 3.2.1,
// RFC 6887 section 14.1.3).
const announcePort = 5350

var announceGroup = netip.AddrFrom4([4]byte{224, 0, 0, 1})

// Announcement is something that a router said unasked: that it has started, or that its outer
// address is another one. Feed the epoch to an EpochClock. It is a hint to look, not a fact to act
// upon: a neighbour on the LAN can forge the gateway's address.
type Announcement struct {
	From     netip.Addr
	Protocol Protocol // PCP or NATPMP
	Outer    Outer    // NATPMP: address, not valid when the router has none, and epoch; PCP: epoch alone
}

// Listener hears a router's announcements of PCP and NAT-PMP. All but Gateway may be zero. The
// system forgets the group with the interface, so run a new one when the route has changed.
type Listener struct {
	Gateway   netip.Addr // the only one listened to
	Interface int        // index of the interface to join the group on; 0 = let the system choose
	Ports     Ports

	dropped atomic.Uint64
}

// Dropped counts the datagrams that were not from Gateway or not an announcement.
func (l *Listener) Dropped() uint64 { return l.dropped.Load() }

// Run calls heard for every announcement, one at a time, until ctx ends; then it returns nil. Any
// other return is an error: the port, which is shared with other programs, cannot be had, or the
// group not joined, or the socket broke. Routers repeat themselves, so heard may see the same
// announcement several times; what comes beyond 20 datagrams a second is left to the system to
// drop, so that a flood costs next to nothing.
func (l *Listener) Run(ctx context.Context, heard func(Announcement)) error {
	conn, err := l.open(ctx)
	if err == nil {
		err = l.listen(ctx, conn, heard)
	}
	if err != nil {
		return fmt.Errorf("listen for announcements of the router: %w", err)
	}
	return nil
}

func (l *Listener) listen(ctx context.Context, conn *net.UDPConn, heard func(Announcement)) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(longAgo) })()

	gateway := l.Gateway.Unmap()
	var buf [pmpMaxLen + 1]byte
	var pace announcePace
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf[:])
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !isTooLong(err) {
			return err
		}
		a, ok := parseAnnouncement(buf[:n])
		if ok && err == nil && from.Addr().Unmap() == gateway {
			a.From = gateway
			heard(a)
		} else {
			l.dropped.Add(1)
		}
		pace.rest(ctx)
	}
}

func (l *Listener) open(ctx context.Context) (*net.UDPConn, error) {
	port := l.Ports.Announce
	if port == 0 {
		port = announcePort
	}
	// For a group address Go binds to the wildcard address and lets other programs have the port
	// too (SO_REUSEADDR), on every system.
	at := netip.AddrPortFrom(announceGroup, port)
	pc, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", at.String())
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	// Room for a few announcements only: what waits here while a flood is sat out is old news.
	err = conn.SetReadBuffer(8 << 10)
	var ifi *net.Interface
	if err == nil && l.Interface != 0 {
		ifi, err = net.InterfaceByIndex(l.Interface)
	}
	if err == nil {
		err = ipv4.NewPacketConn(conn).JoinGroup(ifi, &net.UDPAddr{IP: announceGroup.AsSlice()})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// parseAnnouncement decodes an unasked-for answer to ANNOUNCE, or to the question for the external
// address.
func parseAnnouncement(b []byte) (a Announcement, ok bool) {
	if len(b) < natpmpExternalLen {
		return a, false
	}
	if b[0] == pcpVersion {
		r, ok := parsePCPReply(b)
		a = Announcement{Protocol: PCP, Outer: Outer{Epoch: r.epoch, HasEpoch: true}}
		return a, ok && r.opcode == pcpAnnounce && r.result == pcpSuccess
	}
	r, ok := parseNATPMPReply(b)
	a = Announcement{Protocol: NATPMP, Outer: Outer{Addr: r.addr, Epoch: r.epoch, HasEpoch: true}}
	return a, ok && r.opcode == natpmpExternal && (r.result == natpmpSuccess || r.result == natpmpNetworkFailure)
}

// announcePace bounds how many datagrams are looked at.
type announcePace struct {
	since time.Time
	n     int
}

const announcePerSecond = 20

// pause takes note of one datagram looked at, and is how long to leave the socket alone now.
func (p *announcePace) pause(now time.Time) time.Duration {
	if now.Sub(p.since) >= time.Second {
		p.since, p.n = now, 0
	}
	if p.n++; p.n < announcePerSecond {
		return 0
	}
	return p.since.Add(time.Second).Sub(now)
}

// rest sits out a pause, or the end of ctx.
func (p *announcePace) rest(ctx context.Context) {
	d := p.pause(time.Now())
	if d == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
