//go:build lab && linux

package lab

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

// The PC has a firewall that lets only answers in. The program says so, names the rule, and whoever
// follows its advice word for word is reachable.
func TestFirewall(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.pc("nft", "table inet fw { chain input { type filter hook input priority 0; policy drop; iifname lo accept; ct state established,related accept; icmp type echo-request accept; }; }")

	s := h.start("")
	st := s.await(5*time.Second, "the firewall is found", func(st *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.FirewallBlocks
	})
	p := &st.Ports[0]
	if rung := step(t, p, daemon.StepFirewall); !strings.Contains(rung.Detail, "inet fw input, policy drop") || !strings.HasPrefix(rung.Summary, "nftables") {
		t.Errorf("%+v", rung)
	}
	if _, code := s.verb("status"); code != 1 {
		t.Errorf("exit code %d of status, want 1", code)
	}
	h.unreachable(netip.AddrPortFrom(outer, kaillera))

	advice, ok := strings.CutPrefix(p.NextStep, "In a terminal: sudo ")
	advice, _, _ = strings.Cut(advice, " (")
	if !ok {
		t.Fatalf("next step %q", p.NextStep)
	}
	h.pc(strings.Fields(advice)...)
	h.reachable(netip.AddrPortFrom(outer, kaillera))
	s.stop()
	h.start("").await(5*time.Second, "the firewall is open", func(st *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.CodeReady && step(t, p, daemon.StepFirewall).State == daemon.StepOK
	})
}

// The old iptables, and the new one on top of nftables, are read as well as nftables itself.
func TestFirewallIPTables(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("iptables-nft"); err != nil {
		t.Fatal("iptables is not installed: scripts/test installs it")
	}
	h := newHome(t)
	for _, rule := range []string{"-P INPUT DROP", "-A INPUT -i lo -j ACCEPT", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"} {
		h.pc(append([]string{"iptables-nft"}, strings.Fields(rule)...)...)
	}
	s := h.start("")
	st := s.await(5*time.Second, "the firewall is found", func(st *daemon.Status, p *daemon.Port) bool {
		return p.Code == daemon.FirewallBlocks
	})
	if got := st.Ports[0].NextStep; got != "In a terminal: sudo iptables -I INPUT -p udp --dport 27886 -j ACCEPT" {
		t.Errorf("next step %q", got)
	}
}

// pc runs a command on the PC.
func (h *home) pc(args ...string) {
	h.t.Helper()
	if out, err := h.command("lan", args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%q: %v: %s", args, err, out)
	}
}
