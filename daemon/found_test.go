package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// What the random weeks have found, each as short as it can be told.

// TestOldCheckStaysOldWhenTheClockIsSetBack: it passed at an address that is not ours any more.
func TestOldCheckStaysOldWhenTheClockIsSetBack(t *testing.T) {
	settings := fullSettings()
	settings.Checker.Automatic = false
	inHouseWith(t, settings, only(portmap.NATPMP), func(h *house) {
		h.pass(time.Minute)
		h.check(false)
		h.want(CodeReachable)
		h.Renumber(netip.MustParseAddr("11.77.0.33"))
		h.pass(time.Hour)
		h.want(CodeReady)
		h.skew.Store(-int64(30 * 24 * time.Hour))
		h.wake("clock")
		h.pass(time.Minute)
		h.want(CodeReady)
		if a := h.port().Address; a != "11.77.0.33:27886" {
			t.Errorf("address %s", a)
		}
	})
}

// TestRenewalIsReadFirst: the other PC has taken the port since the last read-back, and a renewal comes
// due: the router is not asked for a port that is somebody else's.
func TestRenewalIsReadFirst(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(30*time.Minute - time.Second)
		maps := h.Requests().Of(portmap.UPnP, simhome.OpMap)
		h.Take(other, portmap.UDP, 27886)
		h.pass(10 * time.Second)
		h.want(PortTaken)
		if n := h.Requests().Of(portmap.UPnP, simhome.OpMap) - maps; n != 0 {
			t.Errorf("%d attempts on another PC's entry", n)
		}
	})
}

// TestMappedAgainBeforeAnythingElse: a read-back shows that the entry is gone, and the question for the
// outer address is due as well: it waits.
func TestMappedAgainBeforeAnythingElse(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(10 * time.Minute)
		h.Reboot(false) // announced: everything is due at once
		h.pass(5 * time.Second)
		var asked []simhome.Op
		for _, r := range h.Requests().Recent {
			if r.At.Sub(h.d.Status().Started) >= 10*time.Minute {
				asked = append(asked, r.Op)
			}
		}
		if len(asked) < 2 || asked[0] != simhome.OpRead || asked[1] != simhome.OpMap {
			t.Errorf("asked %v", asked)
		}
	})
}

// TestCheckThatMetAChange: it was begun before the mapping was there, and knocked through it.
func TestCheckThatMetAChange(t *testing.T) {
	s := &story{state: newState(fullSettings(), Memory{}, t0), now: t0}
	s.open(portmap.NATPMP).after(time.Second)
	p := &s.ports[0]
	p.check.id, p.check.running = 1, true
	s.learnCheck(1, known(checkResult{answer: checker.Answer{Reachable: true}, standIn: true, knocked: s.now}, s.now))
	if last, counts := p.outside(); !counts || !last.mapped {
		t.Errorf("counts: %t, through our mapping: %t", counts, last.mapped)
	}
	p.check.running = true
	s.after(time.Second).addressChanged(s.now)
	s.learnCheck(1, known(checkResult{answer: checker.Answer{Reachable: true}, standIn: true, knocked: s.now.Add(-time.Millisecond)}, s.now))
	if _, counts := p.outside(); counts {
		t.Error("it has knocked before the change")
	}
}

// TestMatchThroughTheOtherPortGoesOn: we were killed while another PC held the port and ours was open
// under another number; a game hosts through that one when we come back.
func TestMatchThroughTheOtherPortGoesOn(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		for _, free := range []bool{false, true} {
			inHouseWith(t, displacedSettings(), func(h *house) {
				taken(p)(h)
				h.Take(other, portmap.UDP, 27887)
			}, func(h *house) {
				h.pass(time.Minute)
				h.want(OtherExternalPort)
				h.kill()
				h.Release(portmap.UDP, 27887)
				if free {
					h.Release(portmap.UDP, 27886)
				}
				h.hosting = true
				h.start(displacedSettings())
				for range 30 * 60 {
					h.pass(time.Second)
					if !h.reachableAt(27888, self) {
						t.Errorf("%s: the match is over after %s: %+v", p, time.Since(h.d.Status().Started), h.Table())
						return
					}
				}
				h.want(OtherExternalPort)
				h.mu.Lock()
				h.hosting = false
				h.mu.Unlock()
				h.pass(12 * time.Minute)
				if free {
					h.want(CodeReady)
					h.leaves(0)
				}
			})
		}
	}
}

// TestLeftoverUnderAGame: the settings name another external port by now, and somebody plays through the
// old one: its entry goes when the game is over.
func TestLeftoverUnderAGame(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		h.kill()
		h.hosting = true
		changed := testSettings()
		changed.Ports[0].ExternalPort = 30000
		h.start(changed)
		h.pass(10 * time.Minute)
		h.wantOpen(true)
		h.mu.Lock()
		h.hosting = false
		h.mu.Unlock()
		h.pass(2 * time.Minute)
		h.wantOpen(false)
		h.leaves(0)
	})
}

