//go:build !linux && !windows

package portowner

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
)

// boundTo lists the addresses on which sockets of this PC are bound to the port.
func boundTo(string, uint16) ([]netip.AddrPort, error) {
	return nil, fmt.Errorf("who holds a port cannot be seen on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// processNames tells the names of processes.
func processNames([]int) map[int]string { return nil }

// firstEphemeral is the first of the ports that the system gives to sockets that ask for none.
func firstEphemeral() uint16 { return 49152 }
