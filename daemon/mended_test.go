package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestRunnerUpEarlyRenewalAfterACrash: our own entry answers 718 to a renewal that is early.
func TestRunnerUpEarlyRenewalAfterACrash(t *testing.T) {
	inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.EarlyRenewal718 = true }, portmap.UPnP), func(h *house) {
		h.pass(10 * time.Minute)
		h.kill()
		h.start(displacedSettings())
		h.pass(5 * time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		h.calm(2 * time.Hour)
		h.wantOpen(true)
		h.leaves(0)
	})
}

// TestQuirk15HurriedFromTheStart: the router drops what follows within 200 ms, from the first
// request on.
func TestQuirk15HurriedFromTheStart(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.ResetOnParallel, f.ResetWithin = true, 200*time.Millisecond }, portmap.UPnP), func(h *house) {
		h.pass(10 * time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		h.calm(time.Hour)
	})
}

// TestQuirk04BacksOff: a grant that is not kept does not make the pauses short again, and the
// verdict does not become ready at each of them.
func TestQuirk04BacksOff(t *testing.T) {
	rows := append(keepsNothing[:len(keepsNothing):len(keepsNothing)], struct {
		name   string
		change func(*house)
	}{"kept for 5 s", faulty(func(f *simhome.Faults) { f.KeepsFor = 5 * time.Second }, portmap.UPnP)})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, row.change, func(h *house) {
				h.pass(25 * time.Second)
				h.want(NotKept)
				h.calm(2 * time.Hour)
				h.atMost(20, h.Requests().Of(portmap.UPnP, simhome.OpMap), "mapping requests in two hours")
			})
		})
	}
}

// TestFirstHeadline: nothing has changed yet.
func TestFirstHeadline(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = simhome.Silent, simhome.Silent, simhome.Silent }), func(h *house) {
		h.pass(time.Second)
		if text := h.port().Headline; strings.Contains(text, "changed") {
			t.Error(text)
		}
	})
}

// TestBlindTryToMoveBackIsNoNews: a router whose table cannot be read, and the port still taken.
func TestBlindTryToMoveBackIsNoNews(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		inHouseWith(t, displacedSettings(), taken(p), func(h *house) {
			h.pass(5 * time.Second)
			h.want(OtherExternalPort)
			h.calm(2 * time.Hour)
		})
	}
}

// TestQuirk13EqualPortsOnlyCalmly: another port is tried every ten minutes, in vain.
func TestQuirk13EqualPortsOnlyCalmly(t *testing.T) {
	inHouseWith(t, displacedSettings(), func(h *house) {
		faulty(func(f *simhome.Faults) { f.SamePortOnly = true }, portmap.UPnP)(h)
		h.Take(other, portmap.UDP, 27886)
	}, func(h *house) {
		h.pass(5 * time.Second)
		h.want(PortTaken)
		h.calm(2 * time.Hour)
	})
}

// TestQuirk14LeaseReadBackIsUsed: the table tells how long the entry still lives, so it can be
// renewed before it ends, and the port need not be shut once per lease.
func TestQuirk14LeaseReadBackIsUsed(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.LeaseMax = 10 * time.Minute }, portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		for range 2 * 60 * 12 {
			h.pass(5 * time.Second)
			if !h.reachable() {
				t.Errorf("shut after %s", time.Since(h.d.Status().Started))
				return
			}
		}
		h.atMost(5, h.verdicts(), "lines")
	})
}

// TestRunnerUpRenewalLeadsElsewhere: tailscale#18348. Adding again after deleting helps; walking
// up the ports at each renewal does not.
func TestRunnerUpRenewalLeadsElsewhere(t *testing.T) {
	inHouseWith(t, displacedSettings(), func(h *house) {
		taken(portmap.UPnP)(h)
		h.Configure(func(f *simhome.Faults) { f.RenewMovesPort = true })
	}, func(h *house) {
		h.pass(5 * time.Hour)
		h.want(OtherExternalPort)
		if !h.reachableAt(27887, self) {
			t.Errorf("table %+v, address %s", h.Table(), h.port().Address)
		}
	})
}
