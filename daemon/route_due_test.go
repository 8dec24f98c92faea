package daemon

import (
	"net/netip"
	"testing"
	"time"
)

// TestRouteIsReadSparingly: at rest the system's routes are read twice a minute at most, but at once
// when the system tells of a change, and within a minute or so when it does not.
func TestRouteIsReadSparingly(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Minute)
		h.wantOpen(true)
		before := h.routeReads.Load()
		h.pass(time.Hour)
		if n := h.routeReads.Load() - before; n > 120 {
			t.Errorf("the routes were read %d times in an hour", n)
		}
		before = h.routeReads.Load()
		h.d.wake("test")
		h.pass(0)
		if h.routeReads.Load() == before {
			t.Error("the network changed, and the routes were not read")
		}
		other := home
		other.Route.Gateway = netip.MustParseAddr("192.168.1.254")
		h.mu.Lock()
		h.report = other // of which the system says nothing
		h.mu.Unlock()
		h.pass(61 * time.Second)
		if r := h.d.Status().Route; r == nil || r.Gateway != other.Route.Gateway {
			t.Errorf("another way out was not seen: %+v", r)
		}
	})
}
