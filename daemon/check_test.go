package daemon

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

func TestCheckedAfterMapping(t *testing.T) {
	inHouseWith(t, checkSettings(), nil, func(h *house) {
		h.pass(5 * time.Second)
		h.want(CodeReachable)
		if o := h.port().Outside; o.State != "reachable" || o.AnsweredBy != "stand-in" || o.ID != 1 {
			t.Errorf("outside %+v", o)
		}
		if h.standing.Load() || h.standIns.Load() != 1 {
			t.Errorf("the stand-in took the port %d times and holds it: %t", h.standIns.Load(), h.standing.Load())
		}
		h.pass(23 * time.Hour)
		if h.checks.Load() != 1 {
			t.Errorf("%d checks though nothing changed", h.checks.Load())
		}
		h.pass(2 * time.Hour)
		if h.checks.Load() != 2 {
			t.Errorf("%d checks in 25 hours, want 2", h.checks.Load())
		}
	})
}

// TestNeverUnderAGame: rule 13. While somebody hosts nothing is checked without a person's word,
// and then exactly once.
func TestNeverUnderAGame(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.hosting, h.gameStuck = true, true }, func(h *house) {
		h.pass(time.Hour)
		h.want(CodeReady)
		if h.checks.Load() != 0 {
			t.Fatalf("%d checks under a game that nobody asked for", h.checks.Load())
		}
		var hosting *HostingError
		if _, err := h.check(false); !errors.As(err, &hosting) || hosting.Who == "" || h.checks.Load() != 0 {
			t.Errorf("without a person's word: %v, %d checks", err, h.checks.Load())
		}
		if _, err := h.check(true); err != nil || h.checks.Load() != 1 || h.standIns.Load() != 0 {
			t.Errorf("with it: %v, %d checks, %d stand-ins", err, h.checks.Load(), h.standIns.Load())
		}
		h.want(HostStuck)
		h.pass(time.Hour)
		if h.checks.Load() != 1 || len(h.Table()) != 1 || h.Requests().Of(portmap.PCP, simhome.OpUnmap) != 0 {
			t.Errorf("after a failed check under a game: %d checks, table %+v", h.checks.Load(), h.Table())
		}
	})
}

func TestCheckWithAGame(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.hosting = true }, func(h *house) {
		h.pass(time.Second)
		h.check(true)
		h.want(CodeReachable)
		if o := h.port().Outside; o.AnsweredBy != "game" {
			t.Errorf("outside %+v", o)
		}
		if g := h.port().Game; !g.Listening || g.Process != "Project64KSE.exe" {
			t.Errorf("game %+v", g)
		}
	})
}

func TestCoolDown(t *testing.T) {
	inHouseWith(t, checkSettings(), nil, func(h *house) {
		h.pass(2 * time.Second)
		if id, err := h.check(false); id != 1 || err != nil || h.checks.Load() != 1 {
			t.Errorf("within 30 s: id %d, %v, %d checks", id, err, h.checks.Load())
		}
		h.pass(15 * time.Second)
		if id, _ := h.check(false); id != 2 || h.checks.Load() != 2 {
			t.Errorf("later: id %d, %d checks", id, h.checks.Load())
		}
		if _, err := h.d.Check(context.Background(), "nonsense", false); !errors.As(err, new(*NoPortError)) {
			t.Errorf("a port that is not there: %v", err)
		}
	})
}

func TestNotForwardingIsRepairedOnce(t *testing.T) {
	broken := func(h *house) { h.Configure(func(f *simhome.Faults) { f.NotForwarding = true }) }
	inHouseWith(t, checkSettings(), func(h *house) { only(portmap.PCP)(h); broken(h) }, func(h *house) {
		h.pass(30 * time.Second)
		h.want(NotForwarding)
		if n := h.Requests().Of(portmap.PCP, simhome.OpUnmap); n != 1 {
			t.Errorf("%d repairs", n)
		}
		if h.checks.Load() != 2*standInTries {
			t.Errorf("%d tries, want three before and three after the repair", h.checks.Load())
		}
		h.pass(9 * time.Minute)
		if n := h.Requests().Of(portmap.PCP, simhome.OpUnmap); n != 1 {
			t.Errorf("%d repairs within 10 minutes", n)
		}
	})
}

func TestRepairHelps(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) {
		only(portmap.PCP)(h)
		h.Configure(func(f *simhome.Faults) { f.NotForwarding = true })
	}, func(h *house) {
		h.pass(3 * time.Second)
		h.Configure(func(f *simhome.Faults) { f.NotForwarding = false }) // as if the entry had been the trouble
		h.pass(30 * time.Second)
		h.want(CodeReachable)
	})
}

