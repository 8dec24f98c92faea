package simhome

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// Servers are a home's servers on 127.0.0.1: the router's for the LAN, and STUN and get-ip for the
// internet. There this PC is 127.0.0.1, in both directions: who asks from that address is Self, and
// entries that lead to Self read back as 127.0.0.1. Search translates, for who wants the home's
// own addresses.
type Servers struct {
	Gateway  netip.Addr     // 127.0.0.1
	Ports    portmap.Ports  // where PCP, NAT-PMP and SSDP are
	GetIPURL string         // tells the public address as text
	STUNAddr netip.AddrPort // tells it by STUN

	home   *Home
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	unhook []func()

	mu          sync.Mutex // held while ports are opened and closed
	closed      bool
	pmp, ssdp   *udpServer
	stun        *udpServer
	upnp, getIP *webServer
	moves       int
	announceTo  netip.AddrPort
}

// Serve opens the home's servers on loopback. They follow its state: ports close when a protocol
// is Off, UPnP moves when a reboot says so. They end with Close or ctx. A nil log is slog.Default().
func (h *Home) Serve(ctx context.Context, log *slog.Logger) (*Servers, error) {
	if log == nil {
		log = slog.Default()
	}
	s := &Servers{Gateway: loopback, home: h, log: log}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.pmp = &udpServer{servers: s, port: h.listen.PMP, handle: s.handlePMP}
	s.ssdp = &udpServer{servers: s, port: h.listen.SSDP, handle: s.handleSSDP}
	s.stun = &udpServer{servers: s, port: h.listen.STUN, handle: s.handleSTUN}
	s.upnp = &webServer{servers: s, port: h.listen.HTTP, handler: s.handleUPnP}
	s.getIP = &webServer{servers: s, port: h.listen.GetIP, handler: s.handleGetIP}
	for _, open := range []func() error{s.pmp.open, s.ssdp.open, s.stun.open, s.upnp.open, s.getIP.open} {
		if err := open(); err != nil {
			s.Close()
			return nil, fmt.Errorf("simhome: %w", err)
		}
	}
	s.Ports = portmap.Ports{PMP: s.pmp.port, SSDP: s.ssdp.port}
	s.STUNAddr = netip.AddrPortFrom(loopback, s.stun.port)
	s.GetIPURL = fmt.Sprintf("http://%s/get-ip", netip.AddrPortFrom(loopback, s.getIP.port))
	s.unhook = []func(){h.onChange(s.follow), h.OnAnnounce(s.announce)}
	s.follow()
	context.AfterFunc(s.ctx, s.shut)
	return s, nil
}

// Location is the URL of the UPnP description as it is now.
func (s *Servers) Location() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.location("")
}

func (s *Servers) location(host string) string {
	if host == "" {
		host = loopback.String()
	}
	return fmt.Sprintf("http://%s:%d%s", host, s.upnp.port, descriptionPath(s.moves))
}

// Close ends the servers and waits for them.
func (s *Servers) Close() error {
	s.cancel()
	s.shut()
	s.tasks.Wait()
	return nil
}

// shut closes all sockets, which ends all tasks.
func (s *Servers) shut() {
	for _, remove := range s.unhook {
		remove()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, close := range []func(){s.pmp.close, s.ssdp.close, s.stun.close, s.upnp.close, s.getIP.close} {
		close()
	}
}

// follow opens and closes ports as the home's state asks.
func (s *Servers) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	h := s.home
	h.mu.Lock()
	pmp := h.reach(portmap.PCP) != refused || h.reach(portmap.NATPMP) != refused
	upnp := h.reach(portmap.UPnP) != refused
	moves := h.moves
	h.mu.Unlock()
	if moves != s.moves {
		s.moves = moves
		s.upnp.close()
		s.upnp.port = 0
	}
	s.want("PCP and NAT-PMP", pmp, s.pmp.open, s.pmp.close)
	s.want("SSDP", upnp, s.ssdp.open, s.ssdp.close)
	s.want("UPnP", upnp, s.upnp.open, s.upnp.close)
}

func (s *Servers) want(name string, on bool, open func() error, close func()) {
	if !on {
		close()
		return
	}
	if err := open(); err != nil {
		s.log.Error("the router in software lost a port", "server", name, "err", err)
	}
}

// AnnounceTo sends the announcements of PCP and NAT-PMP to a listener on loopback as well, from the
// gateway's address. A multicast group would leave this PC.
func (s *Servers) AnnounceTo(listener netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announceTo = listener
}

func (s *Servers) announce(a Announcement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.announceTo.IsValid() || s.pmp.conn == nil {
		return
	}
	f := s.home.Faults()
	if f.PMP == Answers {
		s.pmp.send(s.pmp.conn, a.PMP(), s.announceTo)
	}
	if f.PCP == Answers {
		s.pmp.send(s.pmp.conn, a.PCP(), s.announceTo)
	}
}

// begin counts a handler among the tasks, unless the servers are about to end.
func (s *Servers) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.tasks.Add(1)
	}
	return !s.closed
}

// pause waits and reports whether the servers still run.
func (s *Servers) pause(d time.Duration) bool {
	if d <= 0 {
		return s.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
