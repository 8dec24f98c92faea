package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// landlordSpeaks puts a second router in front that speaks one protocol.
func landlordSpeaks(p portmap.Protocol, change func(*simhome.Faults)) func(*house) {
	return doubleNAT(func(above *simhome.Home) {
		above.Configure(func(f *simhome.Faults) {
			f.PCP, f.PMP, f.UPnP = simhome.Off, simhome.Off, simhome.Off
			if p == portmap.UPnP {
				f.UPnP = simhome.Answers
			} else {
				f.PMP = simhome.Answers
			}
			if change != nil {
				change(f)
			}
		})
	})
}

func (h *house) wantAbove(entries int) {
	h.t.Helper()
	if table := h.above.Table(); len(table) != entries {
		h.t.Errorf("the second router holds %+v, want %d entries", table, entries)
	}
}

// TestUpstreamPermanentEntryAfterACrash: nobody else would ever take it out.
func TestUpstreamPermanentEntryAfterACrash(t *testing.T) {
	permanent := func(f *simhome.Faults) { f.OnlyPermanent = true }
	inHouseWith(t, upstreamSettings(), landlordSpeaks(portmap.UPnP, permanent), func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReachable)
		h.kill()
		h.start(upstreamSettings())
		h.pass(time.Minute)
		h.wantOpen(true)
		h.wantAbove(1)
		h.kill()
		other := upstreamSettings()
		other.Ports[0].Port, other.Ports[0].ExternalPort = 27900, 27900
		h.start(other)
		h.pass(time.Minute)
		if table := h.above.Table(); len(table) != 1 || table[0].External != 27900 {
			t.Errorf("the second router holds %+v, want the new port alone", table)
		}
		h.leaves(0)
		h.wantAbove(0)
	})
}

// TestUpstreamAfterANewOuterAddress: our router got another address on the second one's LAN; the entry
// there leads to the former one, and is ours.
func TestUpstreamAfterANewOuterAddress(t *testing.T) {
	for _, crash := range []bool{false, true} {
		inHouseWith(t, upstreamSettings(), landlordSpeaks(portmap.UPnP, func(f *simhome.Faults) { f.OnlyPermanent = true }), func(h *house) {
			h.pass(time.Minute)
			if crash {
				h.kill()
			}
			h.Behind(h.above, netip.MustParseAddr("192.168.0.8"))
			if crash {
				h.start(upstreamSettings())
			}
			h.pass(70 * time.Second)
			h.wantOpen(true)
			h.wantAbove(1)
			h.leaves(0)
			h.wantAbove(0)
		})
	}
}

// TestUpstreamEntryIsReadBack: also a permanent one, and also under the eyes of somebody else.
func TestUpstreamEntryIsReadBack(t *testing.T) {
	for name, change := range map[string]func(*simhome.Faults){
		"leased": nil, "permanent": func(f *simhome.Faults) { f.OnlyPermanent = true },
	} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, upstreamSettings(), landlordSpeaks(portmap.UPnP, change), func(h *house) {
				h.pass(10 * time.Minute)
				h.above.Flush()
				h.pass(65 * time.Second)
				h.wantOpen(true)
				before := h.above.Requests().Total()
				h.pass(time.Hour)
				h.atMost(300, h.above.Requests().Total()-before, "requests to the second router in an hour")
				h.above.Flush()
				h.above.Take(netip.MustParseAddr("192.168.0.20"), portmap.UDP, 27886)
				h.pass(65 * time.Second)
				h.want(DoubleNAT)
				h.pass(time.Hour)
				if table := h.above.Table(); len(table) != 1 || table[0].Internal.Addr() == outerHere {
					t.Errorf("fought over: %+v", table)
				}
				h.above.Release(portmap.UDP, 27886)
				h.pass(10*time.Minute + 5*time.Second)
				h.wantOpen(true)
			})
		})
	}
}

// TestUpstreamIsTakenBack: a port leaves the settings, a protocol does, or all of it is switched off.
func TestUpstreamIsTakenBack(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.NATPMP, portmap.UPnP} {
		for name, change := range map[string]func(*house){
			"the port":     func(h *house) { s := upstreamSettings(); s.Ports = s.Ports[1:]; h.d.Configure(s, nil) },
			"the setting":  func(h *house) { h.d.Configure(checkSettings(), nil) },
			"the protocol": func(h *house) { s := upstreamSettings(); s.Router.Protocols = []string{"pcp"}; h.d.Configure(s, nil) },
			"the program":  func(h *house) { h.stop() },
		} {
			t.Run(string(p)+", "+name, func(t *testing.T) {
				inHouseWith(t, upstreamSettings(), landlordSpeaks(p, nil), func(h *house) {
					h.pass(time.Minute)
					h.wantAbove(1)
					change(h)
					h.pass(5 * time.Second)
					h.wantAbove(0)
					for _, e := range h.kept().Entries {
						if e.Upstream {
							t.Errorf("still on the books: %+v", e)
						}
					}
				})
			})
		}
	}
}

// TestUpstreamEntryAndOurOwnAreTwo: both routers hold port 27886, and the books tell them apart.
func TestUpstreamEntryAndOurOwnAreTwo(t *testing.T) {
	inHouseWith(t, upstreamSettings(), landlordSpeaks(portmap.UPnP, nil), func(h *house) {
		h.pass(time.Minute)
		own := h.kept().Entries
		if len(own) != 2 || own[0].Upstream == own[1].Upstream {
			t.Errorf("on the books: %+v", own)
		}
		h.leaves(0)
	})
}
