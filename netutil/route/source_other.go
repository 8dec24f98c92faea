//go:build !linux

package route

import (
	"net"
	"net/netip"
)

// sourceToward asks the system which address it would send from. Connecting a UDP socket sends no
// packet; port 9 is discard.
func sourceToward(to netip.Addr) netip.Addr {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	local, ok := netip.AddrFromSlice(conn.LocalAddr().(*net.UDPAddr).IP)
	if !ok {
		return netip.Addr{}
	}
	return local.Unmap()
}
