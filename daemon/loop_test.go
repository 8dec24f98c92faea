package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

func TestMapsByWhoeverAnswers(t *testing.T) {
	for _, row := range []struct {
		name   string
		speaks []portmap.Protocol
		want   string
		within time.Duration
	}{
		{"everything", []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP}, "", 5 * time.Millisecond},
		{"PCP", []portmap.Protocol{portmap.PCP}, "pcp", 5 * time.Millisecond},
		{"NAT-PMP", []portmap.Protocol{portmap.NATPMP}, "nat-pmp", 5 * time.Millisecond},
		{"UPnP", []portmap.Protocol{portmap.UPnP}, "upnp", 70 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			inHouse(t, only(row.speaks...), func(h *house) {
				h.pass(row.within)
				h.want(CodeReady)
				h.wantOpen(true)
				if m := h.port().Mapping; m == nil || row.want != "" && m.Protocol != row.want || m.Owner != "ours" {
					t.Errorf("mapping %+v, want by %s", m, row.want)
				}
				if a := h.port().Address; a != "11.77.0.2:27886" {
					t.Errorf("address %q", a)
				}
				h.stop()
				h.want(Stopped)
				if table := h.Table(); len(table) != 0 {
					t.Errorf("left in the router: %+v", table)
				}
				if len(h.kept().Entries) != 0 {
					t.Errorf("still claimed: %+v", h.kept().Entries)
				}
			})
		})
	}
}

func TestSilentProtocolsCostNothing(t *testing.T) {
	inHouse(t, func(h *house) {
		h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP = simhome.Silent, simhome.Silent })
	}, func(h *house) {
		h.pass(70 * time.Millisecond)
		h.wantOpen(true)
	})
}

// TestFiveHours lets the loop renew through five hours: exactly at half of the lease, without
// drift, and with no more requests than were promised.
func TestFiveHours(t *testing.T) {
	for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
		t.Run(string(p), func(t *testing.T) {
			speaks := []portmap.Protocol{p}
			if p == portmap.PCP { // alone it is refreshed each minute, since nothing else tells the outer address
				speaks = append(speaks, portmap.UPnP)
			}
			inHouse(t, only(speaks...), func(h *house) {
				h.pass(5*time.Hour + time.Minute)
				h.want(CodeReady)
				h.wantOpen(true)
				var at []time.Time
				tally := h.Requests()
				for _, r := range tally.Recent {
					if r.Op == simhome.OpMap {
						at = append(at, r.At)
					}
				}
				if tally.Of(p, simhome.OpMap) != 11 {
					t.Errorf("%d mapping requests in five hours, want 11", tally.Of(p, simhome.OpMap))
				}
				for i := 1; i < len(at); i++ {
					if d := at[i].Sub(at[i-1]); d < 30*time.Minute || d > 30*time.Minute+220*time.Millisecond { // by UPnP it is read before it is written
						t.Errorf("renewal %d came %s after the one before, want 30m", i, d)
					}
				}
				if perHour := tally.Total() / 5; perHour > 300 {
					t.Errorf("%d requests an hour, want at most 300", perHour)
				}
				if n := len(h.events()); n > 5 {
					t.Errorf("%d lines of history though nothing happened: %+v", n, h.events())
				}
			})
		})
	}
}

func TestRefusedIsNotABusyLoop(t *testing.T) {
	inHouse(t, func(h *house) { h.Configure(func(f *simhome.Faults) { f.Deny = true }) }, func(h *house) {
		h.pass(4 * time.Second)
		h.want(MappingRefused)
		h.pass(time.Hour)
		h.want(MappingRefused)
		tally := h.Requests()
		if n := tally.Of(portmap.PCP, simhome.OpMap) + tally.Of(portmap.NATPMP, simhome.OpMap) + tally.Of(portmap.UPnP, simhome.OpMap); n > 36 {
			t.Errorf("%d mapping requests in an hour of refusals", n)
		}
		h.Configure(func(f *simhome.Faults) { f.Deny = false })
		h.pass(11 * time.Minute)
		h.want(CodeReady)
	})
}

func TestNoRouterAnswer(t *testing.T) {
	for _, reach := range []simhome.Reach{simhome.Off, simhome.Silent} {
		inHouse(t, func(h *house) {
			h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = reach, reach, reach })
		}, func(h *house) {
			h.pass(4 * time.Second)
			h.want(NoRouterAnswer)
			h.pass(time.Hour)
			if n := searches(h); n > 3*20 { // three M-SEARCH a search
				t.Errorf("%d searches in an hour with nobody there", n)
			}
			h.Configure(func(f *simhome.Faults) { *f = simhome.Faults{} })
			h.wake("link up")
			h.pass(100 * time.Millisecond)
			h.want(CodeReady)
			h.wantOpen(true)
		})
	}
}

func searches(h *house) int {
	n := 0
	for _, e := range h.Requests().Recent {
		if e.Protocol == portmap.UPnP && e.Op == simhome.OpSearch {
			n++
		}
	}
	return n
}

