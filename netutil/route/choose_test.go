package route

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// The interfaces that the tables below speak of.
var (
	eth  = link{index: 2, name: "eth0", up: true, running: true, addrs: addresses("192.168.1.5/24")}
	wifi = link{index: 3, name: "wlan0", up: true, running: true, addrs: addresses("10.0.1.2/24")}
	tun  = link{index: 4, name: "tun0", kind: "tun", up: true, running: true, addrs: addresses("10.8.0.2/24")}
	dock = link{index: 5, name: "docker0", up: true, running: true, addrs: addresses("172.17.0.1/16")}
	odd  = link{index: 6, name: "Ethernet 4", up: true, running: true, addrs: addresses("10.8.0.2/24")} // a VPN nobody knows
)

const (
	ethGateway  = "192.168.1.1"
	wifiGateway = "10.0.1.1"
	tunGateway  = "10.8.0.1"
)

func addresses(list ...string) []address {
	var as []address
	for _, s := range list {
		p := netip.MustParsePrefix(s)
		as = append(as, address{local: p.Addr(), prefix: p.Masked()})
	}
	return as
}

func links(list ...link) map[int]link {
	m := make(map[int]link)
	for _, l := range list {
		m[l.index] = l
	}
	return m
}

// via makes a hop; no gateway is "".
func via(l link, gateway string, metric int) hop {
	h := hop{index: l.index, metric: metric}
	if gateway != "" {
		h.gateway = netip.MustParseAddr(gateway)
	}
	return h
}

// with changes a copy of a value.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

type chooseCase struct {
	name     string
	hops     []hop
	links    map[int]link
	override Override
	sources  map[string]string // what the system answers; "internet" for the probe

	want     string // "gateway local interface"
	detour   string
	err      error
	rejected string // of the candidates, in order, each with a "|" behind it; parts are enough
	says     []string
}

func (c chooseCase) run(t *testing.T) {
	t.Helper()
	source := func(to netip.Addr) netip.Addr {
		key := to.String()
		if to == internetProbe {
			key = "internet"
		}
		a, _ := netip.ParseAddr(c.sources[key])
		return a
	}
	report, err := choose(tables{hops: c.hops, links: c.links, rows: 9}, c.override, source)
	if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
		t.Fatalf("error %v, want %v", err, c.err)
	}
	got := ""
	if r := report.Route; r != (Route{}) {
		got = r.Gateway.String() + " " + r.Local.String() + " " + r.Interface
		if !r.Valid() || !r.Prefix.Contains(r.Gateway) || r.Prefix != r.Prefix.Masked() || c.links[r.Index].name != r.Interface {
			t.Errorf("route does not hang together: %+v", r)
		}
		if first := report.Candidates[0]; first.Route != r || first.Rejected != "" {
			t.Errorf("first candidate %+v is not the route %+v", first, r)
		}
	}
	if got != c.want {
		t.Errorf("route %q, want %q", got, c.want)
	}
	if detour, _ := netip.ParseAddr(c.detour); report.Detour != detour {
		t.Errorf("detour %v, want %q", report.Detour, c.detour)
	}
	c.checkReasons(t, report.Candidates)
	for _, s := range c.says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
}

func (c chooseCase) checkReasons(t *testing.T, list []Candidate) {
	t.Helper()
	if c.rejected == "" {
		return
	}
	want := strings.Split(strings.TrimSuffix(c.rejected, "|"), "|")
	if len(want) != len(list) {
		t.Fatalf("%d candidates %+v, want %q", len(list), list, want)
	}
	for i, w := range want {
		if (w == "") != (list[i].Rejected == "") || !strings.Contains(list[i].Rejected, w) {
			t.Errorf("candidate %d is rejected with %q, want %q", i, list[i].Rejected, w)
		}
	}
}

