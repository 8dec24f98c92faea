package portmap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// announcePort is where routers announce, on the group of all hosts (RFC 6886 section 3.2.1,
// RFC 6887 section 14.1.3).
const announcePort = 5350

var announceGroup = netip.AddrFrom4([4]byte{224, 0, 0, 1})

// Announcement is something that a router said unasked: that it has started or goes away, or that
// its outer address or its UPnP description is another one. Feed an epoch to an EpochClock, and
// what came by UPnP to a NotifyWatch: routers repeat that every minute or so. It is a hint to look,
// not a fact to act upon: a neighbour on the LAN can forge the gateway's address.
type Announcement struct {
	From     netip.Addr
	Protocol Protocol
	Outer    Outer // NATPMP: address, not valid when the router has none, and epoch; PCP: epoch alone

	// These are told by UPnP only (UPnP Device Architecture 1.1 section 1.2).
	UDN       string // of the device that speaks, which may be a part of the one that Device.UDN names
	Location  string // URL of the description at the gateway, as in Device; "" with ByeBye
	BootID    uint32 // another one after every start
	HasBootID bool   // UPnP 1.0 has no boot id
	ByeBye    bool   // the device, or a service of it, goes away
}

// Listener hears a router's announcements of PCP, NAT-PMP and UPnP. All but Gateway may be zero. The
// system forgets the groups with the interface, so run a new one when the route has changed.
type Listener struct {
	Gateway   netip.Addr // the only one listened to
	Interface int        // index of the interface to join the groups on; 0 = let the system choose
	Ports     Ports
	Log       *slog.Logger // nil = slog.Default()
	Drops     *Drops       // counts as Dropped does, over many listeners; nil = nothing

	dropped atomic.Uint64
}

// Dropped counts the datagrams that were not from Gateway or not an announcement. Most of them are
// the searches and announcements of other UPnP devices.
func (l *Listener) Dropped() uint64 { return l.dropped.Load() }

// Run calls heard for every announcement, one at a time, until ctx ends; then it returns nil. There
// are two sockets, one for PCP and NAT-PMP and one for UPnP, both on ports shared with other
// programs. If one cannot be had, or its group not joined, that is logged once and the other one
// goes on. Any other return is an error: neither could be had, or one broke. Routers repeat
// themselves, so heard may see the same announcement several times; what comes beyond 20 datagrams
// a second on a socket is left to the system to drop, so that a flood costs next to nothing.
func (l *Listener) Run(ctx context.Context, heard func(Announcement)) error {
	if err := l.run(ctx, l.ears(), heard); err != nil {
		return fmt.Errorf("listen for announcements of the router: %w", err)
	}
	return nil
}

// ear is one socket for announcements.
type ear struct {
	protocols string
	open      func(context.Context) (*net.UDPConn, error)
	maxLen    int // a longer datagram is no announcement
	parse     func([]byte) (Announcement, bool)
}

func (l *Listener) ears() []ear {
	return []ear{l.pmpEar(), l.notifyEar()}
}

func (l *Listener) pmpEar() ear {
	return ear{"PCP and NAT-PMP", l.openPMP, pmpMaxLen, parseAnnouncement}
}

func (l *Listener) run(ctx context.Context, ears []ear, heard func(Announcement)) error {
	conns := make(map[*net.UDPConn]ear)
	var failed []error
	for _, e := range ears {
		conn, err := e.open(ctx)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", e.protocols, err))
			continue
		}
		conns[conn] = e
	}
	if len(conns) == 0 {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		cmp.Or(l.Log, slog.Default()).Warn("some announcements of the router cannot be heard", "error", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var turn sync.Mutex
	ended := make(chan error)
	for conn, e := range conns {
		go func() {
			ended <- l.listen(ctx, conn, e, func(a Announcement) {
				turn.Lock()
				defer turn.Unlock()
				heard(a)
			})
		}()
	}
	var broken error
	for range conns {
		broken = errors.Join(broken, <-ended)
		cancel() // one that broke ends the other
	}
	return broken
}

func (l *Listener) listen(ctx context.Context, conn *net.UDPConn, e ear, heard func(Announcement)) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(longAgo) })()

	gateway := l.Gateway.Unmap()
	buf := make([]byte, e.maxLen+1) // one more tells a longer datagram
	var pace announcePace
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !isTooLong(err) {
			return err
		}
		var a Announcement
		ok := err == nil && n <= e.maxLen && from.Addr().Unmap() == gateway
		if ok {
			a, ok = e.parse(buf[:n])
		}
		if ok {
			a.From = gateway
			heard(a)
		} else {
			l.dropped.Add(1)
			l.Drops.announcement()
		}
		pace.rest(ctx)
	}
}

func (l *Listener) openPMP(ctx context.Context) (*net.UDPConn, error) {
	// For a group address Go binds to the wildcard address and lets other programs have the port
	// too (SO_REUSEADDR), on every system.
	at := netip.AddrPortFrom(announceGroup, cmp.Or(l.Ports.Announce, announcePort))
	pc, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", at.String())
	if err != nil {
		return nil, err
	}
	// Room for a few announcements only: what waits here while a flood is sat out is old news.
	return l.join(pc.(*net.UDPConn), announceGroup, 8<<10)
}

// join makes conn hear a group on l's interface, with room for so many bytes to wait. It closes conn
// if that cannot be.
func (l *Listener) join(conn *net.UDPConn, group netip.Addr, room int) (*net.UDPConn, error) {
	err := conn.SetReadBuffer(room)
	var ifi *net.Interface
	if err == nil && l.Interface != 0 {
		ifi, err = net.InterfaceByIndex(l.Interface)
	}
	if err == nil {
		err = ipv4.NewPacketConn(conn).JoinGroup(ifi, &net.UDPAddr{IP: group.AsSlice()})
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
