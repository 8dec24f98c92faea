package simhome

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// handleSSDP answers an M-SEARCH (UPnP Device Architecture 1.1 section 1.3).
func (s *Servers) handleSSDP(conn *net.UDPConn, b []byte, from netip.AddrPort) {
	target, ok := searchTarget(b)
	if !ok {
		return
	}
	fate, slow, leave := s.home.arrive(portmap.UPnP, OpSearch, s.home.onLAN(from.Addr()))
	defer leave()
	f := s.home.Faults()
	if fate != answered || f.SSDPMulticastOnly || f.SSDPOnly != "" && f.SSDPOnly != target {
		return
	}
	if !s.pause(slow + f.SSDPDelay) {
		return
	}
	if f.SSDPOtherPort {
		other, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			return
		}
		defer other.Close()
		conn = other
	}
	s.mu.Lock()
	location := s.location(f.LocationHost)
	s.mu.Unlock()
	for _, st := range matching(f.IGD, target, s.home.udn) {
		s.ssdp.send(conn, s.home.searchAnswer(st, location), from)
	}
}

// searchTarget reads an M-SEARCH: a request line and header fields, as in HTTP.
func searchTarget(b []byte) (string, bool) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil || r.Method != "M-SEARCH" || r.RequestURI != "*" || r.Header.Get("Man") != `"ssdp:discover"` {
		return "", false
	}
	st := strings.TrimSpace(r.Header.Get("St"))
	return st, st != ""
}

// matching are the targets to answer under: all of them to ssdp:all, else the one asked for.
func matching(kind IGD, target, udn string) []string {
	known := append(kind.targets(), udn)
	switch {
	case target == "ssdp:all":
		return known
	case slices.Contains(known, target):
		return []string{target}
	}
	return nil
}

func (h *Home) searchAnswer(st, location string) []byte {
	h.mu.Lock()
	bootID := h.bootID
	h.mu.Unlock()
	usn := h.udn + "::" + st
	if st == h.udn {
		usn = st
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: %s\r\nUSN: %s\r\nEXT:\r\nSERVER: %s\r\n"+
		"LOCATION: %s\r\nBOOTID.UPNP.ORG: %d\r\nCONFIGID.UPNP.ORG: 1337\r\n\r\n", st, usn, serverName, location, bootID)
}
