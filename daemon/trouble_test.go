package daemon

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// The PC itself makes trouble: its clock, its disk, its sleep.

func TestClockIsSet(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"back a year": -365 * 24 * time.Hour, "back an hour": -time.Hour, "forward a day": 24 * time.Hour, "forward a year": 365 * 24 * time.Hour,
	} {
		for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
			t.Run(name+" "+string(p), func(t *testing.T) {
				inHouseWith(t, checkSettings(), only(p), func(h *house) {
					h.deaf.Store(true)
					h.pass(10 * time.Minute)
					h.want(CodeReachable)
					h.skew.Store(int64(by))
					h.pass(2 * time.Minute)
					if v := h.port().Verdict; v != Ready && v != Reachable {
						t.Errorf("verdict %s (%s)", v, h.port().Headline)
					}
					h.wantOpen(true)
					h.Reboot(false) // is it still looked at?
					h.pass(65 * time.Second)
					h.wantOpen(true)
					h.pass(2 * time.Hour)
					h.wantOpen(true)
					h.Renumber(netip.MustParseAddr("11.77.0.33"))
					h.pass(65 * time.Second)
					if a := h.port().Address; a != "11.77.0.33:27886" {
						t.Errorf("address %s", a)
					}
				})
			})
		}
	}
}

// TestFullDisk: nothing can be written, and the port is kept open all the same.
func TestFullDisk(t *testing.T) {
	inHouse(t, func(h *house) { h.diskFull = true }, func(h *house) {
		h.pass(2 * time.Second)
		h.Renumber(netip.MustParseAddr("11.77.0.33"))
		h.pass(25 * time.Second) // the history has found room for that
		h.want(CodeReady)
		if n := h.d.Status().Notices; len(n) != 1 || !strings.Contains(n[0], "no space left") {
			t.Errorf("notices %q", n)
		}
		h.mu.Lock()
		h.diskFull = false
		h.mu.Unlock()
		h.pass(31 * time.Minute) // the next renewal is recorded
		if n := h.d.Status().Notices; len(n) != 0 {
			t.Errorf("still says %q", n)
		}
		if len(h.kept().Entries) != 1 {
			t.Errorf("recorded: %+v", h.kept().Entries)
		}
	})
}

// TestAsleep: the PC sleeps for hours, its lease ends meanwhile, and it wakes up.
func TestAsleep(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(10 * time.Minute)
		h.ExpireAll()
		h.skew.Store(int64(8 * time.Hour)) // the wall clock went on, our timers did not
		h.wake("woke up from sleep")
		h.pass(2 * time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
	})
}

// TestKilledWhileMapping: the router has written the entry, and we died before we could record it.
func TestKilledWhileMapping(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			inHouse(t, func(h *house) {
				only(p)(h)
				h.Configure(func(f *simhome.Faults) { f.NonceStrict = true })
				r := portmap.Request{Transport: portmap.UDP, Internal: netip.AddrPortFrom(self, 27886), External: 27886,
					Lease: time.Hour, Nonce: h.memory.Nonce(testSettings().Ports[0])}
				go h.Client(p, self).Map(context.Background(), r)
				h.pass(100 * time.Millisecond)
			}, func(h *house) {
				h.pass(time.Minute)
				h.want(CodeReady)
				if table := h.Table(); len(table) != 1 {
					t.Errorf("table %+v", table)
				}
				h.stop()
				if table := h.Table(); len(table) != 0 {
					t.Errorf("left behind: %+v", table)
				}
			})
		})
	}
}
