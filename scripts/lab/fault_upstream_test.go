//go:build lab && linux

package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portsitter/portsitter/daemon"
	"github.com/portsitter/portsitter/netutil/portmap"
	"github.com/portsitter/portsitter/netutil/simhome"
)

// Two routers in a row: a real one at the provider's side, and one in software on the PC's side,
// because a miniupnpd maps nothing while its own outer address is private.
func TestFaultDoubleNAT(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"nat-pmp", "upnp"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.lab("wan", "private")
			h.lab("router", "stop")
			h.upstreamRouter(protocol == "nat-pmp", protocol == "upnp")
			h.innerRouter()
			public := netip.MustParseAddr("11.77.0.9")
			g := h.gate(at(public, kaillera))
			s := h.start("[router]\nupstream = true\n")
			g.again("double NAT, upstream by "+protocol, s.started, 5*time.Second, nil)
			st := s.await(5*time.Second, "the upstream router in the status", func(_ *daemon.Status, p *daemon.Port) bool {
				return p.Verdict == daemon.Ready && p.Mapping != nil && p.Mapping.Upstream != nil
			})
			p := &st.Ports[0]
			want := daemon.Upstream{Gateway: upstreamInner, Protocol: protocol, External: at(public, kaillera).String()}
			if p.Address != want.External || *p.Mapping.Upstream != want {
				t.Errorf("address %s, upstream %+v; want %+v", p.Address, *p.Mapping.Upstream, want)
			}
		})
	}
}

// The wire between the two routers.
var (
	upstreamInner = netip.MustParseAddr("192.168.1.1")
	innerOuter    = netip.MustParseAddr("192.168.1.2")
)

// upstreamRouter makes isp a willing router.
func (h *home) upstreamRouter(pmp, upnp bool) {
	h.t.Helper()
	h.nft("isp", `flush ruleset; table inet filter {
		chain miniupnpd { }
		chain prerouting_miniupnpd { }
		chain postrouting_miniupnpd { }
		chain forward { type filter hook forward priority 0; policy drop;
			ct state established,related accept; iifname "in0" accept; jump miniupnpd; }
		chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
		chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname "out0" masquerade; }
	}`)
	word := map[bool]string{false: "no", true: "yes"}
	conf := filepath.Join(h.run, "upstream.conf")
	text := fmt.Sprintf(`ext_ifname=out0
listening_ip=in0
http_port=5000
ipv6_disable=yes
enable_upnp=%s
enable_natpmp=%s
secure_mode=yes
uuid=2fc74fd5-47c0-4ce3-aa31-9201a45776b8
allow 1024-65535 192.168.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`, word[upnp], word[pmp])
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { os.Remove(conf) })
	h.miniupnpd("isp", conf)
}

// innerRouter lets a router in software answer PCP and NAT-PMP in place of the real one, and carries
// out what it grants.
func (h *home) innerRouter() {
	h.t.Helper()
	inner := simhome.New(simhome.Options{
		Gateway: netip.MustParseAddr("192.168.77.1"), Self: host, Outer: innerOuter, Public: innerOuter,
	})
	var servers *simhome.Servers
	err := h.inside("router", func() (err error) {
		servers, err = inner.Serve(h.t.Context(), nil)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { servers.Close() })
	// It serves on loopback only.
	if out, err := h.command("router", "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1").CombinedOutput(); err != nil {
		h.t.Fatalf("sysctl: %v\n%s", err, out)
	}
	h.nft("router", fmt.Sprintf(`table ip inner { chain pre { type nat hook prerouting priority -102;
		iifname "br-lan" ip daddr 192.168.77.1 udp dport 5351 dnat to 127.0.0.1:%d; }; }`, servers.Ports.PMP))
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-h.t.Context().Done():
				return
			}
			if to, ok := inner.Deliver(portmap.UDP, kaillera); ok {
				rules := fmt.Sprintf(`table ip granted { chain pre { type nat hook prerouting priority -101; iifname "wan0" udp dport %d dnat to %v; }; }
					add rule inet filter forward iifname "wan0" ct status dnat accept`, kaillera, to)
				if out, err := h.command("router", "nft", rules).CombinedOutput(); err != nil {
					h.t.Errorf("nft: %v\n%s", err, out)
				}
				return
			}
		}
	}()
}
