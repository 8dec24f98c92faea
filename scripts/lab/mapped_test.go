//go:build lab && linux

package lab

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
)

func at(ip netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(ip, port) }

// ourRule is the forwarding that the program asks for, as lab.sh prints it.
var ourRule = fmt.Sprintf("%d->%v", kaillera, at(host, kaillera))

// An ordinary home: whatever the router speaks, the port is open soon after the start, and a
// packet from the internet proves it.
func TestMapped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		router   []string // options for `router start`
		silent   []string // services that do not answer, not even by ICMP
		settings string
		want     string // protocol
	}{
		{name: "speaks everything", want: "pcp"},
		{name: "only NAT-PMP and PCP", router: []string{"upnp=no"}, want: "pcp"},
		{name: "NAT-PMP chosen", settings: "[router]\nprotocols = [\"nat-pmp\"]\n", want: "nat-pmp"},
		{name: "only UPnP", router: []string{"natpmp=no"}, want: "upnp"},
		{name: "IGDv1", router: []string{"natpmp=no", "igd1=yes"}, want: "upnp"},
		{name: "NAT-PMP and PCP silent", silent: []string{"pmp"}, want: "upnp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, tt.router...)
			if tt.silent != nil {
				h.lab(append([]string{"router", "drop"}, tt.silent...)...)
			}
			h.unreachable(at(outer, kaillera))
			s := h.start(tt.settings)
			g := s.awaitGrant(2 * time.Second)
			if g.port != "Kaillera P2P" || g.protocol != tt.want {
				t.Errorf("log says %+v, want Kaillera P2P by %s", g, tt.want)
			}
			checkExternal(t, g)
			h.reachable(at(outer, kaillera))
			if rules := h.rules(); !slices.Equal(rules, []string{ourRule}) {
				t.Errorf("router holds %v, want only %v", rules, ourRule)
			}
			st := s.await(15*time.Second, "verdict ready", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Ready
			})
			checkReady(t, st, tt.want)
			checkStatusVerb(t, s, 0)
		})
	}
}

// checkExternal says whether the log names the right outer address. PCP's answer holds it; the
// others' do not, and the port does not wait for it.
func checkExternal(t *testing.T, g grant) {
	t.Helper()
	full := at(outer, kaillera).String()
	if short := fmt.Sprintf(":%d", kaillera); g.external != full && (g.protocol == "pcp" || g.external != short) {
		t.Errorf("mapped at %q by %s, want %q", g.external, g.protocol, full)
	}
}

// checkReady says whether a status of the open port tells the truth in all its parts.
func checkReady(t *testing.T, st *daemon.Status, protocol string) {
	t.Helper()
	p := &st.Ports[0]
	if want := at(outer, kaillera).String(); p.Address != want || p.Code != daemon.CodeReady || p.Headline == "" {
		t.Errorf("address %q, code %q, headline %q; want %q, %q and a sentence", p.Address, p.Code, p.Headline, want, daemon.CodeReady)
	}
	m := p.Mapping
	if m == nil {
		t.Fatal("no mapping in the status")
	}
	if m.Protocol != protocol || m.Internal != at(host, kaillera).String() || m.External != at(outer, kaillera).String() || m.Owner != "ours" {
		t.Errorf("mapping %+v, want %s of ours from %v to %v", *m, protocol, at(outer, kaillera), at(host, kaillera))
	}
	if m.Lease < 120 || m.Lease > 3600 || m.Expires == nil {
		t.Errorf("lease %d s until %v, want at most the hour that was asked", m.Lease, m.Expires)
	}
	for _, id := range []string{daemon.StepNetwork, daemon.StepRouter, daemon.StepInternet, daemon.StepMapping} {
		if got := step(t, p, id); got.State != daemon.StepOK {
			t.Errorf("rung %s is %s (%s), want ok", id, got.State, got.Summary)
		}
	}
	if r := st.Route; r == nil || r.Gateway.String() != "192.168.77.1" || r.Local != host || r.Interface != "eth0" {
		t.Errorf("route %+v, want 192.168.77.1 by eth0 from %v", r, host)
	}
	if st.Router == nil || !slices.Contains(st.Router.Protocols, protocol) {
		t.Errorf("router %+v, want one that speaks %s", st.Router, protocol)
	}
}

// checkStatusVerb says whether `status --json` agrees with the page, and exits with code.
func checkStatusVerb(t *testing.T, s *sitter, code int) {
	t.Helper()
	text, got := s.verb("status", "--json")
	if got != code {
		t.Errorf("status exits with %d, want %d:\n%s", got, code, text)
	}
	var st daemon.Status
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		t.Fatalf("status --json: %v\n%s", err, text)
	}
	page, err := s.get()
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Ports) == 0 || st.Ports[0].Code != page.Ports[0].Code {
		t.Errorf("status --json and the page do not agree:\n%s", text)
	}
}
