package route

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// probe sends a UDP datagram: for ICMP errors about these the kernel keeps a queue that needs no
// privileges to read (ip(7), IP_RECVERR). An ICMP echo would need a group that most users are not in.
func probe(ctx context.Context, r Route, target netip.AddrPort) (answer, error) {
	var config net.ListenConfig
	config.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = prepareProbe(int(fd), r.Index) }); e != nil {
			return e
		}
		return err
	}
	socket, err := config.ListenPacket(ctx, "udp4", netip.AddrPortFrom(r.Local, 0).String())
	if err != nil {
		return answer{}, err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })() // ends the wait
	conn := socket.(*net.UDPConn)
	a, err := exchange(conn, target)
	if ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	return a, err
}

// prepareProbe lets the socket's packets pass two routers at most, and leave through the interface: the
// source address alone does not choose the way on Linux. IP_UNICAST_IF does so for every user, while
// SO_BINDTODEVICE is root's before Linux 5.7, and then the probe would find what is behind a VPN.
func prepareProbe(fd, index int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, probeHops); err != nil {
		return os.NewSyscallError("IP_TTL", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
		return os.NewSyscallError("IP_RECVERR", err)
	}
	if index == 0 {
		return nil
	}
	var network [4]byte // the option wants network byte order
	binary.BigEndian.PutUint32(network[:], uint32(index))
	value := int32(binary.NativeEndian.Uint32(network[:]))
	return os.NewSyscallError("IP_UNICAST_IF", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_UNICAST_IF, int(value)))
}

// exchange sends one empty datagram and reads the queue of errors until it has an answer in it or the
// socket is closed.
func exchange(conn *net.UDPConn, target netip.AddrPort) (answer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return answer{}, err
	}
	if _, err := conn.WriteToUDPAddrPort(nil, target); err != nil {
		return answer{}, err
	}
	// Room for one queued error; the datagram it is about is of no interest.
	var packet [1]byte
	var control [128]byte
	for {
		var n int
		var readErr error
		err := raw.Read(func(fd uintptr) bool {
			_, n, _, _, readErr = unix.Recvmsg(int(fd), packet[:], control[:], unix.MSG_ERRQUEUE)
			return readErr != unix.EAGAIN
		})
		switch {
		case err != nil:
			return answer{}, err
		case readErr == unix.EINTR:
		case readErr != nil:
			return answer{}, os.NewSyscallError("recvmsg", readErr)
		default:
			if a, ok := parseProbeError(control[:n]); ok {
				return a, nil
			}
		}
	}
}

// Types and codes of ICMP (RFC 792).
const (
	icmpUnreachable  = 3
	icmpTimeExceeded = 11
	codeInTransit    = 0
)

// parseProbeError finds what a router says in the control messages of a queued error: each one is a
// sock_extended_err of linux/errqueue.h and the address of who sent it.
func parseProbeError(control []byte) (answer, bool) {
	list, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return answer{}, false
	}
	const offender = 16 // bytes of sock_extended_err; a sockaddr_in follows
	for _, m := range list {
		b := m.Data
		if m.Header.Level != unix.IPPROTO_IP || m.Header.Type != unix.IP_RECVERR ||
			len(b) < offender+8 || b[4] != unix.SO_EE_ORIGIN_ICMP || binary.NativeEndian.Uint16(b[offender:]) != unix.AF_INET {
			continue
		}
		a := answer{from: ipv4(b[offender+4 : offender+8])}
		switch kind, code := b[5], b[6]; {
		case kind == icmpTimeExceeded && code == codeInTransit:
			return a, true
		case kind == icmpUnreachable:
			a.refused = unreachable(code)
			return a, true
		}
	}
	return answer{}, false
}
