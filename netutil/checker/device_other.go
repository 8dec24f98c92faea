//go:build !linux

package checker

import (
	"context"
	"net/netip"
	"syscall"
)

// throughInterfaceOf has nothing to add: Windows sends from an address only through the interface
// that carries it (the strong host model of RFC 1122 section 3.3.4.2).
func throughInterfaceOf(netip.Addr) func(context.Context, string, string, syscall.RawConn) error {
	return nil
}
