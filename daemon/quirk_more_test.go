package daemon

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestQuirk07LeaseRefused402: 402 may mean "no lease that ends", "no lease that does not" and "full".
func TestQuirk07LeaseRefused402(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.RefusePermanent402 = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.want(CodeReady)
		h.calm(3 * time.Hour)
		h.leaves(0)
	})
	inHouse(t, faulty(func(f *simhome.Faults) { f.Codes.UPnP = 402 }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.pass(4 * time.Second)
		h.want(MappingRefused)
		h.says("most likely because its table of open ports is full", "Restart the router")
		h.calm(time.Hour)
		// three leases a round, and the rounds become rare
		h.atMost(3*12, h.Requests().Of(portmap.UPnP, simhome.OpMap), "mapping requests in an hour of 402")
		h.Configure(func(f *simhome.Faults) { f.Codes.UPnP = 0 })
		h.pass(10*time.Minute + 5*time.Second)
		h.want(CodeReady)
	})
}

// TestQuirk07TableFull: no room, said plainly, until some other entry goes.
func TestQuirk07TableFull(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouseWith(t, displacedSettings(), func(h *house) {
				faulty(func(f *simhome.Faults) { f.Slots = 1 }, p)(h)
				h.Take(other, portmap.UDP, 40000)
			}, func(h *house) {
				h.pass(4 * time.Second)
				h.want(MappingRefused)
				h.says("table of open ports is full, so")
				h.calm(time.Hour)
				h.Release(portmap.UDP, 40000)
				h.pass(10*time.Minute + 5*time.Second)
				h.want(CodeReady)
				h.wantOpen(true)
				h.leaves(0)
			})
		})
	}
}

func TestQuirk08OuterAddress(t *testing.T) {
	for _, row := range []struct {
		outer string
		code  Code
		says  string
	}{
		{"192.168.0.10", DoubleNAT, "second router"},
		{"10.1.2.3", DoubleNAT, "second router"},
		{"172.16.0.9", DoubleNAT, "second router"},
		{"100.64.1.1", CarrierNAT, "No setting at home can change that"},
		{"100.127.9.9", CarrierNAT, "Ask your provider"},
		{"11.77.0.99", PublicAddressDiffers, "11.77.0.2"},
	} {
		t.Run(row.outer, func(t *testing.T) {
			inHouse(t, func(h *house) { h.SetOuter(netip.MustParseAddr(row.outer)) }, func(h *house) {
				h.pass(5 * time.Second)
				h.want(row.code)
				h.says(row.says)
				if a := h.port().Address; a != "" {
					t.Errorf("offers the address %s", a)
				}
				h.calm(3 * time.Hour)
				h.SetOuter(outside)
				h.pass(2 * time.Second)
				h.want(CodeReady)
				h.leaves(0)
			})
		})
	}
}

// TestQuirk08NoOuterAddress: the router knows none and refuses, with 501, result 3, NO_RESOURCES. It
// is asked again, not more often than any that refuses.
func TestQuirk08NoOuterAddress(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.NoOuter = true }), func(h *house) {
		h.pass(5 * time.Second)
		if h.port().Verdict == Ready {
			t.Errorf("ready: %s", h.port().Headline)
		}
		h.says("no public address itself")
		h.calm(2 * time.Hour)
		h.Configure(func(f *simhome.Faults) { f.NoOuter = false })
		h.pass(10*time.Minute + 5*time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
	})
}

// TestQuirk09SlowDiscovery: a router whose UPnP was not found gets more time at the second search.
func TestQuirk09SlowDiscovery(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.SSDPDelay = 7 * time.Second }, portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		h.want(NoRouterAnswer)
		if slow := h.d.state.router.rounds == 1; !slow { // what startSearch takes SearchOrder.Slow from
			t.Errorf("%d searches have ended", h.d.state.router.rounds)
		}
		h.Configure(func(f *simhome.Faults) { f.SSDPDelay = 2 * time.Second })
		h.pass(15 * time.Second)
		h.want(CodeReady)
		h.calm(time.Hour)
	})
}

