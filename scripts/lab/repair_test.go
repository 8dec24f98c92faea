//go:build lab && linux

package lab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/portmap"
)

// A router that has forgotten the forwarding but believes to have it: the check does not come in,
// the entry is made anew, and the check after that comes in. PCP and NAT-PMP alone, because a UPnP
// read-back would find out by itself.
func TestFlushedIsRepaired(t *testing.T) {
	t.Parallel()
	for _, protocol := range []portmap.Protocol{portmap.PCP, portmap.NATPMP} {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.deaf() // an announcement has the entry refreshed: it would be back before the check
			c := h.checker()
			s := h.startChecked(onlyAsked + "[router]\nprotocols = [\"" + string(protocol) + "\"]\n")
			s.awaitReady()
			h.lab("router", "flush")
			h.unreachable(at(outer, kaillera))

			st, code, stderr := s.check()
			if code != 0 {
				t.Fatalf("check exits with %d, want 0: %s", code, stderr)
			}
			p := &st.Ports[0]
			checkReachable(t, p, "stand-in")
			if detail := step(t, p, daemon.StepOutside).Detail; !strings.Contains(detail, "made anew") {
				t.Errorf("detail %q, want that the entry was made anew", detail)
			}
			if yes, no := c.made(); yes != 1 || no != 3 {
				t.Errorf("the checker has made %d checks that passed and %d that did not, want 1 after 3", yes, no)
			}
			h.wantRules(ourRule)
			h.reachable(at(outer, kaillera))
			t.Logf("said so: %s", step(t, p, daemon.StepOutside).Detail)
		})
	}
}

// The same while somebody is hosting: one try, and no more than words come of it.
func TestFlushedWhileHosting(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.deaf()
	c := h.checker()
	s := h.startChecked(onlyAsked + "[router]\nprotocols = [\"pcp\"]\n")
	s.awaitReady()
	h.lab("router", "flush")
	game := h.game()
	before, requests := h.ruleset(), h.tap()

	st, code, stderr := s.check("--while-hosting")
	if code != 1 {
		t.Fatalf("check exits with %d, want 1: %s", code, stderr)
	}
	p := &st.Ports[0]
	checkBroken(t, p, daemon.StepOutside)
	if p.Code != daemon.HostStuck || p.Outside.State != "unreachable" {
		t.Errorf("code %q, outside %+v; want host-stuck, unreachable", p.Code, p.Outside)
	}
	if !strings.Contains(p.NextStep, "host again") && !strings.Contains(p.NextStep, "Host again") {
		t.Errorf("next step %q, want that one hosts again", p.NextStep)
	}
	if yes, no := c.made(); yes != 0 || no != 1 {
		t.Errorf("the checker has made %d checks that passed and %d that did not, want a single try", yes, no)
	}

	// Long enough for a repair, had one been decided.
	throughout(t, 4*time.Second, "the router's rules as they were", func() bool { return h.ruleset() == before })
	if n := len(requests.all()); n > 1 {
		t.Errorf("%v to the router, want at most one question for its epoch", count(requests.all()))
	}
	if v := game.view(kaillera); v.Counts.Datagrams != 0 || !v.Open {
		t.Errorf("the game has seen %+v, want nothing", v)
	}
	t.Logf("said so: %s %s", p.Headline, p.NextStep)
}

// An emulator that comes while a check is under way has its port within 3 s, although the checker
// never answers meanwhile. It keeps it, and nothing that leads to it is touched: not even when it
// comes in the last try, after which the entry would be made anew.
func TestEmulatorStartsDuringCheck(t *testing.T) {
	t.Parallel()
	for _, try := range []string{"try 1 of 3", "try 3 of 3"} {
		t.Run(try, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.checker()
			s := h.startChecked(onlyAsked + "[router]\nprotocols = [\"pcp\"]\n")
			s.awaitReady()
			requests := h.tap()
			h.nft("router", `table inet mute { chain in { type filter hook prerouting priority -300; iifname "wan0" udp dport 27886 drop; }; }`)

			checked := make(chan struct{})
			go func() {
				defer close(checked)
				st, code, stderr := s.check()
				if code == 0 || st == nil {
					t.Errorf("check exits with %d, want a status that is not reachable: %s", code, stderr)
				} else if o := st.Ports[0].Outside; o.State == "checking" || o.State == "reachable" {
					t.Errorf("outside %+v, want a check that has ended and did not come in", o)
				}
			}()
			s.await(20*time.Second, "the stand-in has the port in "+try, func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Outside.Detail == try && h.held("lan", "27886")
			})
			game := h.games(kaillera, "-retry", "50ms")
			eventually(t, 5*time.Second, "the game has the port", func() bool { return game.view(kaillera).Open })
			<-checked
			checkCame(t, game)
			if slices.ContainsFunc(requests.all(), func(r request) bool { return r.removes }) || strings.Contains(s.logged(), "entry anew") {
				t.Errorf("%v to the router, want no repair, which begins with a removal", count(requests.all()))
			}
			h.wantRules(ourRule)
		})
	}
}

// checkCame says whether a game that had to wait got its port in time, kept it, and was left alone.
func checkCame(t *testing.T, game *games) {
	t.Helper()
	told := game.told(kaillera)
	took := told[1].At.Sub(told[0].At)
	if !told[0].Waiting || took > 3*time.Second {
		t.Errorf("waiting: %v; the game had its port after %v, want at most 3 s", told[0].Waiting, took)
	}
	if v := told[len(told)-1].Game; len(told) != 2 || !v.Open || v.Counts.Datagrams != 0 {
		t.Errorf("the game is %+v, want one that kept its port and was left alone", v)
	}
	t.Logf("the game had its port after %v", took.Round(time.Millisecond))
}

// nft adds rules on one of the lab's computers.
func (h *home) nft(space, rules string) {
	h.t.Helper()
	if out, err := h.command(space, "nft", rules).CombinedOutput(); err != nil {
		h.t.Fatalf("nft: %v\n%s", err, out)
	}
}

// held reports whether somebody has a UDP port. It does not try to take it: that would be in the way.
func (h *home) held(space, port string) bool {
	h.t.Helper()
	out, err := h.command(space, "ss", "-lunH", "sport", "=", ":"+port).CombinedOutput()
	if err != nil {
		h.t.Fatalf("ss: %v\n%s", err, out)
	}
	return len(out) > 0
}
