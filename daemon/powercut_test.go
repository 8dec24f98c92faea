package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// TestPowerCut: the router loses its power at any moment of a poll, for any time, and nobody hears
// that it is back. The promise counts from the moment at which it has power again.
func TestPowerCut(t *testing.T) {
	const epoch, table = 25 * time.Second, 65 * time.Second
	for _, row := range []struct {
		speaks []portmap.Protocol
		within time.Duration
	}{
		{[]portmap.Protocol{portmap.PCP}, epoch},
		{[]portmap.Protocol{portmap.NATPMP}, epoch},
		{[]portmap.Protocol{portmap.PCP, portmap.NATPMP}, epoch},
		{[]portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}, epoch},
		{[]portmap.Protocol{portmap.UPnP}, table},
	} {
		t.Run(fmt.Sprint(row.speaks), func(t *testing.T) {
			t.Parallel()
			for dark, within := range map[time.Duration]time.Duration{
				0: row.within, 19 * time.Second: row.within, 22 * time.Second: row.within, 25500 * time.Millisecond: row.within,
				time.Minute: row.within, 10 * time.Minute: row.within, 20 * time.Minute: row.within, 30 * time.Minute: row.within,
				62 * time.Minute: row.within, 3 * time.Hour: row.within,
			} {
				for off := time.Duration(0); off < 60*time.Second; off += 11 * time.Second {
					cutPower(t, off, dark, within, row.speaks...)
				}
			}
		})
	}
}

func cutPower(t *testing.T, off, dark, within time.Duration, speaks ...portmap.Protocol) {
	t.Helper()
	inHouse(t, only(speaks...), func(h *house) {
		h.deaf.Store(true)
		h.pass(5*time.Minute + off)
		h.PowerOff()
		h.pass(dark)
		h.PowerOn(true)
		if took := h.opens(); took > within {
			t.Errorf("off %s after a poll, for %s: open %s after the power came back", off, dark, took)
		}
	})
}

// opens waits until a stranger's packet gets in, at most five minutes, and says how long that took.
func (h *house) opens() time.Duration {
	start := time.Now()
	for !h.reachable() && time.Since(start) < 5*time.Minute {
		h.pass(250 * time.Millisecond)
	}
	return time.Since(start)
}

// TestPowerCutAndOneProtocolStaysAway: what was asked for the epoch does not come back with the router.
func TestPowerCutAndOneProtocolStaysAway(t *testing.T) {
	for _, how := range []simhome.Reach{simhome.Silent, simhome.Off} {
		for dark := time.Duration(0); dark < 30*time.Second; dark += 3 * time.Second {
			inHouse(t, only(portmap.PCP, portmap.NATPMP), func(h *house) {
				h.deaf.Store(true)
				h.pass(5*time.Minute + time.Second)
				h.PowerOff()
				h.Configure(func(f *simhome.Faults) { f.PMP = how })
				h.pass(dark)
				h.PowerOn(true)
				if took := h.opens(); took > 25*time.Second {
					t.Errorf("NAT-PMP is %d after %s without power: open after %s", how, dark, took)
				}
			})
		}
	}
}

// TestEpochTellsForUPnPToo: the port is mapped by UPnP, and the router speaks NAT-PMP as well: its
// epoch tells of a restart long before the next read-back.
func TestEpochTellsForUPnPToo(t *testing.T) {
	for off := time.Duration(0); off < time.Minute; off += 7 * time.Second {
		inHouse(t, func(h *house) {
			only(portmap.NATPMP, portmap.UPnP)(h)
			h.Configure(func(f *simhome.Faults) { f.Codes.PMP = 2 })
		}, func(h *house) {
			h.deaf.Store(true)
			h.pass(5 * time.Second)
			h.calm(time.Hour)
			h.pass(off)
			h.Reboot(false)
			if took := h.opens(); took > 25*time.Second {
				t.Errorf("open after %s", took)
			}
		})
	}
}

// TestRestartSecondsAfterTheGrant: an entry that a restart took away is no entry that is not kept.
func TestRestartSecondsAfterTheGrant(t *testing.T) {
	for name, restart := range map[string]func(*house){
		"reboot":          func(h *house) { h.Reboot(false) },
		"reboot, new URL": func(h *house) { h.Reboot(true) },
		"flush":           func(h *house) { h.Flush() },
		"power cut":       func(h *house) { h.PowerOff(); h.pass(3 * time.Second); h.PowerOn(false) },
	} {
		for _, deaf := range []bool{false, true} {
			for after := time.Second; after <= 11*time.Second; after += 2 * time.Second {
				inHouse(t, only(portmap.UPnP), func(h *house) {
					h.deaf.Store(deaf)
					h.pass(after)
					restart(h)
					h.pass(65 * time.Second)
					h.want(CodeReady)
					h.wantOpen(true)
					for _, e := range h.events() {
						if e.Code == NotKept {
							t.Errorf("%s after %s: %s", name, after, e.Text)
						}
					}
				})
			}
		}
	}
}
