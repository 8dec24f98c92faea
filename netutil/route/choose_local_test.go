package route

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestChooseLocal(t *testing.T) {
	on := func(list ...string) map[int]link {
		return links(with(eth, func(l *link) { l.addrs = addresses(list...) }))
	}
	peer := address{local: netip.MustParseAddr("10.9.9.2"), prefix: netip.MustParsePrefix("192.168.1.1/32")}
	hops := []hop{via(eth, ethGateway, 100)}
	prefers := func(source string) []hop {
		return []hop{with(hops[0], func(h *hop) { h.source = netip.MustParseAddr(source) })}
	}
	toward := func(source string) map[string]string { return map[string]string{ethGateway: source} }
	runChoose(t, []chooseCase{
		{name: "none at all", hops: hops, links: on(), err: ErrNoLocal, rejected: "no address of this PC faces|"},
		{name: "only a /32", hops: hops, links: on("192.168.1.200/32"), err: ErrNoLocal},
		{name: "other prefix", hops: hops, links: on("10.0.0.5/24"), err: ErrNoLocal, says: []string{"eth0 (192.168.1.1)"}},
		{name: "a /32 before the real one", hops: hops, links: on("192.168.1.200/32", "192.168.1.5/24"), want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "the system's choice", hops: hops, links: on("192.168.1.5/24", "192.168.1.6/24"), sources: toward("192.168.1.6"),
			want: "192.168.1.1 192.168.1.6 eth0"},
		{name: "the system has none", hops: hops, links: on("192.168.1.5/24", "192.168.1.6/24"), want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "the system's choice is on a VPN", hops: hops, links: on("192.168.1.5/24", "192.168.1.6/24"), sources: toward("10.8.0.2"),
			want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "the system's choice is a /32", hops: hops, links: on("192.168.1.200/32", "192.168.1.5/24", "192.168.1.6/24"),
			sources: toward("192.168.1.200"), want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "the route prefers one", hops: prefers("192.168.1.6"), links: on("192.168.1.5/24", "192.168.1.6/24"), want: "192.168.1.1 192.168.1.6 eth0"},
		{name: "the route prefers a /32", hops: prefers("192.168.1.200"), links: on("192.168.1.200/32", "192.168.1.5/24"),
			want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "toward the gateway counts, not what the route prefers", hops: prefers("192.168.1.6"), links: on("192.168.1.5/24", "192.168.1.6/24"),
			sources: toward("192.168.1.5"), want: "192.168.1.1 192.168.1.5 eth0"},
		{name: "point to point", hops: hops, links: links(with(eth, func(l *link) { l.addrs = []address{peer} })), want: "192.168.1.1 10.9.9.2 eth0"},
		{name: "next one when the best has no address", hops: append(hops, via(wifi, wifiGateway, 600)),
			links: links(with(eth, func(l *link) { l.addrs = nil }), wifi), want: "10.0.1.1 10.0.1.2 wlan0", rejected: "|faces its gateway|"},
		{name: "no address is told before a tunnel", hops: append(hops, via(tun, "", 0)),
			links: links(with(eth, func(l *link) { l.addrs = nil }), tun), err: ErrNoLocal},
	})
}

