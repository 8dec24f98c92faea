//go:build linux

package main

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// forger sends UDP datagrams with any source address.
type forger struct{ fd int }

func newForger(own netip.Addr) (forger, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return forger{}, err
	}
	return forger{fd}, unix.SetsockoptInet4Addr(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, own.As4())
}

func (f forger) close() { unix.Close(f.fd) }

// send fills in what the kernel does not: it makes the IP checksum. UDP needs none on IPv4.
func (f forger) send(from, to netip.AddrPort, payload []byte) {
	p := make([]byte, 28, 28+len(payload))
	p[0], p[8], p[9] = 0x45, 4, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(p[2:], uint16(28+len(payload)))
	source, target := from.Addr().As4(), to.Addr().As4()
	copy(p[12:], source[:])
	copy(p[16:], target[:])
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(payload)))
	// One that cannot be sent is one that does not arrive.
	_ = unix.Sendto(f.fd, append(p, payload...), 0, &unix.SockaddrInet4{Addr: target})
}
