package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestACheckDoesNotOutliveTheRouter: it passed, and then the router lost its power.
func TestACheckDoesNotOutliveTheRouter(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		inHouseWith(t, fullSettings(), only(p), func(h *house) {
			h.pass(time.Minute)
			h.want(CodeReachable)
			h.PowerOff()
			h.pass(70 * time.Second)
			if v := h.port().Verdict; v == Reachable || v == Ready {
				t.Errorf("%s: %s, %s", p, v, h.port().Headline)
			}
			h.pass(10 * time.Minute)
			if v := h.port().Verdict; v == Reachable || v == Ready {
				t.Errorf("%s after ten minutes: %s, %s", p, v, h.port().Headline)
			}
		})
	}
}

// TestPCPAloneHearsANewOuterAddress: ANNOUNCE tells none, a renewal does; an announcement is the
// moment to renew.
func TestPCPAloneHearsANewOuterAddress(t *testing.T) {
	inHouse(t, only(portmap.PCP), func(h *house) {
		h.pass(10 * time.Minute)
		h.Renumber(netip.MustParseAddr("11.77.0.33"))
		h.pass(2 * time.Second)
		if a := h.port().Address; a != "11.77.0.33:27886" {
			t.Errorf("address %s", a)
		}
	})
}

// TestOneProtocolGoesAndTheOtherStays: the mapping's protocol is switched off in the router.
func TestOneProtocolGoesAndTheOtherStays(t *testing.T) {
	inHouse(t, only(portmap.NATPMP, portmap.UPnP), func(h *house) {
		h.pass(10*time.Minute + 10*time.Second)
		h.Configure(func(f *simhome.Faults) { f.PMP = simhome.Off })
		h.pass(time.Minute)
		h.want(CodeReady) // by UPnP
		h.wantOpen(true)
		h.Configure(func(f *simhome.Faults) { f.PMP = simhome.Answers })
		h.pass(10 * time.Minute)
		h.want(CodeReady)
		if n := len(h.d.Status().Router.Protocols); n != 2 {
			t.Errorf("%d protocols, want both again", n)
		}
	})
}

// TestClockSetBackAndTheRouterGone: nobody searches until the clock has come back to where it was.
func TestClockSetBackAndTheRouterGone(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.deaf.Store(true)
		h.pass(10 * time.Minute)
		h.skew.Store(-int64(365 * 24 * time.Hour))
		h.wake("clock")
		h.pass(time.Minute)
		h.Reboot(true)
		h.pass(65 * time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		before := h.d.Status().At
		h.skew.Add(-int64(365 * 24 * time.Hour))
		h.wake("clock")
		h.pass(5 * time.Minute)
		if at := h.d.Status().At; !at.Before(before) {
			t.Errorf("the status is not published anew: %s", at)
		}
	})
}

// TestOurOwnEntryIsNotMadeByHand: NAT-PMP's description is not ours, and the record goes with
// the lease although the router has kept the entry.
func TestOurOwnEntryIsNotMadeByHand(t *testing.T) {
	inHouse(t, only(portmap.NATPMP, portmap.UPnP), func(h *house) {
		h.pass(10 * time.Minute)
		h.Crash()
		h.pass(time.Minute)
		h.Configure(func(f *simhome.Faults) { f.PMP = simhome.Off })
		h.Return() // keeps the entry, permanent now
		h.pass(2 * time.Hour)
		if m := h.port().Mapping; m == nil || m.Owner != "ours" {
			t.Errorf("mapping %+v", m)
		}
		h.stop()
		h.wantOpen(false)
	})
}

// TestStopDeletesNoStranger: rule 12. The other PC has taken the port since the last read-back.
func TestStopDeletesNoStranger(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(10*time.Minute + 15*time.Second)
		h.Take(other, portmap.UDP, 27886)
		h.stop()
		if !deliveredTo(h, 27886, other) {
			t.Error("the other PC's entry was deleted")
		}
	})
}
