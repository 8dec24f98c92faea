//go:build lab && linux

package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// Nobody is hosting: the program answers for the game. It does so by itself when the port has been
// mapped, and when a person asks.
func TestReachableByStandIn(t *testing.T) {
	t.Parallel()
	t.Run("by itself", func(t *testing.T) {
		t.Parallel()
		h := newHome(t)
		c := h.checker()
		s := h.startChecked("")
		st := s.await(8*time.Second, "verdict reachable", func(_ *daemon.Status, p *daemon.Port) bool {
			return p.Verdict == daemon.Reachable
		})
		checkReachable(t, &st.Ports[0], "stand-in")
		t.Logf("reachable %v after the start", time.Since(s.started).Round(time.Millisecond))

		// Within the cool-down, who asks gets what was found.
		again, code, stderr := s.check()
		if code != 0 {
			t.Fatalf("check exits with %d, want 0: %s", code, stderr)
		}
		if got, want := again.Ports[0].Outside.ID, st.Ports[0].Outside.ID; got != want {
			t.Errorf("check %d, want check %d again", got, want)
		}
		if yes, no := c.made(); yes != 1 || no != 0 {
			t.Errorf("the checker has made %d checks that passed and %d that did not, want 1 and 0", yes, no)
		}
	})
	for _, protocol := range []string{"pcp", "nat-pmp", "upnp"} {
		t.Run("asked, "+protocol, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			c := h.checker()
			s := h.startChecked(onlyAsked + "[router]\nprotocols = [\"" + protocol + "\"]\n")
			s.awaitReady()
			h.wantRules(ourRule)
			st, code, stderr := s.check()
			if code != 0 {
				t.Fatalf("check exits with %d, want 0: %s", code, stderr)
			}
			checkReachable(t, &st.Ports[0], "stand-in")
			checkStatusVerb(t, s, 0)
			if yes, no := c.made(); yes != 1 || no != 0 {
				t.Errorf("the checker has made %d checks that passed and %d that did not, want 1 and 0", yes, no)
			}
			h.reachable(at(outer, kaillera)) // the stand-in has let go of the port
		})
	}
}

// Somebody is hosting: nothing comes near the game until a person says so, and then the least that
// can be.
func TestReachableByGame(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind string
		want simhome.GameCounts // of what one check sends to an idle host
	}{
		// PINGRQ at 0, 250 and 500 ms stays unanswered, so a request with its EXIT follows. The
		// answers are the alert that the emulators differ, and the accept.
		{"g1", simhome.GameCounts{Datagrams: 4, Raw: 3, Requests: 1, Exits: 1, Reopened: 1, Sent: 2}},
		{"v05", simhome.GameCounts{Datagrams: 1, Raw: 1, Pongs: 1, Sent: 1}},
		{"rmg", simhome.GameCounts{Datagrams: 1, Raw: 1, Pongs: 1, Sent: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			c := h.checker()
			game := h.game("-kind", tt.kind)
			s := h.startChecked("") // checks by itself, but not now
			s.awaitHosting()
			_, code, stderr := s.check()
			if code != 4 || !strings.Contains(stderr, "--while-hosting") {
				t.Errorf("check exits with %d (%s), want 4 and the way to have it all the same", code, stderr)
			}
			throughout(t, 3*time.Second, "no packet at the game", func() bool {
				return game.view(kaillera).Counts.Datagrams == 0
			})
			if yes, no := c.made(); yes+no != 0 {
				t.Errorf("the checker has made %d checks, want none", yes+no)
			}

			st, code, stderr := s.check("--while-hosting")
			if code != 0 {
				t.Fatalf("check exits with %d, want 0: %s", code, stderr)
			}
			checkReachable(t, &st.Ports[0], "game")
			v := game.await(2*time.Second, kaillera, "idle again", func(v simhome.GameView) bool {
				return v.State == simhome.GameIdle && v.Open && v.Counts.Datagrams >= tt.want.Datagrams
			})
			if v.Counts != tt.want || v.Wedged() || len(v.Chats) != 0 {
				t.Errorf("the game has seen %+v, want %+v, no chat, and to take players", v, tt.want)
			}
		})
	}
}

