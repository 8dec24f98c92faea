//go:build !linux && !windows

package route

import (
	"errors"
	"net/netip"
)

// Other systems have no reader of their own: Read takes the gateways of CrossCheck, and Watch polls.

func readTables(bool) (tables, error) { return tables{}, errors.ErrUnsupported }

func neighbour(netip.Addr, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func subscribe() (<-chan struct{}, func(), error) { return nil, nil, errors.ErrUnsupported }
