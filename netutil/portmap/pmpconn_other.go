//go:build !windows

package portmap

import (
	"errors"
	"net"
	"syscall"
)

// hearPortClosed lets a connected socket report that the other side's port is closed. Here it does
// so by itself.
func hearPortClosed(*net.UDPConn) {}

// isPortClosed reports whether err says so.
func isPortClosed(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isTooLong reports whether err says that a datagram did not fit: here it is cut off in silence.
func isTooLong(error) bool { return false }
