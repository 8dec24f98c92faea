package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/configs"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

var (
	landlord  = netip.MustParseAddr("192.168.0.1")
	outerHere = netip.MustParseAddr("192.168.0.7")
)

// doubleNAT puts a second router in front of the house's.
func doubleNAT(change func(*simhome.Home)) func(*house) {
	return func(h *house) {
		h.above = simhome.New(simhome.Options{Gateway: landlord, Self: outerHere, Public: outside})
		h.Behind(h.above, outerHere)
		if change != nil {
			change(h.above)
		}
	}
}

func upstreamSettings() configs.Settings {
	s := checkSettings()
	s.Router.Upstream = true
	return s
}

func TestUpstreamIsLeftAloneUnlessAllowed(t *testing.T) {
	inHouseWith(t, checkSettings(), doubleNAT(nil), func(h *house) {
		h.pass(30 * time.Second)
		h.want(DoubleNAT)
		if n := h.above.Requests().Total(); n != 0 {
			t.Errorf("%d requests to somebody's router", n)
		}
		if next := h.port().NextStep; !strings.Contains(next, "http://192.168.0.1") || !strings.Contains(next, "upstream = true") {
			t.Errorf("next step: %s", next)
		}
	})
}

func TestUpstream(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouseWith(t, upstreamSettings(), doubleNAT(func(above *simhome.Home) {
				above.Configure(func(f *simhome.Faults) {
					f.PCP = simhome.Off
					if p == portmap.NATPMP {
						f.UPnP = simhome.Off
					} else {
						f.PMP = simhome.Off
					}
				})
			}), func(h *house) {
				h.pass(5 * time.Second)
				h.want(CodeReachable)
				h.wantOpen(true)
				m := h.port().Mapping
				if m.Upstream == nil || m.Upstream.Gateway != landlord || m.Upstream.External != "11.77.0.2:27886" || m.Upstream.Protocol != string(p) {
					t.Errorf("upstream %+v", m.Upstream)
				}
				if a := h.port().Address; a != "11.77.0.2:27886" {
					t.Errorf("address %s", a)
				}
				h.pass(3 * time.Hour) // both leases have to be renewed
				h.wantOpen(true)
				h.stop()
				if len(h.Table()) != 0 || len(h.above.Table()) != 0 {
					t.Errorf("left behind: %+v and %+v", h.Table(), h.above.Table())
				}
			})
		})
	}
}

func TestUpstreamReboots(t *testing.T) {
	inHouseWith(t, upstreamSettings(), doubleNAT(nil), func(h *house) {
		h.pass(10 * time.Minute)
		h.wantOpen(true)
		h.above.Reboot(false)
		h.wantOpen(false)
		h.pass(25 * time.Second)
		h.wantOpen(true)
	})
}

func TestUpstreamRefuses(t *testing.T) {
	inHouseWith(t, upstreamSettings(), doubleNAT(func(above *simhome.Home) {
		above.Configure(func(f *simhome.Faults) { f.Deny = true })
	}), func(h *house) {
		h.pass(30 * time.Second)
		h.want(DoubleNAT)
		words := allWords(Ladder{Diagnosis: Diagnosis{NextStep: h.port().NextStep}, Steps: h.port().Steps})
		if !strings.Contains(words, "Log in at http://192.168.0.1") || !strings.Contains(words, "Not Authorized") {
			t.Errorf("says: %s", words)
		}
		h.pass(time.Hour)
		if n := h.above.Requests().Total(); n > 300 {
			t.Errorf("%d requests in an hour to a router that refuses", n)
		}
	})
}

// TestUpstreamPortOfAnother: the second router's entry is somebody else's, and stays so.
func TestUpstreamPortOfAnother(t *testing.T) {
	inHouseWith(t, upstreamSettings(), doubleNAT(func(above *simhome.Home) {
		above.Configure(func(f *simhome.Faults) { f.PCP, f.PMP = simhome.Off, simhome.Off })
		above.Take(netip.MustParseAddr("192.168.0.20"), portmap.UDP, 27886)
	}), func(h *house) {
		h.pass(30 * time.Second)
		h.want(DoubleNAT)
		if table := h.above.Table(); len(table) != 1 || table[0].Internal.Addr() == outerHere {
			t.Errorf("table %+v", table)
		}
	})
}