// TestLostTable: the router loses its table. Announced it is heard at once; else it is found out by
// the epoch or by reading back.
func TestLostTable(t *testing.T) {
	for _, row := range []struct {
		protocol  portmap.Protocol
		what      string
		lose      func(*house)
		announced bool
		unheard   time.Duration
	}{
		{portmap.PCP, "reboot", func(h *house) { h.Reboot(false) }, true, 25 * time.Second},
		{portmap.NATPMP, "reboot", func(h *house) { h.Reboot(false) }, true, 25 * time.Second},
		{portmap.UPnP, "reboot", func(h *house) { h.Reboot(false) }, true, 65 * time.Second},
		{portmap.UPnP, "reboot, under another URL", func(h *house) { h.Reboot(true) }, true, 65 * time.Second},
		{portmap.NATPMP, "power cut", powerCut, true, 25 * time.Second},
		{portmap.UPnP, "power cut, under another URL", powerCut, true, 65 * time.Second},
		{portmap.NATPMP, "mapping daemon crashes", daemonCrash, true, 25 * time.Second},
		{portmap.UPnP, "flush", func(h *house) { h.Flush() }, false, 65 * time.Second},
	} {
		for _, deaf := range []bool{false, true} {
			within := 2 * time.Second
			if deaf || !row.announced {
				within = row.unheard
			}
			t.Run(fmt.Sprintf("%s %s, within %s", row.protocol, row.what, within), func(t *testing.T) {
				inHouse(t, only(row.protocol), func(h *house) {
					h.deaf.Store(deaf)
					h.pass(10 * time.Minute)
					h.wantOpen(true)
					row.lose(h)
					if len(h.Table()) > 0 && row.what != "mapping daemon crashes" { // that leaves the rules in force
						t.Errorf("nothing was lost: %+v", h.Table())
					}
					h.pass(within)
					h.wantOpen(true)
					h.want(CodeReady)
				})
			})
		}
	}
}

func powerCut(h *house) {
	h.PowerOff()
	h.pass(2 * time.Minute)
	h.want(NoRouterAnswer)
	h.PowerOn(true)
}

func daemonCrash(h *house) {
	h.Crash()
	h.pass(90 * time.Second)
	h.Return()
}

// TestSameNonceAfterACrash: the router insists on the PCP nonce, and we come back after a kill -9.
func TestSameNonceAfterACrash(t *testing.T) {
	inHouse(t, func(h *house) {
		only(portmap.PCP)(h)
		h.Configure(func(f *simhome.Faults) { f.NonceStrict = true })
	}, func(h *house) {
		h.pass(time.Second)
		h.wantOpen(true)
		kept := h.kept() // as on disk when the process dies
		before := h.Table()
		h.stop()
		h.memory = kept
		if _, err := h.Client(portmap.PCP, self).Map(context.Background(), portmap.Request{Transport: portmap.UDP, External: 27886,
			Internal: before[0].Internal, Lease: time.Hour, Nonce: kept.Nonce(testSettings().Ports[0])}); err != nil {
			t.Fatal(err) // put back what the clean stop took away
		}
		h.start(testSettings())
		h.pass(time.Second)
		h.want(CodeReady)
		h.wantOpen(true)
		if table := h.Table(); len(table) != 1 {
			t.Errorf("doubled: %+v", table)
		}
	})
}

// TestHandMadeForward: rule 12. An entry that leads to us but is not ours stays as it is.
func TestHandMadeForward(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.stop()
		h.Forward(portmap.UDP, 27886, netip.AddrPortFrom(self, 27886), false)
		h.start(testSettings())
		h.pass(time.Hour)
		h.want(CodeReady)
		if m := h.port().Mapping; m == nil || m.Owner != "manual" {
			t.Errorf("mapping %+v, want owner manual", m)
		}
		h.stop()
		h.wantOpen(true)
	})
}

func TestHistoryTellsHowLongThePortWasShut(t *testing.T) {
	inHouse(t, only(portmap.NATPMP), func(h *house) {
		h.pass(time.Minute)
		h.PowerOff()
		h.pass(10 * time.Minute)
		h.want(NoRouterAnswer)
		h.PowerOn(false)
		h.wake("link up")
		h.pass(time.Second)
		h.want(CodeReady)
		last := h.events()[len(h.events())-1]
		if last.Code != CodeReady || last.Shut < 9*60 || last.Shut > 10*60 {
			t.Errorf("the last line is %+v", last)
		}
		if !slices.ContainsFunc(h.events(), func(e Event) bool { return e.Code == NoRouterAnswer }) {
			t.Errorf("no line says that the router fell silent: %+v", h.events())
		}
	})
}

// TestOneRequestAtATime: quirk 15. The router drops requests that overlap or come too fast.
func TestOneRequestAtATime(t *testing.T) {
	inHouse(t, only(portmap.UPnP), func(h *house) {
		h.pass(5 * time.Second)
		h.want(CodeReady)
		h.Configure(func(f *simhome.Faults) { f.ResetOnParallel, f.ResetWithin = true, 200*time.Millisecond })
		h.pass(2 * time.Hour)
		h.want(CodeReady)
		h.wantOpen(true)
		if len(h.events()) > 5 {
			t.Errorf("something broke on the way: %+v", h.events())
		}
	})
}

// TestEveryBreak breaks the home in every way that the demo offers, and sees its own diagnosis.
func TestEveryBreak(t *testing.T) {
	for _, code := range simhome.Breakable() {
		t.Run(code, func(t *testing.T) {
			settings := checkSettings()
			settings.Router.OtherExternalPort = true
			inHouseWith(t, settings, func(h *house) {
				if err := simhome.Break(h.Home, code); err != nil {
					t.Fatal(err)
				}
			}, func(h *house) {
				h.pass(30 * time.Second)
				h.want(Code(code))
				h.pass(30 * time.Minute)
				h.want(Code(code))
				if n := h.Requests().Since(time.Now().Add(-10 * time.Minute)); n > 100 {
					t.Errorf("%d requests in ten minutes of this fault", n)
				}
			})
		})
	}
}