func runChoose(t *testing.T, cases []chooseCase) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestChooseOrdinary(t *testing.T) {
	down := with(eth, func(l *link) { l.up = false })
	unplugged := with(eth, func(l *link) { l.running = false })
	runChoose(t, []chooseCase{
		{name: "one", hops: []hop{via(eth, ethGateway, 100)}, links: links(eth), want: "192.168.1.1 192.168.1.5 eth0", rejected: "|"},
		{name: "none", err: ErrNoGateway, says: []string{"none of 9 routes"}},
		{name: "lowest metric wins", hops: []hop{via(wifi, wifiGateway, 600), via(eth, ethGateway, 100)}, links: links(eth, wifi),
			want: "192.168.1.1 192.168.1.5 eth0", rejected: "||"},
		{name: "wired does not win by itself", hops: []hop{via(eth, ethGateway, 700), via(wifi, wifiGateway, 600)}, links: links(eth, wifi),
			want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "equal metrics: the system's order", hops: []hop{via(wifi, wifiGateway, 0), via(eth, ethGateway, 0)}, links: links(eth, wifi),
			want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "equal metrics (multipath): the one that the traffic takes", hops: []hop{via(eth, ethGateway, 50), via(wifi, wifiGateway, 50)},
			links: links(eth, wifi), sources: map[string]string{"internet": "10.0.1.2"}, want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "the same twice", hops: []hop{via(eth, ethGateway, 100), via(eth, ethGateway, 200)}, links: links(eth),
			want: "192.168.1.1 192.168.1.5 eth0", rejected: "|"},
		{name: "switched off", hops: []hop{via(eth, ethGateway, 0)}, links: links(down), err: ErrNoGateway, says: []string{"eth0", "switched off"}},
		{name: "no carrier", hops: []hop{via(eth, ethGateway, 0), via(wifi, wifiGateway, 9)}, links: links(unplugged, wifi),
			want: "10.0.1.1 10.0.1.2 wlan0", rejected: "|unplugged|"},
		{name: "dead next hop", hops: []hop{with(via(eth, ethGateway, 0), func(h *hop) { h.dead = true })}, links: links(eth),
			err: ErrNoGateway, rejected: "unplugged|"},
		{name: "ignored by its interface", hops: []hop{with(via(eth, ethGateway, 0), func(h *hop) { h.ignored = true })}, links: links(eth),
			err: ErrNoGateway, rejected: "ignore default routes|"},
		{name: "interface gone", hops: []hop{via(eth, ethGateway, 0)}, links: links(wifi), err: ErrNoGateway, rejected: "gone|"},
		{name: "unreachable", hops: []hop{{refuses: true, metric: 1}, via(eth, ethGateway, 100)}, links: links(eth),
			want: "192.168.1.1 192.168.1.5 eth0", rejected: "|refuses all traffic|"},
		{name: "on-link", hops: []hop{via(eth, "", 0)}, links: links(eth), err: ErrNoGateway, rejected: "no gateway on it|"},
		{name: "gateway 0.0.0.0", hops: []hop{via(eth, "0.0.0.0", 0)}, links: links(eth), err: ErrNoGateway, rejected: "no gateway on it|"},
		{name: "gateway is this PC", hops: []hop{via(eth, "192.168.1.5", 0)}, links: links(eth), err: ErrNoGateway, rejected: "cannot be a gateway|"},
		{name: "gateway is loopback", hops: []hop{via(eth, "127.0.0.1", 0)}, links: links(eth), err: ErrNoGateway, rejected: "cannot be a gateway|"},
		{name: "gateway is multicast", hops: []hop{via(eth, "224.0.0.1", 0)}, links: links(eth), err: ErrNoGateway, rejected: "cannot be a gateway|"},
		{name: "gateway is broadcast", hops: []hop{via(eth, "255.255.255.255", 0)}, links: links(eth), err: ErrNoGateway, rejected: "cannot be a gateway|"},
		{name: "policy table", hops: []hop{with(via(wifi, wifiGateway, 0), func(h *hop) { h.table = 200 }), via(eth, ethGateway, 100)},
			links: links(eth, wifi), want: "192.168.1.1 192.168.1.5 eth0", rejected: "|table 200|"},
		{name: "containers", hops: []hop{via(dock, "172.17.0.2", 0)}, links: links(dock), err: ErrNoGateway, rejected: "containers|"},
		{name: "public gateway comes last", hops: []hop{via(wifi, "203.0.113.1", 0), via(eth, ethGateway, 900)},
			links: links(eth, with(wifi, func(l *link) { l.addrs = addresses("203.0.113.9/24") })), want: "192.168.1.1 192.168.1.5 eth0", rejected: "||"},
		{name: "public gateway alone", hops: []hop{via(wifi, "203.0.113.1", 0)},
			links: links(with(wifi, func(l *link) { l.addrs = addresses("203.0.113.9/24") })), want: "203.0.113.1 203.0.113.9 wlan0"},
		{name: "carrier NAT and link-local gateways are home-like", hops: []hop{via(wifi, "100.64.0.1", 1), via(eth, "169.254.1.1", 2)},
			links: links(with(wifi, func(l *link) { l.addrs = addresses("100.64.0.9/10") }), with(eth, func(l *link) { l.addrs = addresses("169.254.1.9/16") })),
			want:  "100.64.0.1 100.64.0.9 wlan0"},
	})
}

