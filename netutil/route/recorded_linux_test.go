//go:build !(mips || mips64 || ppc64 || s390x)

package route

import (
	"encoding/binary"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The files in testdata are answers of Linux 6.18 on a little-endian machine, so these tests are not
// even built for another one. They were given in a
// network namespace with eth0 (2), wlan0 (3) and an open tun0 (4), with
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
