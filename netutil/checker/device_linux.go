package checker

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// throughInterfaceOf makes a socket leave through the interface that carries local. On Linux the
// source address alone does not choose the way: with a VPN's default route the checker would see,
// and check, the VPN's address.
//
// It is best effort: where it is not allowed (not root, and a kernel before 5.7), the system's
// choice stands.
func throughInterfaceOf(local netip.Addr) func(context.Context, string, string, syscall.RawConn) error {
	if !local.IsValid() || local.IsLoopback() {
		return nil
	}
	return func(_ context.Context, _, _ string, c syscall.RawConn) error {
		name := interfaceOf(local)
		if name == "" {
			return nil
		}
		return c.Control(func(fd uintptr) { _ = unix.BindToDevice(int(fd), name) })
	}
}

// interfaceOf names the interface that carries local, "" if none does.
func interfaceOf(local netip.Addr) string {
	interfaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == local {
				return i.Name
			}
		}
	}
	return ""
}
