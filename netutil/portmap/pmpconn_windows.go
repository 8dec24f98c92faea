package portmap

import (
	"errors"
	"net"
	"unsafe"

	"golang.org/x/sys/windows"
)

// hearPortClosed lets a connected socket report that the other side's port is closed. Go switches
// that off for every UDP socket; without it we would wait for all tries in vain, so a failure here
// costs time only.
func hearPortClosed(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		on, returned := uint32(1), uint32(0)
		windows.WSAIoctl(windows.Handle(fd), windows.SIO_UDP_CONNRESET,
			(*byte)(unsafe.Pointer(&on)), uint32(unsafe.Sizeof(on)), nil, 0, &returned, nil, 0)
	})
}

// isPortClosed reports whether err says so: Windows calls an ICMP port unreachable a reset.
func isPortClosed(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNREFUSED)
}

// isTooLong reports whether err says that a datagram did not fit.
func isTooLong(err error) bool { return errors.Is(err, windows.WSAEMSGSIZE) }
