package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/route"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// moveTo gives the PC another way out and tells the loop, as the system does.
func (h *house) moveTo(r route.Report, err error) {
	h.mu.Lock()
	h.report, h.routeErr = r, err
	h.mu.Unlock()
	h.wake("route changed")
}

func TestCablePulledAndPluggedIn(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Minute)
		h.moveTo(route.Report{}, route.ErrNoGateway)
		h.pass(time.Second)
		h.want(NoNetwork)
		h.moveTo(home, nil)
		h.pass(time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		if len(h.Table()) != 1 {
			t.Errorf("doubled: %+v", h.Table())
		}
	})
}

// TestRoutesThatCannotBeRead: not knowing the way out is not the knowledge that there is none.
func TestRoutesThatCannotBeRead(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Minute)
		h.moveTo(route.Report{}, errors.New("netlink: out of memory"))
		h.pass(10 * time.Minute)
		h.want(CodeReady)
		h.wantOpen(true)
		if n := h.Requests().Of(portmap.PCP, simhome.OpUnmap); n != 0 {
			t.Errorf("%d deletions for want of knowledge", n)
		}
	})
}

// TestNetworkChangeCallsAQuestionOff: the router is silent, the question hangs, and the way out
// changes: the loop does not wait for the old router.
func TestNetworkChangeCallsAQuestionOff(t *testing.T) {
	inHouse(t, only(portmap.NATPMP), func(h *house) {
		h.pass(19 * time.Second)
		h.Configure(func(f *simhome.Faults) { f.PMP = simhome.Silent })
		h.pass(30 * time.Second) // the poll is under way, or its search
		h.Configure(func(f *simhome.Faults) { f.PMP = simhome.Answers })
		moved := home
		moved.Route.Local = netip.MustParseAddr("192.168.1.24")
		h.SetSelf(moved.Route.Local)
		h.moveTo(moved, nil)
		h.pass(100 * time.Millisecond)
		if r := h.d.Status().Route; r.Local != moved.Route.Local {
			t.Errorf("still at %s", r.Local)
		}
	})
}

func TestSettingsChangeWhileRunning(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Second)
		h.wantOpen(true)
		changed := testSettings()
		changed.Ports = []configs.Port{{Name: "Other game", Port: 27900, ExternalPort: 27900, Transport: "tcp", Game: "any"}}
		h.d.Configure(changed, nil)
		h.pass(time.Second)
		h.wantOpen(false)
		if to, open := h.Deliver(portmap.TCP, 27900); !open || to.Port() != 27900 {
			t.Errorf("the new port is not open: %s %t", to, open)
		}
		if s := h.d.Status(); len(s.Ports) != 1 || s.Ports[0].Name != "Other game" || s.Ports[0].Code != CodeReady {
			t.Errorf("status %+v", s.Ports)
		}
	})
}

func TestWrongSettingsAreReportedAndTheOldStay(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Second)
		h.d.Configure(configs.Settings{}, errors.New("portsitter.toml line 7: port = 0 is not allowed"))
		h.pass(time.Second)
		h.wantOpen(true)
		if n := h.d.Status().Notices; len(n) != 1 || !strings.Contains(n[0], "line 7") {
			t.Errorf("notices %q", n)
		}
		h.d.Configure(testSettings(), nil)
		h.pass(time.Second)
		if n := h.d.Status().Notices; len(n) != 0 {
			t.Errorf("still says %q", n)
		}
	})
}

// manyPorts are the most that the settings allow.
func manyPorts() configs.Settings {
	s := testSettings()
	s.Ports = nil
	for i := range uint16(configs.MaxPorts) {
		s.Ports = append(s.Ports, configs.Port{Name: fmt.Sprint("port ", i), Port: 27886 + i, ExternalPort: 27886 + i, Transport: "udp", Game: "any"})
	}
	return s
}

func TestManyPorts(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouseWith(t, manyPorts(), only(p), func(h *house) {
				h.pass(500 * time.Millisecond)
				for _, port := range h.d.Status().Ports {
					if port.Code != CodeReady {
						t.Errorf("%s: %s", port.Name, port.Code)
					}
				}
				before := h.Requests().Total()
				h.pass(time.Hour)
				if n := h.Requests().Total() - before; n > 420 { // 300, and two renewals each
					t.Errorf("%d requests in an hour with %d ports", n, configs.MaxPorts)
				}
				h.stop()
				if table := h.Table(); len(table) != 0 {
					t.Errorf("%d entries left in the router", len(table))
				}
			})
		})
	}
}

func TestPublicAddressChanges(t *testing.T) {
	inHouse(t, only(portmap.NATPMP), func(h *house) {
		h.pass(time.Minute)
		h.Renumber(netip.MustParseAddr("11.77.0.33"))
		h.pass(25 * time.Second)
		if a := h.port().Address; a != "11.77.0.33:27886" {
			t.Errorf("address %s", a)
		}
		h.want(CodeReady)
		if !slices.ContainsFunc(h.events(), func(e Event) bool {
			return e.Kind == "address" && strings.Contains(e.Text, "changed from 11.77.0.2 to 11.77.0.33")
		}) {
			t.Errorf("history %+v", h.events())
		}
	})
}

// TestAwaitSeesEveryPublication: what the page's event stream rests on.
func TestAwaitSeesEveryPublication(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Second)
		first := h.d.Status()
		got := make(chan *Status, 1)
		go func() { got <- h.d.Await(context.Background(), first.Pass) }()
		h.pass(30 * time.Second)
		if s := <-got; s == nil || s.Pass != first.Pass+1 {
			t.Errorf("after %d came %+v", first.Pass, s)
		}
	})
}

// TestPublicNetwork: house rule 14. Nothing is opened on a network that Windows calls Public, and what
// was opened before that was known is taken back.
func TestPublicNetwork(t *testing.T) {
	inHouse(t, func(h *house) { h.category = route.PublicNetwork }, func(h *house) {
		h.pass(time.Minute)
		h.want(PublicNetwork)
		if n := h.Requests().Total(); n != 0 {
			t.Errorf("%d requests to a hotel's router", n)
		}
		set := func(c route.Category) {
			h.mu.Lock()
			h.category = c
			h.mu.Unlock()
			h.wake("network changed")
			h.pass(time.Second)
		}
		set(route.PrivateNetwork)
		h.want(CodeReady)
		h.wantOpen(true)
		set(route.PublicNetwork)
		h.want(PublicNetwork)
		h.wantOpen(false)
		allowed := testSettings()
		allowed.Network.PublicProfile = true
		h.d.Configure(allowed, nil)
		h.pass(time.Second)
		h.want(CodeReady)
	})
}