// TestEntryThatOutlivedItsLease: the router's mapping service was dead when the lease ended, and keeps
// the entry as a permanent one: it is ours, not one made by hand.
func TestEntryThatOutlivedItsLease(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		inHouse(t, only(p, portmap.UPnP), func(h *house) {
			h.pass(10 * time.Minute)
			h.Crash()
			h.pass(2 * time.Hour)
			h.Return()
			h.pass(2 * time.Minute)
			h.want(CodeReady)
			if m := h.port().Mapping; m == nil || m.Owner != "ours" {
				t.Errorf("mapping %+v", m)
			}
			h.Reboot(true)
			h.pass(65 * time.Second)
			h.wantOpen(true)
			h.leaves(0)
		})
	}
}

// TestHandMadeForwardIsReadAgainAfterAbsence: whether the router still has it is not known before.
func TestHandMadeForwardIsReadAgainAfterAbsence(t *testing.T) {
	for off := time.Duration(0); off < time.Minute; off += 7 * time.Second {
		inHouse(t, func(h *house) {
			only(portmap.UPnP)(h)
			h.Forward(portmap.UDP, 27886, netip.AddrPortFrom(self, 27886), false)
		}, func(h *house) {
			h.deaf.Store(true)
			h.pass(10*time.Minute + off)
			if m := h.port().Mapping; m == nil || m.Owner != "manual" {
				t.Errorf("mapping %+v", m)
			}
			found := h.Requests().Of(portmap.UPnP, simhome.OpDescribe)
			h.Unforward(portmap.UDP, 27886)
			h.Reboot(true)
			for h.Requests().Of(portmap.UPnP, simhome.OpDescribe) == found {
				h.pass(100 * time.Millisecond)
			}
			h.pass(time.Second)
			h.want(CodeReady)
			h.wantOpen(true) // by an entry of ours
			h.leaves(0)
		})
	}
}

// TestCheckerSeesAnotherAddress: a check fails because the internet sees us elsewhere; that is found out,
// and when it is over the old check does not count.
func TestCheckerSeesAnotherAddress(t *testing.T) {
	settings := fullSettings()
	settings.Checker.Automatic = false
	inHouseWith(t, settings, only(portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		h.SetPublic(netip.MustParseAddr("11.77.0.99"))
		h.check(false)
		h.want(PublicAddressDiffers)
		h.SetPublic(outside)
		h.pass(31 * time.Minute)
		h.want(CodeReady)
	})
}

// TestCheckAtAnAddressThatIsGone: it came in, and the next look at the internet sees another address.
func TestCheckAtAnAddressThatIsGone(t *testing.T) {
	s := &story{state: newState(fullSettings(), Memory{}, t0), now: t0}
	s.open(portmap.NATPMP).after(time.Second)
	p := &s.ports[0]
	p.check.id, p.check.running = 1, true
	there := netip.MustParseAddrPort("11.77.0.99:27886")
	s.learnCheck(1, known(checkResult{answer: checker.Answer{Reachable: true, Address: there}, standIn: true, mapped: true}, s.now))
	if s.public.stunDue.After(s.now) {
		t.Error("nobody is asked which address it is")
	}
	s.after(time.Second).internet("11.77.0.2", "11.77.0.2")
	if _, counts := p.outside(); counts {
		t.Error("it still counts")
	}
}

// TestRefreshHeedsANo: the router says no to a renewal, and for how long that holds; the refreshes that
// tell the outer address of a router which speaks PCP alone wait as long, and then it is open again.
func TestRefreshHeedsANo(t *testing.T) {
	inHouse(t, only(portmap.PCP), func(h *house) {
		h.pass(29*time.Minute + 30*time.Second)
		h.Configure(func(f *simhome.Faults) { f.Deny = true })
		maps := h.Requests().Of(portmap.PCP, simhome.OpMap)
		h.pass(20 * time.Minute)
		h.atMost(1, h.Requests().Of(portmap.PCP, simhome.OpMap)-maps, "renewals that are refused")
		h.Configure(func(f *simhome.Faults) { f.Deny = false })
		h.pass(12 * time.Minute)
		h.want(CodeReady)
		if n := h.Requests().Of(portmap.PCP, simhome.OpMap) - maps; n < 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestFailedCheckIsMadeAgain: nobody asks, and what was wrong is over.
func TestFailedCheckIsMadeAgain(t *testing.T) {
	inHouseWith(t, fullSettings(), faulty(func(f *simhome.Faults) { f.NotForwarding = true }), func(h *house) {
		h.pass(time.Minute)
		h.want(NotForwarding)
		h.Configure(func(f *simhome.Faults) { f.NotForwarding = false })
		h.pass(6*time.Hour + time.Minute)
		h.want(CodeReachable)
	})
}
