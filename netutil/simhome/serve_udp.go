package simhome

import (
	"errors"
	"net"
	"net/netip"
)

// maxAtOnce bounds how many datagrams one server deals with at a time; more are dropped.
const maxAtOnce = 64

// udpServer is one UDP port that can be closed and opened again. Its fields belong to Servers.mu.
type udpServer struct {
	servers *Servers
	port    uint16 // 0 until it was open once
	handle  func(conn *net.UDPConn, datagram []byte, from netip.AddrPort)
	conn    *net.UDPConn
}

func (u *udpServer) open() error {
	if u.conn != nil {
		return nil
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, u.port)))
	if err != nil {
		return err
	}
	u.conn = conn
	u.port = conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	u.servers.tasks.Go(func() { u.read(conn) })
	return nil
}

func (u *udpServer) close() {
	if u != nil && u.conn != nil {
		u.conn.Close()
		u.conn = nil
	}
}

func (u *udpServer) read(conn *net.UDPConn) {
	atOnce := make(chan struct{}, maxAtOnce)
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) || u.servers.ctx.Err() != nil {
			return
		}
		if err != nil { // Windows: a datagram that is too long, a reader that has gone
			continue
		}
		select {
		case atOnce <- struct{}{}:
		default:
			continue
		}
		datagram := append([]byte(nil), buf[:n]...)
		u.servers.tasks.Go(func() {
			defer func() { <-atOnce }()
			u.handle(conn, datagram, from)
		})
	}
}

func (u *udpServer) send(conn *net.UDPConn, b []byte, to netip.AddrPort) {
	if _, err := conn.WriteToUDPAddrPort(b, to); err != nil && !errors.Is(err, net.ErrClosed) {
		u.servers.log.Debug("the router in software could not answer", "to", to, "err", err)
	}
}

// handlePMP serves the common port of PCP and NAT-PMP.
func (s *Servers) handlePMP(conn *net.UDPConn, b []byte, from netip.AddrPort) {
	p, op, ok := sortDatagram(b)
	if !ok {
		return
	}
	who := s.home.onLAN(from.Addr())
	fate, slow, leave := s.home.arrive(p, op, who)
	defer leave()
	var answer []byte
	switch fate {
	case answered:
		answer = s.home.answerDatagram(b, who)
	case refused:
		answer = s.home.wrongVersion(b)
	}
	if answer != nil && s.pause(slow) {
		s.pmp.send(conn, answer, from)
	}
}

// handleSTUN answers a Binding request with the home's public address.
func (s *Servers) handleSTUN(conn *net.UDPConn, b []byte, from netip.AddrPort) {
	public, err := s.home.Public()
	if err != nil {
		return
	}
	if answer := answerSTUN(b, netip.AddrPortFrom(public, from.Port())); answer != nil {
		s.stun.send(conn, answer, from)
	}
}