func TestForwardedByHandIsProvenFromOutside(t *testing.T) {
	for name, change := range map[string]func(*house){
		"nobody answers": func(h *house) {
			h.Configure(func(f *simhome.Faults) { f.PCP, f.PMP, f.UPnP = simhome.Off, simhome.Off, simhome.Off })
		},
		"refused": func(h *house) { h.Configure(func(f *simhome.Faults) { f.Deny = true }) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, checkSettings(), func(h *house) {
				change(h)
				h.Forward(portmap.UDP, 27886, netip.AddrPortFrom(self, 27886), true)
			}, func(h *house) {
				h.pass(30 * time.Second)
				h.want(CodeReachable)
				p := h.port()
				if p.Mapping == nil || p.Mapping.Owner != "manual" || p.Address != "11.77.0.2:27886" {
					t.Errorf("mapping %+v, address %q", p.Mapping, p.Address)
				}
				for _, s := range p.Steps {
					if s.State == StepBroken {
						t.Errorf("rung %+v", s)
					}
				}
			})
		})
	}
}

func TestCheckerDown(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.checkerDown = true }, func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReady) // nobody asked
		h.check(false)
		h.want(CheckerDown)
		if o := h.port().Outside; o.State != "checker-failed" || h.port().Verdict != Ready {
			t.Errorf("verdict %s, outside %+v", h.port().Verdict, o)
		}
		h.pass(24 * time.Hour)
		if h.checks.Load() > 6 {
			t.Errorf("%d questions to a checker that is down, in a day", h.checks.Load())
		}
	})
}

// TestAskedWhileAlreadyChecking: who asks during a check that nobody had asked for gets its outcome.
func TestAskedWhileAlreadyChecking(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.checkerDown, h.checkTakes = true, 5*time.Second }, func(h *house) {
		h.pass(2 * time.Second)
		h.check(false)
		h.want(CheckerDown)
		if h.checks.Load() != 1 {
			t.Errorf("%d checks, want the one under way", h.checks.Load())
		}
	})
}

func TestHostingElsewhere(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.elsewhere = true }, func(h *house) {
		h.pass(2 * time.Minute)
		h.want(HostingElsewhere)
	})
}

// TestEmulatorGetsItsPort: a game that starts while a check is running has the port within 3 s.
func TestEmulatorGetsItsPort(t *testing.T) {
	inHouseWith(t, checkSettings(), func(h *house) { h.checkTakes = time.Minute }, func(h *house) {
		h.pass(time.Second)
		if !h.standing.Load() {
			t.Fatal("no stand-in")
		}
		h.pass(3 * time.Second)
		if h.standing.Load() {
			t.Error("the stand-in still holds the port")
		}
	})
}

func TestChangedAddressIsCheckedAnew(t *testing.T) {
	inHouseWith(t, checkSettings(), only(portmap.NATPMP), func(h *house) {
		h.pass(11 * time.Minute)
		h.want(CodeReachable)
		h.Renumber(netip.MustParseAddr("11.77.0.33"))
		h.pass(25 * time.Second)
		if h.checks.Load() != 2 {
			t.Errorf("%d checks after a change of address", h.checks.Load())
		}
	})
}

// TestGameStartedSinceTheLastLook: the loop looks once a minute who holds the port; a check that
// comes in between looks for itself.
func TestGameStartedSinceTheLastLook(t *testing.T) {
	inHouseWith(t, checkSettings(), only(portmap.NATPMP), func(h *house) {
		h.pass(11 * time.Minute)
		h.mu.Lock()
		h.hosting, h.unseen = true, true
		h.mu.Unlock()
		h.Renumber(netip.MustParseAddr("11.77.0.33")) // makes a check due
		h.pass(25 * time.Second)
		if h.checks.Load() != 1 || h.standIns.Load() != 1 {
			t.Errorf("%d checks, %d stand-ins", h.checks.Load(), h.standIns.Load())
		}
	})
}

// TestNoRepairForAGameThatWasStuck: a check that a game did not answer says nothing about the
// router's entry, also not when the game is closed afterwards.
func TestNoRepairForAGameThatWasStuck(t *testing.T) {
	s := checkSettings()
	s.Checker.Automatic = false
	inHouseWith(t, s, func(h *house) { h.hosting, h.gameStuck = true, true }, func(h *house) {
		h.pass(time.Second)
		h.check(true)
		h.mu.Lock()
		h.hosting = false
		h.mu.Unlock()
		h.pass(10 * time.Minute)
		for _, p := range []portmap.Protocol{portmap.PCP, portmap.NATPMP, portmap.UPnP} {
			if n := h.Requests().Of(p, simhome.OpUnmap); n != 0 {
				t.Errorf("%d repairs", n)
			}
		}
	})
}
