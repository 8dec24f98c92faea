//go:build lab && linux

package lab

import (
	"io"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// page reads the page as a person sees it.
func (s *sitter) page() string {
	s.home.t.Helper()
	rsp, err := s.client.Get("http://" + page + "/")
	if err != nil {
		s.home.t.Fatal(err)
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(rsp.Body, 1<<20))
	if err != nil || rsp.StatusCode != http.StatusOK {
		s.home.t.Fatalf("page: %s, %v", rsp.Status, err)
	}
	return string(text)
}

// The PC has another address from DHCP, and the old entry leads nowhere. A router in secure mode does
// not give the port to the new address: then another one is opened, and the status says so.
func TestFaultRenumbered(t *testing.T) {
	t.Parallel()
	moved := netip.MustParseAddr("192.168.77.50")
	tests := []struct {
		name   string
		router []string
		code   daemon.Code // "" = the same port again
	}{
		{"secure mode", nil, daemon.OwnOldEntry},
		{"secure mode, UPnP", onlyUPnP, daemon.OwnOldEntry},
		{"UPnP that lets us delete", []string{"natpmp=no", "secure=no"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			s := h.start("")
			s.await(5*time.Second, "verdict ready", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Ready
			})
			g := h.gate(at(outer, kaillera), at(outer, kaillera+1), at(outer, kaillera+2))
			g.open()
			h.lab("lanip", moved.String())
			a := g.again("renumbered, "+tt.name, time.Now(), 3*time.Second, func(a arrival) bool { return a.to == moved })
			st := s.await(5*time.Second, "verdict ready again", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Ready && p.Address == a.door
			})
			p := &st.Ports[0]
			if tt.code == "" && a.door != at(outer, kaillera).String() || tt.code != "" && p.Code != tt.code {
				t.Errorf("code %q at %s, want %q", p.Code, a.door, tt.code)
			}
			t.Logf("said so: %s: %s %s", p.Code, p.Headline, p.NextStep)
			t.Logf("history: %s", s.history())
		})
	}
}

// A cable that is pulled: packets come in as soon as it is plugged, also when the router has lost its
// table meanwhile.
func TestFaultCable(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		name := map[bool]string{false: "router keeps its table", true: "router rebooted meanwhile"}[lost]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := h.start("")
			s.awaitGrant(2 * time.Second)
			g := h.gate(at(outer, kaillera))
			g.open()
			h.grown()
			h.lab("lan", "down")
			pulled := time.Now()
			if lost {
				h.lab("router", "reboot", "3")
			}
			h.pass(time.Until(pulled.Add(10 * time.Second)))
			g.shut()
			plugged := time.Now()
			h.lab("lan", "up")
			g.again("cable pulled for 10 s, "+name, plugged, 2*time.Second, nil)
			t.Logf("history: %s", s.history())
		})
	}
}

// A process that did not run for a while, as in a PC that slept, looks as soon as it runs again.
func TestFaultSuspended(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		router []string
		lose   func(h *home)
	}{
		{"router restarted meanwhile", nil, func(h *home) { h.lab("router", "start") }},
		{"table flushed meanwhile, UPnP", onlyUPnP, func(h *home) { h.flush() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			h.deaf() // a PC that sleeps hears nothing, while a socket keeps what comes
			s := h.start("")
			s.awaitGrant(2 * time.Second)
			g := h.gate(at(outer, kaillera))
			g.open()
			h.grown()
			s.signal(syscall.SIGSTOP)
			tt.lose(h)
			h.pass(40 * time.Second)
			g.shut()
			resumed := time.Now()
			s.signal(syscall.SIGCONT)
			g.again("suspended for 40 s, "+tt.name, resumed, 7*time.Second, nil)
			t.Logf("history: %s", s.history())
		})
	}
}

func (s *sitter) signal(sig syscall.Signal) {
	s.home.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.home.t.Fatal(err)
	}
}

// A process that was killed, and a router that has lost its table before it is started again.
func TestFaultKilled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		router []string
	}{{"all", nil}, {"PCP", onlyPMP}, {"UPnP", onlyUPnP}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			state := t.TempDir()
			s := h.startIn(state, "")
			s.awaitGrant(2 * time.Second)
			g := h.gate(at(outer, kaillera))
			g.open()
			s.kill()
			h.lab(append([]string{"router", "start"}, tt.router...)...)
			g.shut()
			s = h.startIn(state, "")
			g.again("kill -9 and restart, "+tt.name, s.started, time.Second, nil)
		})
	}
}

// On a line that loses one packet in five each way, the port is open soon, and the verdict keeps
// saying so.
func TestFaultLossyLine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.lab("delay", "20", "20")
	g := h.gate(at(outer, kaillera))
	s := h.start("")
	g.again("20 % loss and 20 ms each way", s.started, 3*time.Second, nil)
	s.await(10*time.Second, "verdict ready", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready
	})
	throughout(t, time.Minute, "verdict ready", func() bool {
		st, err := s.get()
		return err == nil && st.Ports[0].Verdict == daemon.Ready
	})
	t.Logf("history: %s", s.history())
}
