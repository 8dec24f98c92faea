//go:build !linux && !windows

package portowner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// sockets lists the bound ones of this PC, on ports that are wanted.
func sockets(string, func(port uint16) bool) ([]socket, error) {
	return nil, fmt.Errorf("who holds a port cannot be seen on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// processes tells whose sockets these are.
func processes(context.Context, []uint64, map[uint64]process) (map[uint64]process, error) {
	return nil, errors.ErrUnsupported
}

// firstEphemeral is the first of the ports that the system gives to sockets that ask for none.
func firstEphemeral() uint16 { return 49152 }
