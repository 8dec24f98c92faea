package portmap

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// listenGroup opens a socket for what is sent to a group, on a port shared with other programs
// (SO_REUSEADDR; SO_REUSEPORT for those that set only that). The group is still to be joined.
//
// It is bound to the group itself, which package net does not do: bound to the wildcard address it
// would take the unicast datagrams, answers to searches sent from port 1900 among them, from the
// program that had the port before.
func listenGroup(_ context.Context, at netip.AddrPort) (*net.UDPConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "announcements")
	defer f.Close() // FilePacketConn makes a copy
	for _, o := range []struct{ level, option, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		// Only what comes in on the interface that this socket joins the group on, not on those
		// that other programs join it on.
		{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.option, o.value); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		return nil, fmt.Errorf("bind to %s: %w", at, err)
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}
