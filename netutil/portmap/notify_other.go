//go:build !linux

package portmap

import (
	"context"
	"net"
	"net/netip"
)

// listenGroup opens a socket for what is sent to a group, on a port shared with other programs. The
// group is still to be joined.
//
// For a group address Go binds to the wildcard address with SO_REUSEADDR. That is what Windows'
// SSDP service lets others share its port with; Windows cannot bind to a group.
func listenGroup(ctx context.Context, at netip.AddrPort) (*net.UDPConn, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", at.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}