func TestQuirk11KindsOfGateway(t *testing.T) {
	for _, kind := range []simhome.IGD{simhome.IGDv1, simhome.IGDv2, simhome.IGDPPP, simhome.IGDDSLForum, simhome.IGDMixed, simhome.IGDTwo} {
		for _, says := range []bool{false, true} {
			t.Run(fmt.Sprintf("kind %d, says Up: %t", kind, says), func(t *testing.T) {
				inHouse(t, faulty(func(f *simhome.Faults) { f.IGD, f.SaysUp = kind, says }, portmap.UPnP), func(h *house) {
					h.pass(time.Second)
					h.want(CodeReady)
					h.Reboot(true)
					h.pass(65 * time.Second)
					h.want(CodeReady)
					h.leaves(0)
				})
			})
		}
	}
}

// TestQuirk13EqualPortsOnly: 27886 to 27886 is what such a router takes; it cannot evade to 27887.
func TestQuirk13EqualPortsOnly(t *testing.T) {
	inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.SamePortOnly = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Second)
		h.want(CodeReady)
		h.Flush()
		h.Take(other, portmap.UDP, 27886)
		h.pass(70 * time.Second)
		h.want(PortTaken)
		h.says(other.String())
		h.pass(2 * time.Hour)
		h.Release(portmap.UDP, 27886)
		h.pass(65 * time.Second)
		h.want(CodeReady)
		h.leaves(0)
	})
}

// TestQuirk13OneForEachInternalPort: while the mapping is elsewhere the configured port cannot be had
// beside it, so it has to be given back first, also after a crash.
func TestQuirk13OneForEachInternalPort(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash: %t", crash), func(t *testing.T) {
			inHouseWith(t, displacedSettings(), func(h *house) {
				faulty(func(f *simhome.Faults) { f.OneForEach = true }, portmap.UPnP)(h)
				h.Take(other, portmap.UDP, 27886)
			}, func(h *house) {
				h.pass(4 * time.Second)
				h.want(OtherExternalPort)
				if crash {
					h.kill()
				}
				h.Release(portmap.UDP, 27886)
				if crash {
					h.start(displacedSettings())
				}
				h.pass(70 * time.Second)
				h.want(CodeReady)
				h.wantOpen(true)
				h.calm(time.Hour)
				h.leaves(0)
			})
		})
	}
}

// TestQuirk14LeasesThatAreNotKept: the port is never shut for longer than one poll.
func TestQuirk14LeasesThatAreNotKept(t *testing.T) {
	for _, row := range []struct {
		name     string
		protocol portmap.Protocol
		change   func(*simhome.Faults)
		shut     time.Duration // at most, in a row
		hours    int
	}{
		{"shortened to 2 min", portmap.PCP, func(f *simhome.Faults) { f.LeaseMax = 2 * time.Minute }, 0, 3},
		{"shortened to 2 min", portmap.NATPMP, func(f *simhome.Faults) { f.LeaseMax = 2 * time.Minute }, 0, 3},
		{"lengthened to a day", portmap.NATPMP, func(f *simhome.Faults) { f.LeaseMin = 24 * time.Hour }, 0, 3},
		{"shortened to 10 min, not told", portmap.UPnP, func(f *simhome.Faults) { f.LeaseMax = 10 * time.Minute }, 65 * time.Second, 3},
		{"killed after 24 h", portmap.UPnP, func(f *simhome.Faults) { f.KilledAt24h = true }, 65 * time.Second, 26},
		{"table cleaned every 10 min", portmap.UPnP, func(f *simhome.Faults) { f.CleanEvery = 10 * time.Minute }, 65 * time.Second, 3},
	} {
		t.Run(fmt.Sprintf("%s, %s", row.protocol, row.name), func(t *testing.T) {
			inHouse(t, faulty(row.change, row.protocol), func(h *house) {
				h.pass(time.Second)
				requests, shut := h.Requests().Total(), time.Duration(0)
				for range row.hours * 60 * 12 {
					h.pass(5 * time.Second)
					if h.reachable() {
						shut = 0
					} else if shut += 5 * time.Second; shut > row.shut {
						t.Errorf("shut for %s after %s", shut, time.Since(h.d.Status().Started))
						return
					}
				}
				h.atMost(300*row.hours, h.Requests().Total()-requests, "requests")
				h.leaves(0)
			})
		})
	}
}
