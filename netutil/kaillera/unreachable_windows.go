package kaillera

import (
	"errors"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// hearPortClosed lets a connected socket report that the other side's port is closed. Go switches
// that off for every UDP socket; without it a refusal would look like silence, so a failure here
// costs time only.
func hearPortClosed(c net.Conn) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		on, returned := uint32(1), uint32(0)
		windows.WSAIoctl(windows.Handle(fd), windows.SIO_UDP_CONNRESET,
			(*byte)(unsafe.Pointer(&on)), uint32(unsafe.Sizeof(on)), nil, 0, &returned, nil, 0)
	})
}

// portClosed is how an ICMP port unreachable is called: a reset.
const portClosed = windows.WSAECONNRESET

// isUnreachable reports whether err is another machine's word that a datagram could not be
// delivered.
func isUnreachable(err error) bool {
	return errors.Is(err, portClosed) || errors.Is(err, windows.WSAECONNREFUSED) ||
		errors.Is(err, windows.WSAEHOSTUNREACH) || errors.Is(err, windows.WSAENETRESET)
}
