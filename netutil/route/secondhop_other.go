//go:build !linux && !windows

package route

import (
	"context"
	"errors"
	"net/netip"
)

func probe(context.Context, Route, netip.AddrPort) (answer, error) {
	return answer{}, errors.ErrUnsupported
}