// A port that somebody forwarded in the router's menu is found open, and nothing is touched, whether
// the router answers nobody or refuses.
func TestForwardedByHand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		router   []string
		settings string
		code     daemon.Code      // before the check; "" = it is made by itself
		rung     daemon.StepState // state of the rung router after it
	}{
		{"router silent", []string{"stop"}, onlyAsked, daemon.NoRouterAnswer, daemon.StepSkipped},
		{"router silent, checked by itself", []string{"stop"}, "", "", daemon.StepSkipped},
		{"router refuses", []string{"start", "deny=yes"}, onlyAsked, daemon.MappingRefused, daemon.StepOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.lab(append([]string{"router"}, tt.router...)...)
			h.lab("router", "forward", "27886")
			h.checker()
			before := h.ruleset()
			s := h.startChecked(tt.settings)
			if tt.code != "" {
				s.await(15*time.Second, "code "+string(tt.code), func(_ *daemon.Status, p *daemon.Port) bool {
					return p.Code == tt.code
				})
				if _, code, stderr := s.check(); code != 0 {
					t.Errorf("check exits with %d, want 0: %s", code, stderr)
				}
			}
			st := s.await(15*time.Second, "verdict reachable", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Reachable
			})
			p := &st.Ports[0]
			checkReachable(t, p, "stand-in")
			if p.Mapping == nil || p.Mapping.Owner != "manual" {
				t.Errorf("mapping %+v, want one whose owner is manual", p.Mapping)
			}
			for id, want := range map[string]daemon.StepState{daemon.StepRouter: tt.rung, daemon.StepMapping: daemon.StepSkipped} {
				if got := step(t, p, id); got.State != want {
					t.Errorf("rung %s is %s (%s), want %s", id, got.State, got.Summary, want)
				}
			}
			checkStatusVerb(t, s, 0)
			if took := s.stop(); took > stopWithin {
				t.Errorf("stopping took %v, want at most %v", took, stopWithin)
			}
			if after := h.ruleset(); after != before {
				t.Errorf("the router's rules were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// Another PC has the port: the check is about the door that is open instead, and says so.
func TestReachableOnOtherPort(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.lab("conflict", "on")
	c := h.checker()
	s := h.startChecked(onlyAsked)
	s.awaitReady()
	st, code, stderr := s.check()
	if code != 0 {
		t.Fatalf("check exits with %d, want 0: %s", code, stderr)
	}
	p := &st.Ports[0]
	if p.Verdict != daemon.Reachable || p.Code != daemon.OtherExternalPort || p.Mapping == nil || p.Address != p.Mapping.External {
		t.Errorf("verdict %q, code %q, address %q, mapping %+v; want reachable on the other port", p.Verdict, p.Code, p.Address, p.Mapping)
	}
	if yes, no := c.made(); yes != 1 || no != 0 {
		t.Errorf("the checker has made %d checks that passed and %d that did not, want 1 and 0", yes, no)
	}
	t.Logf("said so: %s", p.Headline)
}

// ruleset is all that the router does with packets.
func (h *home) ruleset() string {
	h.t.Helper()
	out, err := h.command("router", "nft", "list", "ruleset").CombinedOutput()
	if err != nil {
		h.t.Fatalf("nft: %v\n%s", err, out)
	}
	return string(out)
}

// awaitReady waits until the port may be offered, checked or not.
func (s *sitter) awaitReady() *daemon.Status {
	s.home.t.Helper()
	return s.await(8*time.Second, "verdict ready", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready
	})
}

// awaitHosting waits until the port is ready and the program knows who is hosting.
func (s *sitter) awaitHosting() {
	s.home.t.Helper()
	s.await(8*time.Second, "ready, and labtool is hosting", func(_ *daemon.Status, p *daemon.Port) bool {
		return p.Verdict == daemon.Ready && p.Game != nil && p.Game.Listening && p.Game.Process == "labtool" && p.Game.PID != 0
	})
}
