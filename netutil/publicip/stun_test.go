package publicip

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

// listenUDP opens a socket on loopback that is closed with the test.
func listenUDP(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// asking is one request as it arrived.
type asking struct {
	from netip.AddrPort
	data string
}

// serveSTUN runs a server whose answer to the n-th request (from 1) is made by answer; the name
// "host:port" is returned, and the channel gets each request before it is answered.
func serveSTUN(t *testing.T, answer func(n int, request []byte, from netip.AddrPort) [][]byte) (string, <-chan asking) {
	t.Helper()
	conn, addr := listenUDP(t)
	asked := make(chan asking, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for n := 1; ; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			asked <- asking{from, string(buf[:size])}
			for _, b := range answer(n, buf[:size], from) {
				conn.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return addr.String(), asked
}

// seen is an honest server's answer to request: a XOR-MAPPED-ADDRESS.
func seen(request []byte, addr netip.AddrPort) []byte {
	b := append([]byte{}, request[:headerLen]...)
	binary.BigEndian.PutUint16(b, bindingSuccess)
	binary.BigEndian.PutUint16(b[2:], 12)
	b = append(b, 0, attrXORMapped, 0, 8, 0, familyIPv4)
	b = binary.BigEndian.AppendUint16(b, addr.Port()^magicCookie>>16)
	ip := addr.Addr().As4()
	return binary.BigEndian.AppendUint32(b, binary.BigEndian.Uint32(ip[:])^magicCookie)
}

func TestSTUN(t *testing.T) {
	server, asked := serveSTUN(t, func(_ int, request []byte, from netip.AddrPort) [][]byte {
		return [][]byte{seen(request, from)}
	})
	for _, local := range []netip.Addr{loopback, {}} {
		got, err := STUN(t.Context(), local, server)
		if q := <-asked; err != nil || got != q.from {
			t.Errorf("STUN from %v = %v, %v; the server saw %v", local, got, err, q.from)
		}
	}
}

func TestSTUNLooksUpNames(t *testing.T) {
	server, _ := serveSTUN(t, func(_ int, request []byte, from netip.AddrPort) [][]byte {
		return [][]byte{seen(request, from)}
	})
	_, port, _ := net.SplitHostPort(server)
	if _, err := STUN(t.Context(), loopback, "localhost:"+port); err != nil {
		t.Error(err)
	}
}

func TestSTUNRetransmits(t *testing.T) {
	server, asked := serveSTUN(t, func(n int, request []byte, from netip.AddrPort) [][]byte {
		if n < tries {
			return nil
		}
		return [][]byte{seen(request, from)}
	})
	got, err := askSTUN(t.Context(), loopback, server, 20*time.Millisecond)
	first := <-asked
	for range tries - 1 {
		if again := <-asked; again != first {
			t.Errorf("asked %v, then %v: a retransmission is the same datagram", first, again)
		}
	}
	if err != nil || got != first.from {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSTUNGivesUp(t *testing.T) {
	server, asked := serveSTUN(t, func(int, []byte, netip.AddrPort) [][]byte { return nil })
	begin := time.Now()
	_, err := askSTUN(t.Context(), loopback, server, 20*time.Millisecond)
	if took := time.Since(begin); took < (20+40+80)*time.Millisecond {
		t.Errorf("gave up after %v: the wait does not double", took)
	}
	if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), server) {
		t.Errorf("error %v, want ErrNoAnswer that names %s", err, server)
	}
	for range tries {
		<-asked
	}
	if len(asked) != 0 {
		t.Errorf("asked %d times more than %d", len(asked), tries)
	}
}

// TestSTUNPassesOver sends nonsense and lies first; only the honest answer may count.
func TestSTUNPassesOver(t *testing.T) {
	lie := netip.MustParseAddrPort("192.0.2.66:666")
	stranger, _ := listenUDP(t)
	server, _ := serveSTUN(t, func(_ int, request []byte, from netip.AddrPort) [][]byte {
		stranger.WriteToUDPAddrPort(seen(request, lie), from) // the right transaction from a wrong address
		other := seen(request, lie)
		other[headerLen-1] ^= 1
		return [][]byte{{}, []byte("hello"), request, other, seen(request, from)}
	})
	got, err := STUN(t.Context(), loopback, server)
	if err != nil || got == lie {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSTUNErrors(t *testing.T) {
	closed, addr := listenUDP(t)
	closed.Close()
	tests := []struct {
		name, server, want string
		local              netip.Addr
	}{
		{name: "nobody there", server: addr.String(), want: "refused"},
		{name: "no port", server: "stun.example", want: "host:port"},
		{name: "port as a name", server: "127.0.0.1:stun", want: `"stun"`},
		{name: "port 0", server: "127.0.0.1:0", want: "1 to 65535"},
		{name: "port 65536", server: "127.0.0.1:65536", want: "1 to 65535"},
		{name: "IPv6 server", server: "[::1]:3478", want: "::1"},
		{name: "not our address", server: addr.String(), local: netip.MustParseAddr("192.0.2.1"), want: "192.0.2.1"},
		{name: "local is IPv6", server: addr.String(), local: netip.IPv6Loopback(), want: "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !tt.local.IsValid() {
				tt.local = loopback
			}
			got, err := STUN(t.Context(), tt.local, tt.server)
			if err == nil || got.IsValid() || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.server) {
				t.Errorf("got %v, %v; want an error with %q and %q", got, err, tt.want, tt.server)
			}
		})
	}
}

func TestSTUNEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server, _ := serveSTUN(t, func(int, []byte, netip.AddrPort) [][]byte { cancel(); return nil })
	begin := time.Now()
	if _, err := askSTUN(ctx, loopback, server, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v after the context had ended", took)
	}
	if _, err := STUN(ctx, loopback, "stun.invalid:3478"); !errors.Is(err, context.Canceled) {
		t.Errorf("look-up with an ended context: %v", err)
	}
}

func TestAvoidPort(t *testing.T) {
	first, taken := listenUDP(t)
	second, other := listenUDP(t)
	conns := []*net.UDPConn{first, second}
	got, err := avoidPort(taken.Port(), func() (*net.UDPConn, error) {
		conn := conns[0]
		conns = conns[1:]
		return conn, nil
	})
	if err != nil || got != second {
		t.Fatalf("got %v, %v; want the socket on %v", got, err, other)
	}
	if _, err := first.WriteToUDPAddrPort(nil, other); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket on the avoided port stays open: %v", err)
	}
}
