package portmap

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The first two packets are lost: the third goes out after 750 ms.
func TestPMPAsksAgain(t *testing.T) {
	r := newPMPRouter(t, func(q pmpQuestion) [][]byte {
		if q.n <= 2 {
			return nil
		}
		return [][]byte{natpmpOuter}
	})
	began := time.Now()
	if _, err := NewNATPMP(localhost, localhost, r.ports()).External(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 750*time.Millisecond {
		t.Errorf("answered after %v, want the third packet at 750 ms", took)
	}
	got := r.questions()
	if len(got) != 3 || got[0].from != got[2].from {
		t.Errorf("got %v, want three packets from one socket", got)
	}
}

func TestPMPNoAnswer(t *testing.T) {
	r := newPMPRouter(t, nil)
	pcp, natpmp := newPCPClient(localhost, localhost, r.ports()), newNATPMPClient(localhost, localhost, r.ports())
	pcp.peer.firstPause, natpmp.peer.firstPause = time.Millisecond, time.Millisecond
	for _, c := range []Client{pcp, natpmp} {
		_, err := c.External(t.Context())
		if !errors.Is(err, ErrNoAnswer) {
			t.Errorf("%s: got %v, want ErrNoAnswer", c.Name(), err)
		}
		if want := string(c.Name()) + " to 127.0.0.1:"; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q does not begin with %q", err, want)
		}
		if n := len(r.questions()); n != pmpTries {
			t.Errorf("%s: asked %d times, want %d", c.Name(), n, pmpTries)
		}
	}
}

func TestPMPPortClosed(t *testing.T) {
	closed := listenLoopback(t)
	ports := Ports{PMP: portOf(closed)}
	closed.Close()
	began := time.Now()
	for _, c := range []Client{NewPCP(localhost, localhost, ports), NewNATPMP(localhost, localhost, ports)} {
		if _, err := c.External(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: External gave %v, want ErrClosed", c.Name(), err)
		}
		if _, err := c.Map(t.Context(), pcpTestRequest()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: Map gave %v, want ErrClosed", c.Name(), err)
		}
	}
	if took := time.Since(began); took > 3*time.Second { // one that waits takes 3.75 s
		t.Errorf("took %v, want an answer at once", took)
	}
}

// The end of the context is noticed at once: waiting for the next try would take an hour.
func TestPMPContextEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	r := newPMPRouter(t, func(pmpQuestion) [][]byte { cancel(); return nil })
	c := newNATPMPClient(localhost, localhost, r.ports())
	c.peer.firstPause = time.Hour
	if _, err := c.External(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := c.External(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: got %v, want context.Canceled", err)
	}
	short, cancelShort := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancelShort()
	if _, err := c.External(short); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	r.conn.Close()
}

// However a request ends, its socket is closed.
func TestPMPClosesSocket(t *testing.T) {
	silent := newPMPRouter(t, nil)
	talking := newPMPRouter(t, pmpReplies(natpmpOuter))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, x := range map[string]struct {
		router *pmpRouter
		ctx    context.Context
	}{
		"answered":  {talking, t.Context()},
		"no answer": {silent, t.Context()},
		"ctx ended": {silent, ended},
	} {
		c := newNATPMPClient(localhost, localhost, x.router.ports())
		c.peer.firstPause = time.Millisecond
		exchange := c.peer.send(t.Context(), appendNATPMPExternal(nil))
		exchange.wait(x.ctx, func([]byte) bool { return x.router == talking })
		if _, err := exchange.conn.Write(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: writing gave %v, want a closed socket", name, err)
		}
	}
}

// Somebody else on the LAN answers before the router does.
func TestPMPOtherSource(t *testing.T) {
	rogue := listenLoopback(t)
	for _, c := range []struct {
		forged, real []byte
		client       func(Ports) Client
	}{
		{patched(pcpGrant, 43, 0xff), pcpGrant, func(p Ports) Client { return NewPCP(localhost, localhost, p) }},
		{patched(natpmpGrant, 11, 0xff), natpmpGrant, func(p Ports) Client { return NewNATPMP(localhost, localhost, p) }},
	} {
		r := newPMPRouter(t, func(q pmpQuestion) [][]byte {
			rogue.WriteToUDPAddrPort(c.forged, q.from)
			return [][]byte{c.real}
		})
		m, err := c.client(r.ports()).Map(t.Context(), pcpTestRequest())
		if err != nil || m.External.Port() != 27886 {
			t.Errorf("got %v, %v, want the router's own answer", m.External, err)
		}
	}
}

