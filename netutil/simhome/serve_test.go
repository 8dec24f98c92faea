package simhome

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/publicip"
)

// udp asks a UDP port of loopback once.
func udp(t *testing.T, to uint16, payload []byte, patience time.Duration) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return exchange(ctx, "udp", netip.AddrPortFrom(loopback, to), payload)
}

// TestLifeOverTheWire maps by each protocol and each kind of gateway with portmap's own clients, lets
// a stranger's packet come in, reads back, renews and takes the mapping away.
func TestLifeOverTheWire(t *testing.T) {
	for _, kind := range []IGD{IGDv2, IGDv1, IGDPPP, IGDDSLForum, IGDMixed, IGDTwo} {
		h := New(Options{})
		h.Configure(func(f *Faults) { f.IGD, f.SecureMode, f.Fussy = kind, true, true })
		s := serve(t, h)
		inside, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go echo(inside)
		t.Cleanup(func() { inside.Close() })
		r := request()
		r.Internal = netip.AddrPortFrom(us, inside.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		for p, c := range clients(t, s, protocols...) {
			m, err := c.Map(t.Context(), r)
			if err != nil || m.Internal != r.Internal || m.Gateway != h.Gateway() || c.Gateway() != h.Gateway() {
				t.Fatalf("IGD %d, %s: map: %+v, %v", kind, p, m, err)
			}
			if reply, err := s.Knock(t.Context(), portmap.UDP, port, []byte("hello")); string(reply) != "hello" {
				t.Errorf("IGD %d, %s: knock: %q, %v", kind, p, reply, err)
			}
			if e, err := c.Lookup(t.Context(), portmap.UDP, port); p == portmap.UPnP && (err != nil || e.Internal != r.Internal) {
				t.Errorf("IGD %d: lookup: %+v, %v", kind, e, err)
			}
			if _, err := c.Map(t.Context(), r); err != nil {
				t.Errorf("IGD %d, %s: renew: %v", kind, p, err)
			}
			if err := c.Unmap(t.Context(), m); err != nil || len(h.Table()) != 0 {
				t.Errorf("IGD %d, %s: unmap: %v, left %v", kind, p, err, h.Table())
			}
			if _, err := s.Knock(t.Context(), portmap.UDP, port, nil); !errors.Is(err, ErrNotDelivered) {
				t.Errorf("IGD %d, %s: knock after unmap: %v", kind, p, err)
			}
		}
	}
}

func echo(c net.PacketConn) {
	buf := make([]byte, 100)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		c.WriteTo(buf[:n], from)
	}
}

func TestKnockElsewhere(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	h.Take(neighbor, portmap.UDP, port)
	if _, err := s.Knock(t.Context(), portmap.UDP, port, nil); !errors.Is(err, ErrNotDelivered) || !strings.Contains(err.Error(), "192.168.1.50") {
		t.Errorf("knock at another host: %v", err)
	}
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	h.Forward(portmap.UDP, port, netip.AddrPortFrom(us, silent.LocalAddr().(*net.UDPAddr).AddrPort().Port()), false)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Knock(ctx, portmap.UDP, port, []byte("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("knock at nobody: %v", err)
	}
}

// TestPublicAddress asks STUN and get-ip with publicip's own clients.
func TestPublicAddress(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	h.SetOuter(netip.MustParseAddr("192.168.0.10")) // what the router believes does not matter
	seen, err := publicip.STUN(t.Context(), loopback, s.STUNAddr.String())
	if err != nil || seen.Addr() != public {
		t.Errorf("STUN: %v, %v", seen, err)
	}
	if addr, err := publicip.HTTP(t.Context(), loopback, "test", s.GetIPURL); err != nil || addr != public {
		t.Errorf("get-ip: %v, %v", addr, err)
	}
	h.SetWAN(false)
	if addr, err := publicip.HTTP(t.Context(), loopback, "test", s.GetIPURL); err == nil {
		t.Errorf("get-ip without a WAN: %v", addr)
	}
	if kind := publicip.KindOf(public); kind != publicip.Public {
		t.Errorf("the standard public address counts as %s", kind)
	}
}

// TestOffClosesPorts: what is off refuses at once, and the same port is there again afterwards.
func TestOffClosesPorts(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	address := []byte{0, 0}
	location := s.Location()
	for _, c := range []struct {
		name string
		harm func()
		open bool
	}{
		{"fresh", func() {}, true},
		{"off", func() { h.Configure(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Off, Off, Off }) }, false},
		{"on", func() { h.Configure(func(f *Faults) { *f = Faults{} }) }, true},
		{"crash", func() { h.Crash() }, false},
		{"return", func() { h.Return() }, true},
	} {
		c.harm()
		patience := 5 * time.Second
		if !c.open { // Windows does not tell that a port is closed
			patience = 100 * time.Millisecond
		}
		if _, err := udp(t, s.Ports.PMP, address, patience); c.open != (err == nil) {
			t.Errorf("%s: NAT-PMP: %v", c.name, err)
		}
		conn, err := net.Dial("tcp4", strings.TrimSuffix(strings.TrimPrefix(location, "http://"), "/rootDesc.xml"))
		if err == nil {
			conn.Close()
		}
		if c.open != (err == nil) {
			t.Errorf("%s: UPnP: %v", c.name, err)
		}
	}
	if s.Location() != location {
		t.Errorf("UPnP moved from %s to %s", location, s.Location())
	}
}

