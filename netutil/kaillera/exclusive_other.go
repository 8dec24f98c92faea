//go:build !windows

package kaillera

import (
	"errors"
	"syscall"
)

// exclusive has nothing to do: a port is bound for one socket alone unless both ask for sharing,
// and Go does not for unicast UDP.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }

// isTaken reports whether err says that somebody holds the port.
func isTaken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
