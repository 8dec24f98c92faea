package route

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The files in testdata are answers of Linux 6.18 on a little-endian machine, in a network namespace
// with eth0 (2), wlan0 (3) and an open tun0 (4), with
//
//	default metric 50 nexthop via 192.168.77.1 dev eth0 nexthop via 10.0.1.1 dev wlan0 weight 3
//	default via 10.0.1.1 dev wlan0 src 10.0.1.2 metric 600
//	0.0.0.0/1 and 128.0.0.0/1 via 10.8.2.1 dev tun0
//	default dev tun0 table 51820
//	unreachable default metric 4000000000
//
// and eth0 having 192.168.77.200/32 as well.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".netlink")
	if err != nil {
		t.Fatal(err)
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("LOUD: THE RECORDED ANSWERS ARE OF A LITTLE-ENDIAN MACHINE, THIS ONE IS NOT")
	}
	return b
}

func TestReadRecorded(t *testing.T) {
	tables := tables{links: make(map[int]link)}
	for m := range messages(recorded(t, "routes")) {
		tables.addRoute(m)
	}
	for _, name := range []string{"link-eth0", "link-tun0"} {
		for m := range messages(recorded(t, name)) {
			tables.addLink(m)
		}
	}
	for m := range messages(recorded(t, "addresses")) {
		tables.addAddress(m)
	}
	if tables.rows != 18 {
		t.Errorf("%d routes, want 18", tables.rows)
	}
	addr := netip.MustParseAddr
	want := []hop{
		{index: 4, table: 51820},
		{index: 4, gateway: addr("10.8.2.1"), half: lower},
		{index: 2, gateway: addr("192.168.77.1"), metric: 50},
		{index: 3, gateway: addr("10.0.1.1"), metric: 50},
		{index: 3, gateway: addr("10.0.1.1"), metric: 600, source: addr("10.0.1.2")},
		{refuses: true, metric: 2147483647},
		{index: 4, gateway: addr("10.8.2.1"), half: upper},
	}
	if !slices.Equal(tables.hops, want) {
		t.Errorf("hops\n%+v, want\n%+v", tables.hops, want)
	}
	eth, tun := tables.links[2], tables.links[4]
	if eth.name != "eth0" || eth.kind != "veth" || eth.tunnel || eth.loopback || !eth.up || !eth.running || eth.class() != ordinary {
		t.Errorf("eth0: %+v", eth)
	}
	if !slices.Equal(eth.addrs, addresses("192.168.77.2/24", "192.168.77.200/32")) {
		t.Errorf("addresses of eth0: %+v", eth.addrs)
	}
	if tun.name != "tun0" || tun.kind != "tun" || !tun.up || tun.class() != tunnel {
		t.Errorf("tun0: %+v", tun)
	}
	report, err := choose(tables, Override{}, func(netip.Addr) netip.Addr { return addr("10.8.2.2") })
	if r := report.Route; err != nil || r.Gateway != addr("192.168.77.1") || r.Local != addr("192.168.77.2") || report.Detour != addr("10.8.2.2") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestParseAddressOfPeer(t *testing.T) {
	for m := range messages(recorded(t, "addresses")) {
		index, a, ok := parseAddress(m.body)
		if ok && index == 3 && a.local == netip.MustParseAddr("10.9.9.2") {
			if a.prefix != netip.MustParsePrefix("10.9.9.1/32") {
				t.Errorf("prefix %v, want that of the peer", a.prefix)
			}
			return
		}
	}
	t.Error("10.9.9.2 peer 10.9.9.1 is not there")
}

func TestParseNeighbour(t *testing.T) {
	gateway := netip.MustParseAddr("192.168.77.1")
	for m := range messages(recorded(t, "neighbours")) {
		if m.kind != unix.RTM_NEWNEIGH {
			continue
		}
		for state, known := range map[uint16]bool{
			unix.NUD_REACHABLE: true, unix.NUD_STALE: true, unix.NUD_DELAY: true, unix.NUD_PROBE: true, unix.NUD_PERMANENT: true,
			unix.NUD_INCOMPLETE: false, unix.NUD_FAILED: false, unix.NUD_NOARP: false, unix.NUD_NONE: false,
		} {
			body := slices.Clone(m.body)
			binary.NativeEndian.PutUint16(body[8:], state)
			index, ip, hw := parseNeighbour(body)
			if found := index == 2 && ip == gateway && slices.Equal(hw, []byte{2, 0, 0, 0, 0, 1}); found != known {
				t.Errorf("state %#x: %d %v %x, want known %v", state, index, ip, hw, known)
			}
		}
		return
	}
	t.Error("no neighbour in the recorded answer")
}

// routeBody makes the body of a route message.
func routeBody(bits, tos, table, kind byte, flags uint32, attrs ...[]byte) []byte {
	b := []byte{unix.AF_INET, bits, 0, tos, table, 0, 0, kind}
	b = binary.NativeEndian.AppendUint32(b, flags)
	for _, a := range attrs {
		b = append(b, a...)
	}
	return b
}

func attribute(kind uint16, value ...byte) []byte { return appendAttribute(nil, kind, value) }

func attribute32(kind uint16, value uint32) []byte {
	return appendAttribute(nil, kind, binary.NativeEndian.AppendUint32(nil, value))
}

func TestParseRouteKinds(t *testing.T) {
	gateway, oif := attribute(unix.RTA_GATEWAY, 192, 168, 1, 1), attribute32(unix.RTA_OIF, 2)
	plain := hop{gateway: netip.MustParseAddr(ethGateway), index: 2}
	const main, unicast = unix.RT_TABLE_MAIN, unix.RTN_UNICAST
	for _, c := range []struct {
		name string
		body []byte
		want []hop
	}{
		{"plain", routeBody(0, 0, main, unicast, 0, gateway, oif), []hop{plain}},
		{"table default", routeBody(0, 0, unix.RT_TABLE_DEFAULT, unicast, 0, gateway, oif), []hop{plain}},
		{"table beyond a byte", routeBody(0, 0, unix.RT_TABLE_COMPAT, unicast, 0, gateway, oif, attribute32(unix.RTA_TABLE, 1000)),
			[]hop{with(plain, func(h *hop) { h.table = 1000 })}},
		{"link down", routeBody(0, 0, main, unicast, unix.RTNH_F_LINKDOWN, gateway, oif), []hop{with(plain, func(h *hop) { h.dead = true })}},
		{"blackhole", routeBody(0, 0, main, unix.RTN_BLACKHOLE, 0), []hop{{refuses: true}}},
		{"IPv6 next hop", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_VIA, make([]byte, 18)...), oif), []hop{{index: 2}}},
		{"network", routeBody(24, 0, main, unicast, 0, oif), nil},
		{"class of service", routeBody(0, 8, main, unicast, 0, gateway, oif), nil},
		{"cached", routeBody(0, 0, main, unicast, unix.RTM_F_CLONED, gateway, oif), nil},
		{"local", routeBody(0, 0, main, unix.RTN_LOCAL, 0, oif), nil},
		{"IPv6", append([]byte{unix.AF_INET6}, routeBody(0, 0, main, unicast, 0)[1:]...), nil},
		{"short", routeBody(0, 0, main, unicast, 0)[:unix.SizeofRtMsg-1], nil},
		{"empty", nil, nil},
		{"gateway of the wrong size", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_GATEWAY, 1, 2, 3), oif), []hop{{index: 2}}},
		{"next hop longer than its attribute", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_MULTIPATH, 99, 0, 0, 0, 2, 0, 0, 0)), nil},
		{"next hop of no length", routeBody(0, 0, main, unicast, 0, attribute(unix.RTA_MULTIPATH, make([]byte, 64)...)), nil},
	} {
		if got := parseRoute(c.body); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestMessageEnds(t *testing.T) {
	code := func(kind uint16, n int32) message {
		return message{kind: kind, body: binary.NativeEndian.AppendUint32(nil, uint32(n))}
	}
	for _, c := range []struct {
		m    message
		done bool
		err  error
	}{
		{message{kind: unix.RTM_NEWROUTE}, false, nil},
		{code(unix.NLMSG_DONE, 0), true, nil},
		{code(unix.NLMSG_DONE, -int32(unix.EINVAL)), true, unix.EINVAL},
		{code(unix.NLMSG_ERROR, 0), true, nil},
		{code(unix.NLMSG_ERROR, -int32(unix.ENODEV)), true, unix.ENODEV},
		{message{kind: unix.NLMSG_ERROR}, true, nil},
	} {
		if done, err := c.m.ends(); done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c.m, done, err)
		}
	}
}

