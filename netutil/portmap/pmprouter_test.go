package portmap

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var localhost = netip.MustParseAddr("127.0.0.1")

// pmpQuestion is one datagram that reached the router.
type pmpQuestion struct {
	n    int // counted from 1
	data []byte
	from netip.AddrPort
}

func (q pmpQuestion) String() string { return hex.EncodeToString(q.data) }

// pmpRouter is a router's port 5351 on loopback. It answers only what its reply function says.
type pmpRouter struct {
	t    *testing.T
	conn *net.UDPConn
	got  chan pmpQuestion
}

// newPMPRouter starts a router; reply gives the datagrams to send back, in order.
func newPMPRouter(t *testing.T, reply func(pmpQuestion) [][]byte) *pmpRouter {
	t.Helper()
	r := &pmpRouter{t: t, conn: listenLoopback(t), got: make(chan pmpQuestion, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for n := 1; ; n++ {
			k, from, err := r.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			q := pmpQuestion{n: n, data: append([]byte(nil), buf[:k]...), from: from}
			r.got <- q
			if reply == nil {
				continue
			}
			for _, b := range reply(q) {
				r.conn.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	t.Cleanup(func() { r.conn.Close(); <-done })
	return r
}

func listenLoopback(t testing.TB) *net.UDPConn {
	t.Helper()
	return listenAt(t, localhost)
}

func listenAt(t testing.TB, a netip.Addr) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func portOf(c *net.UDPConn) uint16 { return uint16(c.LocalAddr().(*net.UDPAddr).Port) }

func (r *pmpRouter) ports() Ports { return Ports{PMP: portOf(r.conn)} }

// questions gives what has reached the router so far: everything before a mark that it sends
// itself. Datagrams on loopback keep their order.
func (r *pmpRouter) questions() []pmpQuestion {
	r.t.Helper()
	const mark = "mark"
	conn := listenLoopback(r.t)
	if _, err := conn.WriteToUDPAddrPort([]byte(mark), netip.AddrPortFrom(localhost, portOf(r.conn))); err != nil {
		r.t.Fatal(err)
	}
	var all []pmpQuestion
	for {
		select {
		case q := <-r.got:
			if string(q.data) == mark {
				return all
			}
			all = append(all, q)
		case <-time.After(5 * time.Second):
			r.t.Fatal("the mark did not arrive")
		}
	}
}

// pmpReplies answers every question with the same datagrams.
func pmpReplies(replies ...[]byte) func(pmpQuestion) [][]byte {
	return func(pmpQuestion) [][]byte { return replies }
}

// unhex reads hex digits; spaces are for the eye.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// patched is a copy of b with single bytes changed: index, value, index, value...
func patched(b []byte, pairs ...int) []byte {
	b = append([]byte(nil), b...)
	for i := 0; i < len(pairs); i += 2 {
		b[pairs[i]] = byte(pairs[i+1])
	}
	return b
}

// pcpReplyBytes lays a PCP reply out; the mapping comes along when hasMap is set.
func pcpReplyBytes(r pcpReply) []byte {
	b := []byte{2, 0x80 | r.opcode, 0, r.result}
	b = binary.BigEndian.AppendUint32(b, r.lifetime)
	b = binary.BigEndian.AppendUint32(b, r.epoch)
	b = append(b, make([]byte, 12)...)
	if r.hasMap {
		b = appendPCPMap(b, r.mapping)
	}
	return b
}
