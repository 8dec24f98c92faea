package daemon

import (
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// What a router is like is found out once: after a restart it costs neither a refused request nor a
// wrong promise.

// again kills the Daemon and starts it anew, in the same home.
func (h *house) again() {
	h.kill()
	h.pass(5 * time.Second)
	h.start(displacedSettings())
}

func TestQuirkMemoryPermanentLeases(t *testing.T) {
	for name, change := range map[string]func(*simhome.Faults){
		"725": func(f *simhome.Faults) { f.OnlyPermanent = true },
		"402": func(f *simhome.Faults) { f.RefuseFinite402 = true },
	} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, displacedSettings(), faulty(change, portmap.UPnP), func(h *house) {
				h.pass(time.Minute)
				before := h.Requests().Of(portmap.UPnP, simhome.OpMap)
				h.again()
				h.pass(time.Minute)
				h.want(CodeReady)
				if n := h.Requests().Of(portmap.UPnP, simhome.OpMap) - before; n != 1 {
					t.Errorf("%d mapping requests the second time, want 1", n)
				}
				h.leaves(0)
			})
		})
	}
}

// TestQuirkMemoryOfAnotherRouter: the router has been replaced, and the new one has the same address
// and tells no hardware address: its unique device name is another one.
func TestQuirkMemoryOfAnotherRouter(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.OnlyPermanent = true }, portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		h.kill()
		h.Home = simhome.New(simhome.Options{Gateway: gateway, Self: self, Public: outside, UDN: "uuid:another-box"})
		only(portmap.UPnP)(h)
		h.memory.Routers[0].Slow, h.memory.Routers[0].Gentle = true, true
		h.start(testSettings())
		h.pass(time.Minute)
		h.want(CodeReady)
		if m := h.port().Mapping; m == nil || m.Expires == nil {
			t.Errorf("a permanent entry at a router that takes leases: %+v", m)
		}
		if r := h.kept().Routers[0]; r.Permanent || r.Slow || r.Gentle || r.UDN != "uuid:another-box" {
			t.Errorf("remembered: %+v", r)
		}
	})
}

func TestQuirkMemorySlowSearch(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.SSDPDelay = 7 * time.Second }, portmap.UPnP), func(h *house) {
		h.pass(30 * time.Second)
		h.want(CodeReady) // by the second search, which is a slow one
		h.PowerOff()
		h.PowerOn(true) // the URL that is known is of no use any more
		h.again()
		h.pass(8 * time.Second)
		h.want(CodeReady)
	})
}

func TestQuirkMemoryHurriedRequests(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.ResetOnParallel, f.ResetWithin = true, 200*time.Millisecond }, portmap.UPnP), func(h *house) {
		h.pass(10 * time.Second)
		h.want(CodeReady)
		h.again()
		h.pass(time.Second)
		h.want(CodeReady)
	})
}

// TestQuirkMemoryForgets: a router that keeps nothing is not believed the second time, and forgiven
// when it has mended its ways.
func TestQuirkMemoryForgets(t *testing.T) {
	inHouse(t, faulty(func(f *simhome.Faults) { f.KeepsFor = 5 * time.Second }, portmap.UPnP), func(h *house) {
		h.pass(30 * time.Second)
		h.want(NotKept)
		h.again()
		lines := len(h.events())
		h.pass(30 * time.Second)
		h.want(NotKept)
		for _, e := range h.events()[lines:] {
			if e.Code == CodeReady {
				t.Errorf("said %q", e.Text)
			}
		}
		h.Configure(func(f *simhome.Faults) { f.KeepsFor = 0 })
		h.again()
		h.pass(15 * time.Second)
		h.want(CodeReady)
		if h.kept().Routers[0].Forgets {
			t.Error("still called forgetful")
		}
	})
}
