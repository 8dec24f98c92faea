package route

import (
	"bytes"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// neighbour looks gateway up with GetIpNetTable2. ResolveIpNetEntry2 and SendARP would give fresher
// answers, but they send ARP requests and wait for them.
func neighbour(gateway netip.Addr, index int) ([]byte, error) {
	if err := have("GetIpNetTable2", "FreeMibTable"); err != nil {
		return nil, err
	}
	var table *netTable
	status, _, _ := iphlpapi.NewProc("GetIpNetTable2").Call(windows.AF_INET, uintptr(unsafe.Pointer(&table)))
	if status != 0 {
		return nil, fmt.Errorf("GetIpNetTable2: %w", windows.Errno(status))
	}
	defer windows.FreeMibTable(unsafe.Pointer(table))
	rows := unsafe.Slice(&table.rows[0], table.count)
	for i := range rows {
		r := &rows[i]
		if addrOf(&r.address) == gateway && (index == 0 || int(r.index) == index) {
			if hw := r.hardware(); hw != nil {
				return hw, nil
			}
		}
	}
	return nil, nil
}

// netTable is MIB_IPNET_TABLE2 of netioapi.h.
type netTable struct {
	count uint32
	_     uint32
	rows  [1]netRow
}

// netRow is MIB_IPNET_ROW2 of netioapi.h.
type netRow struct {
	address      windows.RawSockaddrInet
	index        uint32
	luid         uint64
	physical     [32]byte
	length       uint32
	state        uint32
	flags        uint8
	_            [3]byte
	reachability uint32
}

// A compile error here means that netRow does not have the system's layout.
var _ = [1]struct{}{}[unsafe.Sizeof(netRow{})-88]

// The states of a neighbour (NL_NEIGHBOR_STATE of nldef.h) from which on the system counts on the
// address it has: probe, delay, stale, reachable, permanent.
const neighbourProbe, neighbourPermanent = 2, 6

// hardware is the hardware address of r, nil if the system does not count on it.
func (r *netRow) hardware() []byte {
	if r.state < neighbourProbe || r.state > neighbourPermanent || r.length > uint32(len(r.physical)) {
		return nil
	}
	return bytes.Clone(r.physical[:r.length])
}
