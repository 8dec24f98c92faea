package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestQuirk15HurriedRequests: the router drops what overlaps or follows within 200 ms.
func TestQuirk15HurriedRequests(t *testing.T) {
	inHouseWith(t, displacedSettings(), only(portmap.UPnP), func(h *house) {
		h.pass(5 * time.Second)
		h.Configure(func(f *simhome.Faults) { f.ResetOnParallel, f.ResetWithin = true, 200*time.Millisecond })
		h.calm(3 * time.Hour)
		h.want(CodeReady)
		if gap := h.Requests().Closest(portmap.UPnP); gap == 0 {
			t.Error("two requests in one moment")
		}
		h.leaves(0)
	})
}

// TestRunnerUpOtherPortIsNoSuccess: NAT-PMP gives 27887 for 27886 (geth#26321). Where the settings
// want no other port it is given back.
func TestRunnerUpOtherPortIsNoSuccess(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		t.Run(string(p), func(t *testing.T) {
			inHouse(t, taken(p), func(h *house) {
				h.pass(4 * time.Second)
				h.want(PortTaken)
				if h.reachableAt(27887, self) || len(h.Table()) != 1 {
					t.Errorf("table %+v, want the other PC's entry alone", h.Table())
				}
				h.calm(2 * time.Hour)
				h.atMost(15, h.Requests().Of(p, simhome.OpMap), "mapping requests in two hours")
				h.Release(portmap.UDP, 27886)
				h.pass(10*time.Minute + 5*time.Second)
				h.want(CodeReady)
				h.leaves(0)
			})
		})
	}
}

// TestRunnerUpStrictNonce: a PCP renewal needs the first nonce, also after a crash.
func TestRunnerUpStrictNonce(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.NonceStrict = true }, portmap.PCP), func(h *house) {
		h.pass(time.Minute)
		h.kill()
		h.start(testSettings())
		h.pass(time.Second)
		h.calm(2 * time.Hour)
		h.want(CodeReady)
		h.wantOpen(true)
		h.leaves(0)
	})
}

// TestRunnerUpEarlyRenewal: a renewal before half of the lease is refused (Open.NAT#14).
func TestRunnerUpEarlyRenewal(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.EarlyRenewal718 = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.calm(5 * time.Hour)
		h.want(CodeReady)
		h.wantOpen(true)
		h.leaves(0)
	})
}

// TestRunnerUpConflictByHand: 729 is said for a port that was forwarded by hand to another PC, which
// the table lists or not (Open.NAT#70).
func TestRunnerUpConflictByHand(t *testing.T) {
	for name, p := range map[string]portmap.Protocol{"refused": portmap.PCP, "read": portmap.UPnP} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, displacedSettings(), func(h *house) {
				faulty(func(f *simhome.Faults) { f.ManualIs729, f.RefuseConflict = true, true }, p)(h)
				h.Forward(portmap.UDP, 27886, netip.AddrPortFrom(other, 27886), false)
			}, func(h *house) {
				h.pass(4 * time.Second)
				h.want(OtherExternalPort)
				h.pass(time.Hour)
				if !deliveredTo(h, 27886, other) || !h.reachableAt(27887, self) {
					t.Errorf("table %+v", h.Table())
				}
				h.leaves(1)
			})
		})
	}
}

// TestRunnerUpStrangeRefusals: codes that have no cure, such as 727 (libtorrent) and 732.
func TestRunnerUpStrangeRefusals(t *testing.T) {
	for _, code := range []int{727, 732, 799} {
		inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.Codes.UPnP = code }, portmap.UPnP), func(h *house) {
			h.pass(4 * time.Second)
			h.want(MappingRefused)
			h.calm(2 * time.Hour)
			h.atMost(20, h.Requests().Of(portmap.UPnP, simhome.OpMap), "mapping requests in two hours")
		})
	}
}

// TestRunnerUpReadBackThatTellsLittle: no read-back at all, an empty lease, every entry switched off.
func TestRunnerUpReadBackThatTellsLittle(t *testing.T) {
	for name, change := range map[string]func(*simhome.Faults){
		"none":         func(f *simhome.Faults) { f.NoReadBack = true },
		"empty lease":  func(f *simhome.Faults) { f.EmptyLease = true },
		"switched off": func(f *simhome.Faults) { f.EnabledLies = true },
	} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, displacedSettings(), faulty(change, portmap.UPnP), func(h *house) {
				h.pass(time.Second)
				h.want(CodeReady)
				h.calm(5 * time.Hour)
				h.atMost(11, h.Requests().Of(portmap.UPnP, simhome.OpMap), "mapping requests in five hours")
				h.wantOpen(true)
				h.leaves(0)
			})
		})
	}
}

// TestRunnerUpWritesDownAnotherHost: the grant is for us and the entry leads elsewhere.
func TestRunnerUpWritesDownAnotherHost(t *testing.T) {
	inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.StoredHost = other }, portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		h.want(WrongLocalAddress)
		h.says(other.String())
		h.pass(2 * time.Hour)
		h.want(WrongLocalAddress)
	})
}

// TestRunnerUpWANDown: the router's own outer side is down (501, result 3, NO_RESOURCES). It is asked
// again, and no refusal of the past keeps the port shut for longer than the longest pause.
func TestRunnerUpWANDown(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouse(t, func(h *house) {
				only(p)(h)
				h.SetWAN(false)
			}, func(h *house) {
				h.pass(5 * time.Second)
				h.want(MappingRefused)
				h.calm(2 * time.Hour)
				h.SetWAN(true)
				h.pass(10*time.Minute + 5*time.Second)
				h.want(CodeReady)
				h.wantOpen(true)
				h.leaves(0)
			})
		})
	}
}

// TestRunnerUpLossAndSlowness: every third datagram is lost, or each answer takes a second.
func TestRunnerUpLossAndSlowness(t *testing.T) {
	for name, change := range map[string]func(*simhome.Faults){
		"loss": func(f *simhome.Faults) { f.LossEvery = 3 },
		"slow": func(f *simhome.Faults) { f.Slow = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
				inHouse(t, faulty(change, p), func(h *house) {
					h.pass(10 * time.Second)
					h.want(CodeReady)
					verdicts := h.verdicts()
					h.pass(3 * time.Hour)
					h.atMost(0, h.verdicts()-verdicts, "changes of verdict")
					h.leaves(0)
				})
			}
		})
	}
}