func TestChooseOverride(t *testing.T) {
	both := []hop{via(eth, ethGateway, 100), via(wifi, wifiGateway, 600)}
	gateway := func(s string) Override { return Override{Gateway: netip.MustParseAddr(s)} }
	second := with(wifi, func(l *link) { l.addrs = addresses("192.168.1.6/24") }) // wired and wireless in one LAN
	lo := link{index: 1, name: "lo", loopback: true, up: true, running: true, addrs: addresses("127.0.0.1/8")}
	runChoose(t, []chooseCase{
		{name: "interface", hops: both, links: links(eth, wifi), override: Override{Interface: "wlan0"},
			want: "10.0.1.1 10.0.1.2 wlan0", rejected: "|settings ask|"},
		{name: "interface in other letters", hops: both, links: links(eth, wifi), override: Override{Interface: "WLAN0"}, want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "interface away from the traffic is a detour", hops: both, links: links(eth, wifi), override: Override{Interface: "wlan0"},
			sources: map[string]string{"internet": "192.168.1.5"}, want: "10.0.1.1 10.0.1.2 wlan0", detour: "192.168.1.5"},
		{name: "tunnel, because the user says so", hops: append(both, via(tun, tunGateway, 0)), links: links(eth, wifi, tun),
			override: Override{Interface: "tun0"}, want: "10.8.0.1 10.8.0.2 tun0"},
		{name: "policy table, because the user says so", hops: []hop{with(both[1], func(h *hop) { h.table = 200 }), both[0]}, links: links(eth, wifi),
			override: gateway(wifiGateway), want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "main table before a policy table", hops: []hop{with(via(eth, "192.168.1.9", 0), func(h *hop) { h.table = 200 }), both[0]}, links: links(eth),
			override: Override{Interface: "eth0"}, want: "192.168.1.1 192.168.1.5 eth0", rejected: "||"},
		{name: "gateway in the table", hops: both, links: links(eth, wifi), override: gateway(wifiGateway), want: "10.0.1.1 10.0.1.2 wlan0"},
		{name: "gateway not in the table", hops: both, links: links(lo, eth, wifi), override: gateway("10.0.1.254"), want: "10.0.1.254 10.0.1.2 wlan0",
			rejected: "|settings ask|settings ask|"},
		{name: "gateway without any default route", links: links(eth), override: gateway("192.168.1.254"), want: "192.168.1.254 192.168.1.5 eth0"},
		{name: "gateway in two prefixes: the system's choice", links: links(eth, second), override: gateway("192.168.1.254"),
			sources: map[string]string{"192.168.1.254": "192.168.1.6"}, want: "192.168.1.254 192.168.1.6 wlan0"},
		{name: "gateway in two prefixes: the settings' interface", links: links(eth, second), sources: map[string]string{"192.168.1.254": "192.168.1.5"},
			override: Override{Interface: "wlan0", Gateway: netip.MustParseAddr("192.168.1.254")}, want: "192.168.1.254 192.168.1.6 wlan0"},
		{name: "ordinary interface before a tunnel", links: links(tun, with(odd, func(l *link) { l.addrs = addresses("10.8.0.3/24") })),
			override: gateway("10.8.0.9"), want: "10.8.0.9 10.8.0.3 Ethernet 4"},

		{name: "gateway nowhere near", hops: both, links: links(lo, eth, wifi), override: gateway("172.16.0.1"), err: ErrOverride,
			says: []string{"gateway 172.16.0.1", "eth0 (192.168.1.5/24), wlan0 (10.0.1.2/24)", "192.168.1.1 on eth0"}},
		{name: "gateway is this PC", links: links(eth), override: gateway("192.168.1.5"), err: ErrOverride},
		{name: "no such interface", hops: both, links: links(eth, wifi), override: Override{Interface: "eth7"}, err: ErrOverride,
			says: []string{`interface "eth7"`, "eth0 (192.168.1.5/24)"}},
		{name: "interface without a default route", hops: both[:1], links: links(eth, wifi), override: Override{Interface: "wlan0"}, err: ErrOverride,
			says: []string{"it has no default route"}},
		{name: "interface without a cable", hops: both, links: links(with(eth, func(l *link) { l.running = false }), wifi),
			override: Override{Interface: "eth0"}, err: ErrOverride, says: []string{"eth0 (192.168.1.1): its cable is unplugged"}},
		{name: "gateway on another interface", hops: both, links: links(eth, wifi), err: ErrOverride,
			override: Override{Interface: "eth0", Gateway: netip.MustParseAddr(wifiGateway)}, says: []string{`gateway 10.0.1.1 on interface "eth0"`}},
		{name: "many interfaces", links: many(9), override: gateway("172.16.0.1"), err: ErrOverride, says: []string{"eth1 (no address), ", "and 3 more"}},
		{name: "no interface at all", links: links(lo), override: gateway("10.0.0.1"), err: ErrOverride, says: []string{"no network interface"}},
	})
}

// many makes n interfaces without addresses.
func many(n int) map[int]link {
	m := make(map[int]link)
	for i := range n {
		m[i+1] = link{index: i + 1, name: fmt.Sprintf("eth%d", i+1), up: true}
	}
	return m
}
