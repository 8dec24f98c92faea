package daemon

import (
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// lastShut is how long the port was shut, by the last line of the history that says that it is open.
func (h *house) lastShut() time.Duration {
	h.t.Helper()
	es := h.events()
	for i := len(es) - 1; i >= 0; i-- {
		if es[i].Kind == "verdict" && (es[i].Code == CodeReady || es[i].Code == CodeReachable || es[i].Code == OtherExternalPort) {
			return time.Duration(es[i].Shut) * time.Second
		}
	}
	h.t.Error("the history does not say that the port is open")
	return 0
}

func (h *house) wantShut(least, most time.Duration) {
	h.t.Helper()
	if d := h.lastShut(); d < least || d > most {
		h.t.Errorf("shut for %s, want %s to %s: %+v", d, least, most, h.events())
	}
}

// TestShutCountsFromTheLoss: the router's own epoch tells when it lost the entry, and silence of the
// router counts once it turns out that the entry was lost.
func TestShutCountsFromTheLoss(t *testing.T) {
	for _, row := range []struct {
		name        string
		p           portmap.Protocol
		happens     func(*house)
		least, most time.Duration
	}{
		{"reboot, found by the next poll", portmap.NATPMP, func(h *house) { h.Reboot(false) }, 14 * time.Second, 21 * time.Second},
		{"the same by PCP", portmap.PCP, func(h *house) { h.Reboot(false) }, 14 * time.Second, 21 * time.Second},
		{"power cut", portmap.NATPMP, func(h *house) { h.PowerOff(); h.pass(40 * time.Second); h.PowerOn(false) }, 20 * time.Second, 60 * time.Second},
		{"short power cut", portmap.NATPMP, func(h *house) { h.PowerOff(); h.pass(12 * time.Second); h.PowerOn(false) }, 3 * time.Second, 30 * time.Second},
		{"power cut at UPnP", portmap.UPnP, func(h *house) { h.PowerOff(); h.pass(5 * time.Minute); h.PowerOn(true) }, 4 * time.Minute, 6 * time.Minute},
		{"the lease ended while the PC slept", portmap.UPnP, func(h *house) {
			h.ExpireAll()
			h.skew.Store(int64(8 * time.Hour))
			h.wake("woke up from sleep")
		}, 7 * time.Hour, 8 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, only(row.p), func(h *house) {
				h.deaf.Store(true)
				h.pass(10*time.Minute + 15*time.Second)
				lines := h.verdicts()
				row.happens(h)
				h.pass(70 * time.Second)
				h.want(CodeReady)
				if h.verdicts() == lines {
					t.Errorf("nothing in the history: %+v", h.events())
				}
				h.wantShut(row.least, row.most)
			})
		})
	}
}

// TestSilenceIsNotShut: the router does not answer for a while, and holds the entry all the time.
func TestSilenceIsNotShut(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		for _, d := range []time.Duration{20 * time.Second, 10 * time.Minute} {
			inHouse(t, only(p), func(h *house) {
				h.pass(10 * time.Minute)
				silence := h.Faults()
				h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = simhome.Silent, simhome.Silent, simhome.Silent })
				h.pass(d)
				h.wantOpen(true)
				h.Configure(func(f *simhome.Faults) { *f = silence })
				h.pass(70 * time.Second)
				h.want(CodeReady)
				h.wantShut(0, 0)
			})
		}
	}
}

// TestShutOverARestart: it was stopped, so the port was shut until it was started again; it was killed
// while the port was shut; it was killed, and the router restarted meanwhile.
func TestShutOverARestart(t *testing.T) {
	for _, row := range []struct {
		name        string
		happens     func(*house)
		least, most time.Duration
	}{
		{"stopped", func(h *house) { h.stop(); h.pass(time.Hour) }, time.Hour, time.Hour + time.Second},
		{"killed, the entry stays", func(h *house) { h.kill(); h.pass(5 * time.Minute) }, 0, 0},
		{"killed, the router restarts", func(h *house) { h.kill(); h.pass(time.Minute); h.Reboot(true); h.pass(5 * time.Minute) }, 5 * time.Minute, 5*time.Minute + time.Second},
		{"killed while it is shut", func(h *house) {
			h.PowerOff()
			h.pass(5 * time.Minute)
			h.kill()
			h.pass(5 * time.Minute)
			h.PowerOn(true)
		}, 8 * time.Minute, 10*time.Minute + time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, only(portmap.NATPMP), func(h *house) {
				h.pass(10 * time.Minute)
				row.happens(h)
				h.start(testSettings())
				h.pass(time.Minute)
				h.want(CodeReady)
				h.wantShut(row.least, row.most)
				h.Reboot(true) // and what was kept is told once
				h.pass(time.Minute)
				h.wantShut(0, 25*time.Second)
			})
		})
	}
}
