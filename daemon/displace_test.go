package daemon

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

func displacedSettings() configs.Settings {
	s := testSettings()
	s.Router.OtherExternalPort = true
	return s
}

// reachableAt sends a stranger's packet to an external port.
func (h *house) reachableAt(external uint16, at netip.Addr) bool {
	to, in := h.Deliver(portmap.UDP, external)
	return in && to == netip.AddrPortFrom(at, 27886)
}

func taken(ps ...portmap.Protocol) func(*house) {
	return func(h *house) {
		only(ps...)(h)
		h.Take(other, portmap.UDP, 27886)
	}
}

func TestOtherPCHoldsThePort(t *testing.T) {
	for _, row := range []struct {
		name   string
		speaks []portmap.Protocol
		back   time.Duration // after it came free
	}{
		{"everything", []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}, 65 * time.Second},
		{"UPnP", []portmap.Protocol{portmap.UPnP}, 65 * time.Second},
		{"PCP", []portmap.Protocol{portmap.PCP}, 10*time.Minute + 5*time.Second},
		{"NAT-PMP", []portmap.Protocol{portmap.NATPMP}, 10*time.Minute + 5*time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouseWith(t, displacedSettings(), taken(row.speaks...), func(h *house) {
				h.pass(4 * time.Second)
				h.want(OtherExternalPort)
				if p := h.port(); p.Address != "11.77.0.2:27887" || p.Verdict != Ready || !h.reachableAt(27887, self) {
					t.Errorf("address %s, verdict %s, table %+v", p.Address, p.Verdict, h.Table())
				}
				h.pass(time.Hour)
				h.want(OtherExternalPort)
				if !h.reachableAt(27886, netip.Addr{}) && !deliveredTo(h, 27886, other) {
					t.Errorf("the other PC's entry is gone: %+v", h.Table())
				}
				h.Release(portmap.UDP, 27886)
				h.pass(row.back)
				h.want(CodeReady)
				h.wantOpen(true)
				if len(h.Table()) != 1 {
					t.Errorf("left behind: %+v", h.Table())
				}
				h.stop()
				if len(h.Table()) != 0 || len(h.kept().Entries) != 0 {
					t.Errorf("left behind: %+v, claimed %+v", h.Table(), h.kept().Entries)
				}
			})
		})
	}
}

func deliveredTo(h *house, external uint16, host netip.Addr) bool {
	to, in := h.Deliver(portmap.UDP, external)
	return in && to.Addr() == host
}

// TestNoMoveUnderAGame: rule 13. The configured port is free again, but somebody is hosting.
func TestNoMoveUnderAGame(t *testing.T) {
	inHouseWith(t, displacedSettings(), taken(portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		h.mu.Lock()
		h.hosting = true
		h.mu.Unlock()
		h.pass(2 * time.Minute)
		h.Release(portmap.UDP, 27886)
		h.pass(30 * time.Minute)
		h.want(OtherExternalPort)
		if !h.reachableAt(27887, self) {
			t.Errorf("moved under a game: %+v", h.Table())
		}
		h.mu.Lock()
		h.hosting = false
		h.mu.Unlock()
		h.pass(3 * time.Minute)
		h.want(CodeReady)
	})
}

func TestOwnFormerAddress(t *testing.T) {
	renumbered := home
	renumbered.Route.Local = netip.MustParseAddr("192.168.1.24")
	renumber := func(h *house) {
		h.SetSelf(renumbered.Route.Local)
		h.moveTo(renumbered, nil)
	}
	for _, row := range []struct {
		name   string
		speaks []portmap.Protocol
		secure bool
		after  Code
	}{
		{"the router insists", []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}, true, OwnOldEntry},
		{"UPnP, the router insists", []portmap.Protocol{portmap.UPnP}, true, OwnOldEntry},
		{"UPnP, the router lets it be removed", []portmap.Protocol{portmap.UPnP}, false, CodeReady},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouseWith(t, displacedSettings(), func(h *house) {
				only(row.speaks...)(h)
				h.Configure(func(f *simhome.Faults) { f.SecureMode, f.OtherPort = row.secure, true })
			}, func(h *house) {
				h.pass(time.Minute)
				h.wantOpen(true)
				renumber(h)
				h.pass(3 * time.Second)
				h.want(row.after)
				at := uint16(27886)
				if row.after == OwnOldEntry {
					at = 27887
					if words := h.port().NextStep; !strings.Contains(words, "192.168.1.23") || !strings.Contains(words, "01:00") {
						t.Errorf("does not say whose entry it is and when it ends: %s", words)
					}
				}
				if !h.reachableAt(at, renumbered.Route.Local) {
					t.Errorf("not reachable at %d: %+v", at, h.Table())
				}
				h.pass(time.Hour + time.Minute)
				h.want(CodeReady)
				if !h.reachableAt(27886, renumbered.Route.Local) {
					t.Errorf("not back: %+v", h.Table())
				}
			})
		})
	}
}