func TestChooseBesideVPN(t *testing.T) {
	low := with(via(tun, tunGateway, 0), func(h *hop) { h.half = lower })
	high := with(via(tun, tunGateway, 0), func(h *hop) { h.half = upper })
	onOdd := func(h hop) hop { h.index = odd.index; return h }
	vpn := map[string]string{"internet": "10.8.0.2", ethGateway: "192.168.1.5"}
	runChoose(t, []chooseCase{
		{name: "tunnel with lower metric, on-link", hops: []hop{via(tun, "", 5), via(eth, ethGateway, 100)}, links: links(eth, tun), sources: vpn,
			want: "192.168.1.1 192.168.1.5 eth0", detour: "10.8.0.2", rejected: "|VPN|"},
		{name: "two halves", hops: []hop{low, via(eth, ethGateway, 100), high}, links: links(eth, tun), sources: vpn,
			want: "192.168.1.1 192.168.1.5 eth0", detour: "10.8.0.2", rejected: "|VPN|"},
		{name: "two halves of an unknown adapter", hops: []hop{onOdd(low), onOdd(high), via(eth, ethGateway, 100)}, links: links(eth, odd), sources: vpn,
			want: "192.168.1.1 192.168.1.5 eth0", detour: "10.8.0.2", rejected: "||"},
		{name: "wg-quick's own table", hops: []hop{with(via(tun, "", 0), func(h *hop) { h.table = 51820 }), via(eth, ethGateway, 100)},
			links: links(eth, tun), sources: vpn, want: "192.168.1.1 192.168.1.5 eth0", detour: "10.8.0.2", rejected: "|VPN|"},
		{name: "one half is no default route", hops: []hop{low}, links: links(tun), err: ErrNoGateway},
		{name: "halves that lead to different gateways", hops: []hop{low, with(high, func(h *hop) { h.gateway = netip.MustParseAddr("10.8.0.9") })},
			links: links(tun), err: ErrNoGateway},
		{name: "only a tunnel", hops: []hop{via(tun, tunGateway, 5)}, links: links(tun), err: ErrOnlyTunnel, rejected: "VPN|",
			says: []string{"tun0 (10.8.0.1)", "VPN"}},
		{name: "tunnel, and the cable is out", hops: []hop{via(eth, ethGateway, 1), via(tun, "", 5)},
			links: links(tun, with(eth, func(l *link) { l.running = false })), err: ErrOnlyTunnel, rejected: "VPN|unplugged|"},
		{name: "split tunnel: no detour", hops: []hop{via(eth, ethGateway, 100)}, links: links(eth, tun), sources: map[string]string{"internet": "192.168.1.5"},
			want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "no way to the internet: no detour", hops: []hop{via(eth, ethGateway, 100)}, links: links(eth), want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "virtual address toward the internet: no detour", hops: []hop{via(eth, ethGateway, 100)},
			links:   links(with(eth, func(l *link) { l.addrs = addresses("192.168.1.200/32", "192.168.1.5/24") })),
			sources: map[string]string{"internet": "192.168.1.200"}, want: "192.168.1.1 192.168.1.5 eth0"},
	})
}
