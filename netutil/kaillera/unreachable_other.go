//go:build !windows

package kaillera

import (
	"errors"
	"net"
	"syscall"
)

// hearPortClosed lets a connected socket report that the other side's port is closed. Here it does
// so by itself.
func hearPortClosed(net.Conn) {}

// portClosed is how an ICMP port unreachable is called.
const portClosed = syscall.ECONNREFUSED

// isUnreachable reports whether err is another machine's word that a datagram could not be
// delivered: ICMP port unreachable, or administratively filtered.
func isUnreachable(err error) bool {
	return errors.Is(err, portClosed) || errors.Is(err, syscall.EHOSTUNREACH)
}
