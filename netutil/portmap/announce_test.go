package portmap

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"
)

func TestParseAnnouncement(t *testing.T) {
	outside := netip.MustParseAddr("203.0.113.7")
	pcp := Announcement{Protocol: PCP, Outer: Outer{Epoch: 1000, HasEpoch: true}}
	natpmp := Announcement{Protocol: NATPMP, Outer: Outer{Addr: outside, Epoch: 1000, HasEpoch: true}}
	down := natpmp
	down.Outer.Addr = netip.Addr{}
	tests := []struct {
		name string
		data []byte
		want Announcement // zero = none
	}{
		{"PCP", pcpHello, pcp},
		{"PCP with an option", append(bytes.Clone(pcpHello), 9, 0, 0, 0), pcp},
		{"NAT-PMP", natpmpOuter, natpmp},
		{"NAT-PMP, outer side down", patched(natpmpOuter, 3, 3), down},
		{"NAT-PMP, no address", patched(natpmpOuter, 8, 0, 9, 0, 10, 0, 11, 0), down},
		{"empty", nil, Announcement{}},
		{"PCP cut", pcpHello[:20], Announcement{}},
		{"PCP request", patched(pcpHello, 1, 0), Announcement{}},
		{"PCP refusal", patched(pcpHello, 3, 2), Announcement{}},
		{"PCP of another version", patched(pcpHello, 0, 1, 3, 1), Announcement{}},
		{"PCP grant", pcpGrant, Announcement{}},
		{"NAT-PMP cut", natpmpOuter[:11], Announcement{}},
		{"NAT-PMP request", patched(natpmpOuter, 1, 0), Announcement{}},
		{"NAT-PMP refusal", patched(natpmpOuter, 3, 2), Announcement{}},
		{"NAT-PMP refusal of the version", patched(natpmpOuter, 3, 1), Announcement{}},
		{"NAT-PMP grant", natpmpGrant, Announcement{}},
		{"too long", append(bytes.Clone(pcpHello), make([]byte, 1080)...), Announcement{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseAnnouncement(tt.data)
			if ok != (tt.want != Announcement{}) || ok && got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, ok, tt.want)
			}
		})
	}
}

func TestAnnouncePace(t *testing.T) {
	start := time.Now()
	var p announcePace
	for i := range announcePerSecond - 1 {
		if d := p.pause(start.Add(time.Duration(i) * time.Millisecond)); d != 0 {
			t.Fatalf("datagram %d: pause of %v, want none", i+1, d)
		}
	}
	if d := p.pause(start.Add(100 * time.Millisecond)); d != 900*time.Millisecond {
		t.Errorf("pause of %v after %d datagrams in 100 ms, want the rest of the second", d, announcePerSecond)
	}
	if d := p.pause(start.Add(time.Second)); d != 0 {
		t.Errorf("pause of %v in the next second, want none", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	long := announcePace{since: time.Now().Add(time.Hour), n: announcePerSecond}
	long.rest(ctx) // returns at once, or this test does not end
}

// loopbackInterface is the index of the interface with 127.0.0.1.
func loopbackInterface(t *testing.T) int {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 {
			return ifi.Index
		}
	}
	t.Fatal("no loopback interface")
	return 0
}

// announcer sends to the group of PCP and NAT-PMP as a router would.
func announcer(t *testing.T, from netip.Addr, port uint16) func([]byte) {
	t.Helper()
	return groupSender(t, from, netip.AddrPortFrom(announceGroup, port))
}

func groupSender(t *testing.T, from netip.Addr, to netip.AddrPort) func([]byte) {
	t.Helper()
	conn := listenAt(t, from)
	p := ipv4.NewPacketConn(conn)
	if err := p.SetMulticastInterface(&net.Interface{Index: loopbackInterface(t)}); err != nil {
		t.Fatal(err)
	}
	if err := p.SetMulticastLoopback(true); err != nil {
		t.Fatal(err)
	}
	return func(b []byte) {
		if _, err := conn.WriteToUDPAddrPort(b, to); err != nil {
			t.Error(err)
		}
	}
}

// freePort is a UDP port that was free a moment ago.
func freePort(t *testing.T) uint16 {
	t.Helper()
	conn := listenLoopback(t)
	defer conn.Close()
	return portOf(conn)
}

// startListener listens for PCP and NAT-PMP; the socket is open when startListener returns.
func startListener(t *testing.T, l *Listener) (heard <-chan Announcement, stop func()) {
	t.Helper()
	return startEar(t, l, l.pmpEar())
}

func startEar(t *testing.T, l *Listener, e ear) (heard <-chan Announcement, stop func()) {
	t.Helper()
	c := make(chan Announcement, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	conn, err := e.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	go func() { done <- l.listen(ctx, conn, e, func(a Announcement) { c <- a }) }()
	return c, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with %v, want nil", err)
		}
	}
}

