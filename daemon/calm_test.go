package daemon

import (
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// A router that will not change its mind is tried again and again; the history tells its verdict once.

// TestRunnerUpWritesDownAnotherHostCalmly: the grant is for us and the entry leads elsewhere.
func TestRunnerUpWritesDownAnotherHostCalmly(t *testing.T) {
	inHouseWith(t, displacedSettings(), faulty(func(f *simhome.Faults) { f.StoredHost = other }, portmap.UPnP), func(h *house) {
		h.pass(4 * time.Second)
		h.want(WrongLocalAddress)
		h.calm(26 * time.Hour)
		h.want(WrongLocalAddress)
	})
}

// TestQuirk03VerdictStays: it does not become "ready" while the repair and the next check run, and the
// history does not say that the port was open again.
func TestQuirk03VerdictStays(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouseWith(t, fullSettings(), faulty(func(f *simhome.Faults) { f.NotForwarding = true }, p), func(h *house) {
				h.pass(time.Minute)
				h.want(NotForwarding)
				h.calm(26 * time.Hour)
				h.want(NotForwarding)
			})
		})
	}
}