// TestRebootMovesUPnP: the client of before finds nobody, a new search finds the new place.
func TestRebootMovesUPnP(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	before := s.Location()
	old := clients(t, s, portmap.UPnP)[portmap.UPnP]
	h.Reboot(true)
	if s.Location() == before {
		t.Errorf("UPnP stayed at %s", before)
	}
	if _, err := old.External(t.Context()); !errors.Is(err, portmap.ErrGone) {
		t.Errorf("the old place answers %v", err)
	}
	if _, err := clients(t, s, portmap.UPnP)[portmap.UPnP].External(t.Context()); err != nil {
		t.Errorf("the new place answers %v", err)
	}
}

// TestSilence: nothing comes back, and what is asked in vain is counted.
func TestSilence(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	upnp := clients(t, s, portmap.UPnP)[portmap.UPnP]
	h.Configure(func(f *Faults) { f.PCP, f.PMP, f.UPnP = Silent, Silent, Silent })
	if answer, err := udp(t, s.Ports.PMP, []byte{0, 0}, 20*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("NAT-PMP answered %x, %v", answer, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := upnp.External(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("UPnP answered %v", err)
	}
	tally := h.Requests()
	if tally.Of(portmap.NATPMP, OpAddress) != 1 || tally.Of(portmap.UPnP, OpAddress) != 1 {
		t.Errorf("counted %+v", tally)
	}
}

// TestAnnounceTo hears the announcements of a reboot, from the gateway's address and port.
func TestAnnounceTo(t *testing.T) {
	h := New(Options{})
	s := serve(t, h)
	ear, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	s.AnnounceTo(ear.LocalAddr().(*net.UDPAddr).AddrPort())
	h.Reboot(false)
	ear.SetReadDeadline(time.Now().Add(5 * time.Second))
	for _, want := range []string{"00800000000000000b4d0002", "028000000000000000000000" + zero12} {
		buf := make([]byte, 100)
		n, from, err := ear.ReadFromUDPAddrPort(buf)
		if err != nil || hex.EncodeToString(buf[:n]) != want || from != netip.AddrPortFrom(loopback, s.Ports.PMP) {
			t.Errorf("heard %x from %v (%v), want %s", buf[:n], from, err, want)
		}
	}
}

// TestSearchElsewhere: another gateway than the home's does not answer.
func TestSearchElsewhere(t *testing.T) {
	s := serve(t, New(Options{}))
	search := portmap.Search{
		Gateway: netip.MustParseAddr("192.168.0.1"), Local: us, Protocols: protocols[:2], Log: slog.New(slog.DiscardHandler),
	}
	s.Search(t.Context(), search, func(a portmap.Answer) {
		if a.Client != nil {
			t.Errorf("%s answered", a.Protocol)
		}
	})
}

// TestServeEnds: with ctx, with Close, with both, and when a port cannot be had.
func TestServeEnds(t *testing.T) {
	h := New(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := h.Serve(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	s.Close()
	s.Close()
	h.Reboot(true) // nobody follows any more
	if _, err := udp(t, s.Ports.PMP, []byte{0, 0}, 100*time.Millisecond); err == nil {
		t.Error("it still answers")
	}
	other := serve(t, h)
	if _, err := New(Options{Listen: Listen{SSDP: other.Ports.SSDP}}).Serve(t.Context(), nil); err == nil {
		t.Error("two servers on one port")
	}
	fixed := serve(t, New(Options{Listen: Listen{PMP: s.Ports.PMP}}))
	if fixed.Ports.PMP != s.Ports.PMP {
		t.Errorf("asked for port %d, got %d", s.Ports.PMP, fixed.Ports.PMP)
	}
}
