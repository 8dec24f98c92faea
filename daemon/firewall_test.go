package daemon

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/portsitter/portsitter/netutil/firewall"
)

// shut is a firewall that keeps the port shut.
var shut = firewall.Report{State: firewall.Blocks, Firewall: "ufw", Rule: "default: DROP", Next: "sudo ufw allow 27886/udp"}

func (h *house) lookAtFirewall(ctx context.Context, q firewall.Question) (firewall.Report, error) {
	h.mu.Lock()
	takes := h.wallTakes
	h.mu.Unlock()
	if takes > 0 && !sleep(ctx, takes) {
		return firewall.Report{}, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wallLooks++
	h.wallAsked = q
	if h.wall.State == "" {
		return firewall.Report{State: firewall.Allows}, nil
	}
	return h.wall, nil
}

func (h *house) setWall(r firewall.Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wall = r
}

func (h *house) looks() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wallLooks
}

func (h *house) rung(id string) Step {
	for _, s := range h.port().Steps {
		if s.ID == id {
			return s
		}
	}
	return Step{}
}

func (s *story) wall(r firewall.Report) *story {
	s.learnFirewall("udp", 27886, known(r, s.now))
	return s
}

// checked is an answer of the checker.
func (s *story) checked(reachable, standIn bool) *story {
	p := &s.ports[0]
	s.checks++
	p.check.id, p.check.running = s.checks, true
	s.learnCheck(p.check.id, known(checkResult{standIn: standIn, mapped: true, tries: 1,
		answer: checker.Answer{Reachable: reachable, Checker: "checker.test"}}, s.now))
	return s
}

// TestFirewallOpened: somebody follows the advice, and the rung is mended without a restart.
func TestFirewallOpened(t *testing.T) {
	inHouse(t, func(h *house) { h.wall = shut }, func(h *house) {
		h.pass(5 * time.Second)
		h.want(FirewallBlocks)
		h.wantOpen(true) // the router's part is done all the same
		if s := h.rung(StepFirewall); s.State != StepBroken || !strings.Contains(s.Detail, "default: DROP") {
			t.Errorf("%+v", s)
		}
		h.setWall(firewall.Report{State: firewall.Allows, Firewall: "ufw", Rule: "allow udp 27886"})
		h.pass(firewallEvery)
		h.want(CodeReady)
		if s := h.rung(StepFirewall); s.State != StepOK || s.Summary != "ufw lets UDP 27886 in" {
			t.Errorf("%+v", s)
		}
	})
}

// TestFirewallAskedSeldom: looking costs the PC something, so it happens after the mapping, every ten
// minutes, and after news; and a network that changes all the time does not change that much.
func TestFirewallAskedSeldom(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(time.Hour)
		if n := h.looks(); n < 6 || n > 8 {
			t.Errorf("%d looks in an hour, want about 7", n)
		}
		before := h.looks()
		for range 60 {
			h.wake("again")
			h.pass(time.Second)
		}
		if n := h.looks() - before; n < 1 || n > 3 {
			t.Errorf("%d looks in a minute of changes, want 2", n)
		}
	})
}

// TestFirewallWaits: a firewall that does not answer keeps nothing from being mapped.
func TestFirewallWaits(t *testing.T) {
	inHouse(t, func(h *house) {
		h.wallTakes = time.Hour
	}, func(h *house) {
		h.pass(time.Minute)
		h.want(CodeReady)
		h.wantOpen(true)
		if s := h.rung(StepFirewall); s.State != StepUnknown {
			t.Errorf("%+v", s)
		}
	})
}

// TestFirewallAfterGame: rules may be about programs, so a program that begins to host is a reason to
// look again.
func TestFirewallAfterGame(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.pass(2 * time.Minute)
		before := h.looks()
		h.mu.Lock()
		h.hosting = true
		h.mu.Unlock()
		h.pass(ownerEvery + time.Second)
		if h.looks() == before {
			t.Error("a program hosts, and the firewall was not asked about it")
		}
		if h.wallAsked.Program != "Project64KSE.exe" || h.wallAsked.Local != self || h.wallAsked.Interface != "eth0" {
			t.Errorf("asked about %+v", h.wallAsked)
		}
	})
}
