package portowner

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// rowLayout says where the local address, the port and the process stand in a row of one of Windows' tables. All
// fields are 32 bits or bytes, so there is no padding on any machine.
type rowLayout struct{ size, addr, addrLen, port, pid int }

// The tables of the class "owner PID" (MIB_UDPROW_OWNER_PID and so on), the only class that all of
// them have. See "GetExtendedUdpTable" and "GetExtendedTcpTable" in the Windows API.
var (
	udp4Row = rowLayout{size: 12, addr: 0, addrLen: 4, port: 4, pid: 8}    // address, port, pid
	udp6Row = rowLayout{size: 28, addr: 0, addrLen: 16, port: 20, pid: 24} // address, scope, port, pid
	tcp4Row = rowLayout{size: 24, addr: 4, addrLen: 4, port: 8, pid: 20}   // state, address, port, remote..., pid
	tcp6Row = rowLayout{size: 56, addr: 0, addrLen: 16, port: 20, pid: 52} // address, scope, port, remote..., pid
)

// parseTable reads a table: the number of rows in 32 bits, then the rows. It returns those on a port
// that is wanted.
func parseTable(b []byte, row rowLayout, wanted func(port uint16) bool) ([]socket, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("a table of %d bytes", len(b))
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if n*uint64(row.size) > uint64(len(b)) {
		return nil, fmt.Errorf("a table of %d rows in %d bytes", n, len(b))
	}
	var found []socket
	for ; n > 0; n, b = n-1, b[row.size:] {
		// Address and port stand in network byte order, the port in the first half of its 32 bits.
		port := binary.BigEndian.Uint16(b[row.port:])
		if !wanted(port) {
			continue
		}
		addr, _ := netip.AddrFromSlice(b[row.addr : row.addr+row.addrLen])
		pid := binary.LittleEndian.Uint32(b[row.pid:])
		found = append(found, socket{netip.AddrPortFrom(addr.Unmap(), port), uint64(pid)})
	}
	return found, nil
}
