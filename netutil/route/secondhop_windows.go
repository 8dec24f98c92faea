package route

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// probe sends an ICMP echo with the system's own function for it: it needs no privileges, and its
// answers pass the firewall, which those to a UDP datagram do not. The system takes the interface
// that has the source address.
func probe(ctx context.Context, r Route, target netip.AddrPort) (answer, error) {
	if err := have("IcmpCreateFile", "IcmpSendEcho2Ex", "IcmpCloseHandle"); err != nil {
		return answer{}, err
	}
	wait := probeWait
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	if wait < time.Millisecond {
		return answer{}, context.DeadlineExceeded
	}
	type result struct {
		answer
		err error
	}
	// The call cannot be interrupted. When ctx ends it is left to its own end, probeWait at most.
	done := make(chan result, 1)
	go func() {
		a, err := echo(r.Local, target.Addr(), wait)
		done <- result{a, err}
	}()
	select {
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case got := <-done:
		return got.answer, got.err
	}
}

// echoOptions is IP_OPTION_INFORMATION of ipexport.h.
type echoOptions struct {
	ttl, tos, flags, size uint8
	data                  *uint8
}

// echo sends one ICMP echo request and waits for what becomes of it.
func echo(from, to netip.Addr, wait time.Duration) (answer, error) {
	handle, _, err := iphlpapi.NewProc("IcmpCreateFile").Call()
	if windows.Handle(handle) == windows.InvalidHandle {
		return answer{}, fmt.Errorf("IcmpCreateFile: %w", err)
	}
	defer iphlpapi.NewProc("IcmpCloseHandle").Call(handle)
	options := echoOptions{ttl: probeHops}
	var room [32]uint64 // uint64: replies want that alignment. One takes 40 bytes and the ICMP error's own
	reply := unsafe.Slice((*byte)(unsafe.Pointer(&room)), unsafe.Sizeof(room))
	count, _, err := iphlpapi.NewProc("IcmpSendEcho2Ex").Call(handle, 0, 0, 0, inAddr(from), inAddr(to), 0, 0,
		uintptr(unsafe.Pointer(&options)), uintptr(unsafe.Pointer(&room)), unsafe.Sizeof(room), uintptr(wait.Milliseconds()))
	if count == 0 {
		if err == windows.Errno(statusTimedOut) {
			return answer{}, context.DeadlineExceeded
		}
		return answer{}, fmt.Errorf("IcmpSendEcho2Ex: %w", err)
	}
	return parseEchoReply(reply)
}

// inAddr is an IPv4 address as the system passes it by value: its bytes in memory are in network order.
func inAddr(a netip.Addr) uintptr {
	b := a.As4()
	return uintptr(binary.NativeEndian.Uint32(b[:]))
}

// Values of IP_STATUS (ipexport.h). Those from statusNetUnreachable to statusPortUnreachable follow
// the codes of ICMP's destination unreachable.
const (
	statusSuccess         = 0
	statusNetUnreachable  = 11002
	statusPortUnreachable = 11005
	statusTimedOut        = 11010
	statusExpired         = 11013
)

// parseEchoReply reads the begin of an ICMP_ECHO_REPLY of ipexport.h: the address of who answered, and
// the status. The rest is about echoes that arrived.
func parseEchoReply(b []byte) (answer, error) {
	if len(b) < 8 {
		return answer{}, fmt.Errorf("an echo reply of %d bytes is too short", len(b))
	}
	a := answer{from: netip.AddrFrom4([4]byte(b))}
	switch status := binary.NativeEndian.Uint32(b[4:]); {
	case status == statusExpired:
	case status == statusTimedOut:
		return answer{}, context.DeadlineExceeded
	case status == statusSuccess:
		a.refused = "it has the address that nobody has"
	case statusNetUnreachable <= status && status <= statusPortUnreachable:
		a.refused = unreachable(uint8(status - statusNetUnreachable))
	default:
		return answer{}, fmt.Errorf("the echo request ended with IP_STATUS %d", status)
	}
	return a, nil
}