func TestMessagesEndAtNonsense(t *testing.T) {
	good := appendMessage(nil, message{kind: unix.RTM_NEWROUTE, body: []byte{1, 2, 3, 4, 5}})
	header := func(size uint32) []byte {
		return append(binary.NativeEndian.AppendUint32(nil, size), make([]byte, unix.SizeofNlMsghdr)...)
	}
	for _, nonsense := range [][]byte{nil, {1}, header(0), header(15), header(1 << 30), good[:18]} {
		n := 0
		for m := range messages(slices.Concat(good, nonsense)) {
			if n++; m.kind != unix.RTM_NEWROUTE || len(m.body) != 5 {
				t.Errorf("with %x behind it: %+v", nonsense, m)
			}
		}
		if n != 1 {
			t.Errorf("%d messages with %x behind the first, want 1", n, nonsense)
		}
	}
}

// FuzzNetlink feeds every parser and the change filter.
func FuzzNetlink(f *testing.F) {
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWROUTE, body: routeBody(0, 0, unix.RT_TABLE_MAIN, unix.RTN_UNICAST, 0,
		attribute(unix.RTA_MULTIPATH, 16, 0, 0, 0, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1))}))
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWLINK, body: linkRequest(7)}))
	f.Add(appendMessage(nil, message{kind: unix.RTM_NEWADDR, body: append([]byte{unix.AF_INET, 24, 0, 0, 2, 0, 0, 0}, attribute(unix.IFA_LOCAL, 10, 0, 0, 1)...)}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		tables := tables{links: make(map[int]link)}
		total := 0
		for m := range messages(b) {
			total += unix.SizeofNlMsghdr + len(m.body)
			m.ends()
			for _, kind := range []uint16{m.kind, unix.RTM_NEWROUTE, unix.RTM_NEWLINK, unix.RTM_NEWADDR} {
				m.kind = kind
				tables.addRoute(m)
				tables.addLink(m)
				tables.addAddress(m)
			}
			parseNeighbour(m.body)
		}
		if total > len(b) || len(tables.hops) > 2*maxHops {
			t.Errorf("%d bytes gave messages of %d bytes and %d hops", len(b), total, len(tables.hops))
		}
		report, err := choose(tables, Override{}, func(netip.Addr) netip.Addr { return netip.Addr{} })
		if (err == nil) != report.Route.Valid() {
			t.Errorf("route %+v with error %v", report.Route, err)
		}
		new(changeFilter).matters(b)
	})
}
