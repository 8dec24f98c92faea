package daemon

import (
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestLeaseEndsUnderACheck: the router is silent when the lease ends, and by its clock that is two
// seconds later. What comes in meanwhile is no forward made by hand.
func TestLeaseEndsUnderACheck(t *testing.T) {
	for name, speaks := range map[string]func(*house){"NAT-PMP alone": only(portmap.NATPMP), "all protocols": nil} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // who falls silent first is drawn
				leaseEnds(t, speaks)
			}
		})
	}
}

func leaseEnds(t *testing.T, speaks func(*house)) {
	inHouseWith(t, fullSettings(), speaks, func(h *house) {
		h.deaf.Store(true)
		h.pass(10 * time.Minute)
		h.want(CodeReachable)
		h.skew.Add(int64(2 * time.Second))
		h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = simhome.Silent, simhome.Silent, simhome.Silent })
		h.pass(49*time.Minute + 59*time.Second)
		for range 30 {
			h.pass(10 * time.Second)
			if p := h.port(); p.open() && !h.reachable() {
				t.Errorf("%s: %s; mapping %+v", time.Since(h.d.Status().Started), p.Headline, p.Mapping)
			}
		}
	})
}