// A flood of rubbish from the gateway does not keep a request going.
func TestPMPFloodEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	router := listenLoopback(t)
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		_, from, err := router.ReadFromUDPAddrPort(make([]byte, 100))
		for err == nil {
			_, err = router.WriteToUDPAddrPort(pcpGrant, from)
		}
	}()
	c := newPCPClient(localhost, localhost, Ports{PMP: portOf(router)})
	c.peer.firstPause = 10 * time.Millisecond
	if _, err := c.External(t.Context()); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v, want ErrNoAnswer", err)
	}
	router.Close()
	<-flooded
}

func TestPMPRefusesWhatCannotBeAsked(t *testing.T) {
	r := newPMPRouter(t, nil)
	other := netip.MustParseAddr("192.0.2.1")
	good := pcpTestRequest()
	tests := []struct {
		name   string
		change func(*Request)
	}{
		{"a lease of 0 would delete", func(r *Request) { r.Lease = 0 }},
		{"a lease below a second would delete", func(r *Request) { r.Lease = time.Second - 1 }},
		{"negative lease", func(r *Request) { r.Lease = -time.Hour }},
		{"internal port 0 would mean all ports", func(r *Request) { r.Internal = netip.AddrPortFrom(localhost, 0) }},
		{"an address that is not ours", func(r *Request) { r.Internal = netip.AddrPortFrom(other, 27886) }},
		{"no address", func(r *Request) { r.Internal = netip.AddrPort{} }},
		{"unknown transport", func(r *Request) { r.Transport = "sctp" }},
	}
	for _, c := range []Client{NewPCP(localhost, localhost, r.ports()), NewNATPMP(localhost, localhost, r.ports())} {
		for _, tt := range tests {
			req := good
			tt.change(&req)
			if _, err := c.Map(t.Context(), req); err == nil {
				t.Errorf("%s: %s: no error", c.Name(), tt.name)
			}
			if req.Lease != good.Lease {
				continue
			}
			if err := c.Unmap(t.Context(), Mapping{Transport: req.Transport, Internal: req.Internal}); err == nil {
				t.Errorf("%s: Unmap: %s: no error", c.Name(), tt.name)
			}
		}
	}
	if got := r.questions(); len(got) != 0 {
		t.Errorf("the router was asked all the same: %v", got)
	}
}

func TestPMPRefusesWrongAddresses(t *testing.T) {
	tests := []struct {
		name           string
		gateway, local netip.Addr
	}{
		{"no gateway", netip.Addr{}, localhost},
		{"no address of ours", localhost, netip.Addr{}},
		{"0.0.0.0 would lead to this PC", netip.IPv4Unspecified(), localhost},
		{"a group", announceGroup, localhost},
		{"IPv6", netip.IPv6Loopback(), netip.IPv6Loopback()},
	}
	for _, tt := range tests {
		for _, c := range []Client{NewPCP(tt.gateway, tt.local, Ports{}), NewNATPMP(tt.gateway, tt.local, Ports{})} {
			if _, err := c.External(t.Context()); err == nil || errors.Is(err, ErrClosed) {
				t.Errorf("%s: %s: got %v, want an error", c.Name(), tt.name, err)
			}
		}
	}
}

func BenchmarkPCPMap(b *testing.B) {
	router := listenLoopback(b)
	go func() {
		buf := make([]byte, 2048)
		for {
			_, from, err := router.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			router.WriteToUDPAddrPort(pcpGrant, from)
		}
	}()
	c := NewPCP(localhost, localhost, Ports{PMP: portOf(router)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Map(b.Context(), pcpTestRequest()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPCPFirstPacket is what stands before every start-up: from nothing to a packet on its way.
func BenchmarkPCPFirstPacket(b *testing.B) {
	router := listenLoopback(b)
	b.ReportAllocs()
	for b.Loop() {
		c := newPCPClient(localhost, localhost, Ports{PMP: portOf(router)})
		x := c.peer.send(b.Context(), appendPCPHeader(nil, pcpAnnounce, 0, localhost))
		if x.err != nil {
			b.Fatal(x.err)
		}
		x.conn.Close()
	}
}