func TestListener(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l := &Listener{Gateway: localhost, Interface: loopbackInterface(t), Ports: Ports{Announce: freePort(t)}}
	heard, stop := startListener(t, l)
	// The port is shared: another program listens, too.
	second, stopSecond := startListener(t, &Listener{Gateway: localhost, Interface: l.Interface, Ports: l.Ports})
	say := announcer(t, localhost, l.Ports.Announce)
	say([]byte("rubbish"))
	say(nil)
	say(make([]byte, 2000))
	say(pcpHello)
	say(natpmpOuter)
	want := []Announcement{
		{From: localhost, Protocol: PCP, Outer: Outer{Epoch: 1000, HasEpoch: true}},
		{From: localhost, Protocol: NATPMP, Outer: Outer{Addr: netip.MustParseAddr("203.0.113.7"), Epoch: 1000, HasEpoch: true}},
	}
	for _, c := range []<-chan Announcement{heard, second} {
		for i, want := range want {
			if got := <-c; got != want {
				t.Errorf("announcement %d: got %+v, want %+v", i+1, got, want)
			}
		}
	}
	stop()
	stopSecond()
	if n := l.Dropped(); n != 3 {
		t.Errorf("dropped %d datagrams, want 3", n)
	}
}

func TestListenerHearsOnlyTheGateway(t *testing.T) {
	gateway := netip.MustParseAddr("127.0.0.2")
	l := &Listener{Gateway: gateway, Interface: loopbackInterface(t), Ports: Ports{Announce: freePort(t)}}
	heard, stop := startListener(t, l)
	forge := announcer(t, localhost, l.Ports.Announce)
	for range 5 {
		forge(patched(pcpHello, 8, 99))
	}
	announcer(t, gateway, l.Ports.Announce)(pcpHello)
	want := Announcement{From: gateway, Protocol: PCP, Outer: Outer{Epoch: 1000, HasEpoch: true}}
	if got := <-heard; got != want {
		t.Errorf("got %+v, want %+v: what a stranger says does not count", got, want)
	}
	stop()
	if n := l.Dropped(); n != 5 {
		t.Errorf("dropped %d datagrams, want 5", n)
	}
}

// A socket that broke ends Run, and not in silence.
func TestListenerSocketBroken(t *testing.T) {
	l := &Listener{Gateway: localhost, Interface: loopbackInterface(t), Ports: Ports{Announce: freePort(t)}}
	conn, err := l.openPMP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := l.listen(t.Context(), conn, l.pmpEar(), func(Announcement) {}); err == nil {
		t.Error("no error for a closed socket")
	}
}

// What comes beyond the measure waits for the next second.
func TestListenerFlood(t *testing.T) {
	l := &Listener{Gateway: localhost, Interface: loopbackInterface(t), Ports: Ports{Announce: freePort(t)}}
	heard, stop := startListener(t, l)
	say := announcer(t, localhost, l.Ports.Announce)
	began := time.Now()
	for range announcePerSecond + 1 {
		say(pcpHello)
		<-heard
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("heard %d announcements in %v", announcePerSecond+1, took)
	}
	stop()
}

func TestListenerWrongInterface(t *testing.T) {
	l := &Listener{Gateway: localhost, Interface: 1 << 30, Ports: Ports{Announce: freePort(t), SSDPNotify: freePort(t)}}
	if err := l.Run(t.Context(), func(Announcement) {}); err == nil {
		t.Error("no error for an interface that is not there")
	}
}
