package route

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
)

func echoReply(status uint32) []byte {
	b := append([]byte{192, 168, 1, 1}, make([]byte, 36)...)
	binary.NativeEndian.PutUint32(b[4:], status)
	return b
}

func TestParseEchoReply(t *testing.T) {
	for _, c := range []struct {
		status  uint32
		refused string
		err     bool
	}{
		{status: 11013},
		{status: 11002, refused: "network unreachable"},
		{status: 11003, refused: "host unreachable"},
		{status: 11005, refused: "port unreachable"},
		{status: 0, refused: "it has the address that nobody has"},
		{status: 11010, err: true},
		{status: 11050, err: true},
		{status: 1<<32 - 1, err: true},
	} {
		got, err := parseEchoReply(echoReply(c.status))
		want := answer{from: netip.MustParseAddr("192.168.1.1"), refused: c.refused}
		if (err != nil) != c.err || err == nil && got != want {
			t.Errorf("status %d: %+v, %v, want %+v", c.status, got, err, want)
		}
		if errors.Is(err, context.DeadlineExceeded) != (c.status == 11010) {
			t.Errorf("status %d: error %v", c.status, err)
		}
	}
}

func FuzzParseEchoReply(f *testing.F) {
	f.Add(echoReply(11013))
	f.Add(echoReply(11010)[:7])
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseEchoReply(b); err == nil && !a.from.Is4() {
			t.Errorf("%+v", a)
		}
	})
}

func TestInAddr(t *testing.T) {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(inAddr(netip.MustParseAddr("192.168.1.2"))))
	if b != [4]byte{192, 168, 1, 2} {
		t.Errorf("in memory %v, want network order", b)
	}
}
