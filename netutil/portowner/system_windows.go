package portowner

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Classes of tables, from iprtrmib.h.
const (
	udpTableOwnerPID         = 1
	tcpTableOwnerPIDListener = 3
)

// iphlpapi is loaded when it is first called.
var iphlpapi = windows.NewLazySystemDLL("iphlpapi.dll")

// sockets lists the bound ones of this PC, on ports that are wanted.
func sockets(transport string, wanted func(port uint16) bool) ([]socket, error) {
	var call string
	var class uintptr
	var row4, row6 rowLayout
	switch transport {
	case "udp":
		call, class, row4, row6 = "GetExtendedUdpTable", udpTableOwnerPID, udp4Row, udp6Row
	case "tcp":
		call, class, row4, row6 = "GetExtendedTcpTable", tcpTableOwnerPIDListener, tcp4Row, tcp6Row
	default:
		return nil, fmt.Errorf("%q: %w", transport, ErrTransport)
	}
	proc := iphlpapi.NewProc(call)
	if err := proc.Find(); err != nil { // Call would panic
		return nil, fmt.Errorf("the system's table of ports: %w", err)
	}
	found, err := readTable(proc, class, windows.AF_INET, row4, wanted)
	if err != nil {
		return nil, err
	}
	found6, err := readTable(proc, class, windows.AF_INET6, row6, wanted)
	if errors.Is(err, windows.ERROR_NOT_SUPPORTED) { // IPv6 is not installed
		return found, nil
	}
	return append(found, found6...), err
}

func readTable(proc *windows.LazyProc, class, family uintptr, row rowLayout, wanted func(port uint16) bool) ([]socket, error) {
	size := uint32(16 << 10)
	for range 5 { // the table may grow between two calls
		b := make([]byte, size)
		code, _, _ := proc.Call(uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)), 0, family, class, 0)
		switch err := windows.Errno(code); err {
		case windows.NO_ERROR:
			found, err := parseTable(b, row, wanted)
			if err != nil {
				return nil, fmt.Errorf("the system's table of ports (%s): %w", proc.Name, err)
			}
			return found, nil
		case windows.ERROR_INSUFFICIENT_BUFFER:
			size = min(size, 16<<20) + 4<<10
		default:
			return nil, fmt.Errorf("the system's table of ports (%s): %w", proc.Name, err)
		}
	}
	return nil, fmt.Errorf("the system's table of ports (%s) keeps growing while it is read", proc.Name)
}

// processes tells the names of these processes; what is known is not used, for Windows gives the
// number of a process that has ended to another one soon. The names come from one snapshot of all
// processes: opening a process to ask for its name is refused to a service that runs as
// LocalService, and the privilege that would help is more than this is worth.
func processes(_ context.Context, pids []uint64, _ map[uint64]process) (map[uint64]process, error) {
	found := make(map[uint64]process, len(pids))
	for _, pid := range pids {
		found[pid] = process{pid: int(pid)}
	}
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return found, nil // the sockets' owners are known, if only by number
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		if p, wanted := found[uint64(entry.ProcessID)]; wanted {
			p.name = windows.UTF16ToString(entry.ExeFile[:])
			found[uint64(entry.ProcessID)] = p
		}
	}
	return found, nil
}

// firstEphemeral is the first of the ports that the system gives to sockets that ask for none.
func firstEphemeral() uint16 { return 49152 }