func TestTakeOver(t *testing.T) {
	inHouseWith(t, displacedSettings(), taken(portmap.PCP, portmap.NATPMP, portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		if err := h.d.TakeOver(context.Background(), ""); !errors.As(err, new(*NoPortError)) {
			t.Errorf("a take-over has to name its port: %v", err)
		}
		if err := h.d.TakeOver(context.Background(), "Kaillera P2P"); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		err := h.d.TakeOver(context.Background(), "Kaillera P2P")
		if !errors.As(err, new(*NotHeldError)) || !strings.Contains(err.Error(), "holds port 27886") {
			t.Errorf("nobody holds it any more: %v", err)
		}
	})
}

// TestTakeOverThatTheRouterRefuses: whether another external port is open meanwhile or none, whoever has
// asked reads which port it was about, and why it did not work.
func TestTakeOverThatTheRouterRefuses(t *testing.T) {
	for _, row := range []struct {
		code      Code
		elsewhere bool // another external port may be taken
	}{{OtherExternalPort, true}, {PortTaken, false}} {
		s := displacedSettings()
		s.Router.OtherExternalPort = row.elsewhere
		inHouseWith(t, s, func(h *house) {
			taken(portmap.UPnP)(h)
			h.Configure(func(f *simhome.Faults) { f.SecureMode = true })
		}, func(h *house) {
			h.pass(4 * time.Second)
			if err := h.d.TakeOver(context.Background(), "Kaillera P2P"); err != nil {
				t.Fatal(err)
			}
			h.pass(time.Second)
			h.want(row.code)
			if !deliveredTo(h, 27886, other) || h.reachableAt(27887, self) != row.elsewhere {
				t.Errorf("table %+v", h.Table())
			}
			steps := allWords(Ladder{Steps: h.port().Steps})
			if want := "Taking port 27886 over from " + other.String() + " did not work: "; !strings.Contains(steps, want) {
				t.Errorf("does not say %q: %s", want, steps)
			}
		})
	}
}

// TestTwoPortsDoNotTakeEachOthers: the next port is one that the settings want for another door.
func TestTwoPortsDoNotTakeEachOthers(t *testing.T) {
	s := displacedSettings()
	s.Ports = append(s.Ports, configs.Port{Name: "Next door", Port: 27887, ExternalPort: 27887, Transport: "udp", Game: "any"})
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.UPnP} {
		inHouseWith(t, s, taken(p), func(h *house) {
			h.pass(4 * time.Second)
			ports := h.d.Status().Ports
			if ports[0].Address != "11.77.0.2:27888" || ports[1].Address != "11.77.0.2:27887" {
				t.Errorf("by %s: %s and %s", p, ports[0].Address, ports[1].Address)
			}
		})
	}
}

// TestOldEntryWithoutALease: nothing ends it by itself, so nobody is told to wait.
func TestOldEntryWithoutALease(t *testing.T) {
	c := clues{port: 27886, address: "11.77.0.2:27887", holder: "192.168.1.24", gateway: "192.168.1.1"}
	if next := diagnose(OwnOldEntry, c).NextStep; !strings.Contains(next, "Delete it in the router at http://192.168.1.1") || strings.Contains(next, "until") {
		t.Error(next)
	}
	c.oldEnds = t0
	if next := diagnose(OwnOldEntry, c).NextStep; strings.Contains(next, "Delete") || !strings.Contains(next, "until "+t0.Local().Format("15:04")) {
		t.Error(next)
	}
}
