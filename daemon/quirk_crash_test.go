package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// kill ends the Daemon as kill -9 does: nothing is taken out of the router, and the state file stays
// what it was. The router is not to be reached while the Daemon takes its leave.
func (h *house) kill() {
	h.t.Helper()
	faults, kept := h.Faults(), h.kept()
	h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = simhome.Off, simhome.Off, simhome.Off })
	h.stop()
	h.Configure(func(f *simhome.Faults) { *f = faults })
	h.memory = kept
}

// renumber gives this PC another address, as DHCP does.
func (h *house) renumber(to netip.Addr) {
	h.SetSelf(to)
	moved := h.report
	moved.Route.Local = to
	h.moveTo(moved, nil)
}

// TestCrashAndStart: the entry of the Daemon that died is taken over, not doubled, by whichever
// protocol, and taken away by the stop.
func TestCrashAndStart(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouse(t, only(p), func(h *house) {
				h.pass(10 * time.Minute)
				for range 3 {
					h.kill()
					h.start(testSettings())
					h.wantOpen(true)
					h.pass(time.Second)
					h.want(CodeReady)
					h.wantOpen(true)
					if len(h.Table()) != 1 {
						t.Errorf("doubled: %+v", h.Table())
					}
				}
				h.calm(time.Hour)
				h.leaves(0)
			})
		})
	}
}

// TestStartAfterTheLeaseHasEnded: a Daemon that was away for long claims nothing that is not its own
// any more.
func TestStartAfterTheLeaseHasEnded(t *testing.T) {
	inHouseWith(t, displacedSettings(), only(portmap.UPnP), func(h *house) {
		h.pass(time.Minute)
		h.kill()
		h.pass(2 * time.Hour)
		h.Take(other, portmap.UDP, 27886)
		h.start(displacedSettings())
		h.pass(4 * time.Second)
		h.want(OtherExternalPort)
		h.pass(time.Hour)
		if !deliveredTo(h, 27886, other) {
			t.Errorf("the other PC's entry is gone: %+v", h.Table())
		}
		h.leaves(1)
	})
}
