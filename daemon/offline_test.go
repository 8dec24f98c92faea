package daemon

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestRunnerUpWANDownIsSeen: the router's line to the provider is down for an hour. The status says so
// after one poll, and that it is back likewise.
func TestRunnerUpWANDownIsSeen(t *testing.T) {
	for _, row := range []struct {
		name   string
		speaks []portmap.Protocol
		poll   time.Duration
	}{
		{"pcp", []portmap.Protocol{portmap.PCP}, 65 * time.Second},
		{"pcp and upnp", []portmap.Protocol{portmap.PCP, portmap.UPnP}, 65 * time.Second},
		{"nat-pmp", []portmap.Protocol{portmap.NATPMP}, 25 * time.Second},
		{"upnp", []portmap.Protocol{portmap.UPnP}, 65 * time.Second},
		{"all", []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}, 25 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouseWith(t, fullSettings(), only(row.speaks...), func(h *house) {
				h.deaf.Store(true)
				h.pass(10 * time.Minute)
				h.want(CodeReachable)
				requests := h.Requests().Total()
				h.SetWAN(false)
				h.pass(row.poll)
				h.want(NoInternet)
				h.says("lost its connection to the internet")
				verdicts := h.verdicts()
				h.pass(3 * time.Hour) // the lease ends meanwhile, where a renewal is refused
				h.want(NoInternet)
				h.atMost(0, h.verdicts()-verdicts, "changes of verdict")
				h.atMost(3*300+30, h.Requests().Total()-requests, "requests in three hours")
				h.SetWAN(true)
				h.pass(row.poll)
				if p := h.port(); !p.open() {
					t.Errorf("%s: %s", p.Code, p.Headline)
				}
				h.wantOpen(true)
				h.leaves(0)
			})
		})
	}
}

// TestRunnerUpWANDownBeatsAnOldCheck: a forward made by hand was proven from outside, which says nothing
// about a line that is down now.
func TestRunnerUpWANDownBeatsAnOldCheck(t *testing.T) {
	inHouseWith(t, fullSettings(), func(h *house) {
		only(portmap.NATPMP)(h)
		h.Configure(func(f *simhome.Faults) { f.Deny = true })
		h.Forward(portmap.UDP, 27886, netip.AddrPortFrom(self, 27886), true)
	}, func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReachable)
		h.SetWAN(false)
		h.pass(25 * time.Second)
		h.want(NoInternet)
	})
}

// TestRunnerUpWANDownByOurOwnEyes: the router says that it has no address, and the internet sees us:
// then the router is wrong.
func TestRunnerUpWANDownByOurOwnEyes(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(10 * time.Minute)
		h.SetOuter(netip.IPv4Unspecified())
		h.pass(70 * time.Second)
		h.want(CodeReady)
	})
}

// TestRefusedRenewalIsNotOffline: a router that speaks PCP alone refuses renewals with NO_RESOURCES,
// which is what it says without an outer address, too. The internet sees us all the same.
func TestRefusedRenewalIsNotOffline(t *testing.T) {
	inHouse(t, only(portmap.PCP), func(h *house) {
		h.pass(10 * time.Minute)
		verdicts := h.verdicts()
		h.Configure(func(f *simhome.Faults) { f.Codes.PCP = 8 })
		h.pass(20 * time.Minute)
		h.want(CodeReady)
		h.wantOpen(true)
		h.atMost(0, h.verdicts()-verdicts, "changes of verdict")
	})
}

// TestWANDownAndAQuestionUnderWay: STUN was asked in the moment before the router said that its line is
// down, and has answered, or not.
func TestWANDownAndAQuestionUnderWay(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer Fact[netip.Addr]
	}{
		{"answered", known(outside, t0.Add(time.Minute-time.Millisecond))},
		{"not reached", failed[netip.Addr](errors.New("no answer"), t0.Add(time.Minute-time.Millisecond))},
	} {
		s := &story{state: newState(testSettings(), Memory{}, t0), now: t0}
		s.open(portmap.NATPMP).after(time.Minute)
		s.learnOuter(portmap.NATPMP, failed[portmap.Outer](&portmap.Refusal{Kind: portmap.NoOuterAddress}, s.now))
		s.learnPublic(publicAnswer{stun: row.answer}, s.now, 0.5)
		due := !s.public.stunDue.After(s.now)
		if row.answer.Known() != due || s.offline() != !row.answer.Known() {
			t.Errorf("%s: asked again at once: %t; offline: %t", row.name, due, s.offline())
		}
	}
}

// TestPCPAloneSeesANewOuterAddress: nothing is announced, and ANNOUNCE tells no address.
func TestPCPAloneSeesANewOuterAddress(t *testing.T) {
	for _, ps := range [][]portmap.Protocol{{portmap.PCP}, {portmap.PCP, portmap.UPnP}} {
		inHouse(t, only(ps...), func(h *house) {
			h.deaf.Store(true)
			h.pass(10 * time.Minute)
			saved := h.saves.Load()
			requests, maps := h.Requests().Total(), h.Requests().Of(portmap.PCP, simhome.OpMap)
			h.pass(time.Hour)
			h.atMost(300, h.Requests().Total()-requests, "requests in an hour")
			if len(ps) == 2 {
				h.atMost(3, h.Requests().Of(portmap.PCP, simhome.OpMap)-maps, "renewals although UPnP tells the address")
			}
			h.atMost(8, int(h.saves.Load()-saved), "writes to disk in an hour")
			h.Renumber(netip.MustParseAddr("11.77.0.33"))
			h.pass(65 * time.Second)
			if a := h.port().Address; a != "11.77.0.33:27886" {
				t.Errorf("address %s", a)
			}
			h.calm(time.Hour)
			if a := h.port().Address; a != "11.77.0.33:27886" {
				t.Errorf("an hour later: address %s", a)
			}
		})
	}
}
