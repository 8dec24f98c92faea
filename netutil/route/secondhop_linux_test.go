package route

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// toLoopback is a way from 127.0.0.1 to itself.
func toLoopback(t *testing.T) Route {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	return Route{Local: netip.MustParseAddr("127.0.0.1"), Interface: lo.Name, Index: lo.Index}
}

func listenLoopback(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func addrPortOf(conn *net.UDPConn) netip.AddrPort {
	a := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// TestProbeIsRefused has the kernel answer for a closed port: the whole way but for the routers.
func TestProbeIsRefused(t *testing.T) {
	closed := listenLoopback(t)
	closed.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := probe(ctx, toLoopback(t), addrPortOf(closed))
	if want := (answer{from: netip.MustParseAddr("127.0.0.1"), refused: "port unreachable"}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestProbeStaysNear is about the promise that a probe passes two routers at most, and the end of the
// wait when nobody answers.
func TestProbeStaysNear(t *testing.T) {
	listener := listenLoopback(t)
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTTL, 1); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if a, err := probe(ctx, toLoopback(t), addrPortOf(listener)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v, %v, want the context's error", a, err)
	}
	listener.SetReadDeadline(time.Now().Add(5 * time.Second))
	var packet, control [64]byte
	n, nc, _, _, err := listener.ReadMsgUDPAddrPort(packet[:], control[:])
	if err != nil || n != 0 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	list, err := unix.ParseSocketControlMessage(control[:nc])
	if err != nil || len(list) != 1 || list[0].Header.Type != unix.IP_TTL || number(list[0].Data) != 2 {
		t.Errorf("%+v, %v, want a TTL of 2", list, err)
	}
}

func TestProbeWantsItsInterface(t *testing.T) {
	r := toLoopback(t)
	r.Index = 1 << 30
	if a, err := probe(t.Context(), r, netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
		t.Errorf("%+v, want an error: there is no such interface", a)
	}
}

// queued is a control message as the kernel makes it.
func queued(level, kind int32, origin, icmpType, code byte, family uint16, from string) []byte {
	b := make([]byte, unix.CmsgSpace(32))
	header := b[:unix.CmsgLen(0)]
	if len(header) == 16 {
		binary.NativeEndian.PutUint64(header, uint64(unix.CmsgLen(32)))
	} else {
		binary.NativeEndian.PutUint32(header, uint32(unix.CmsgLen(32)))
	}
	binary.NativeEndian.PutUint32(header[len(header)-8:], uint32(level))
	binary.NativeEndian.PutUint32(header[len(header)-4:], uint32(kind))
	data := b[len(header):]
	data[4], data[5], data[6] = origin, icmpType, code
	binary.NativeEndian.PutUint16(data[16:], family)
	if from != "" {
		copy(data[20:], netip.MustParseAddr(from).AsSlice())
	}
	return b
}

func TestParseProbeError(t *testing.T) {
	const ip, recverr, icmp, inet = unix.IPPROTO_IP, unix.IP_RECVERR, unix.SO_EE_ORIGIN_ICMP, unix.AF_INET
	expired := queued(ip, recverr, icmp, 11, 0, inet, "192.168.1.1")
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 && unix.SizeofPtr == 8 {
		// What Linux 6.18 gave for a probe through two routers, as it is.
		recorded := "0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b\x00\x00\x00q\x00\x00\x00\x02\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
			"\x02\x00\x00\x00\xc0\xa8\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00"
		expired = []byte(recorded)
	}
	for _, c := range []struct {
		name, from, refused string
		b                   []byte
	}{
		{name: "expired", from: "192.168.1.1", b: expired},
		{name: "after another message", from: "192.168.1.1", b: append(queued(ip, unix.IP_TTL, 0, 0, 0, 0, ""), expired...)},
		{name: "network unreachable", from: "10.0.0.1", refused: "network unreachable", b: queued(ip, recverr, icmp, 3, 0, inet, "10.0.0.1")},
		{name: "filtered", from: "10.0.0.1", refused: "prohibited by a filter", b: queued(ip, recverr, icmp, 3, 13, inet, "10.0.0.1")},
		{name: "unknown code", from: "10.0.0.1", refused: "unreachable (code 200)", b: queued(ip, recverr, icmp, 3, 200, inet, "10.0.0.1")},
		{name: "expired in reassembly", b: queued(ip, recverr, icmp, 11, 1, inet, "10.0.0.1")},
		{name: "source quench", b: queued(ip, recverr, icmp, 4, 0, inet, "10.0.0.1")},
		{name: "of this PC, not of ICMP", b: queued(ip, recverr, unix.SO_EE_ORIGIN_LOCAL, 11, 0, inet, "10.0.0.1")},
		{name: "sender not told", b: queued(ip, recverr, icmp, 11, 0, unix.AF_UNSPEC, "")},
		{name: "other level", b: queued(unix.IPPROTO_IPV6, recverr, icmp, 11, 0, inet, "10.0.0.1")},
		{name: "other message", b: queued(ip, unix.IP_TTL, icmp, 11, 0, inet, "10.0.0.1")},
		{name: "cut off", b: expired[:len(expired)-9]},
		{name: "nothing"},
	} {
		got, ok := parseProbeError(c.b)
		if ok != (c.from != "") || ok && (got.from.String() != c.from || got.refused != c.refused) {
			t.Errorf("%s: %+v %v, want %q %q", c.name, got, ok, c.from, c.refused)
		}
	}
}

func FuzzParseProbeError(f *testing.F) {
	f.Add(queued(unix.IPPROTO_IP, unix.IP_RECVERR, unix.SO_EE_ORIGIN_ICMP, 11, 0, unix.AF_INET, "192.168.1.1"))
	f.Add(queued(unix.IPPROTO_IP, unix.IP_RECVERR, unix.SO_EE_ORIGIN_ICMP, 3, 1, unix.AF_INET, "10.0.0.1")[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := parseProbeError(b)
		if ok != a.from.Is4() || !ok && a != (answer{}) {
			t.Errorf("%+v %v", a, ok)
		}
	})
}
