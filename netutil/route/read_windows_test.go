package route

import (
	"net/netip"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

func sockaddr(s string) (raw windows.RawSockaddrInet) {
	if s != "" {
		raw.Family = windows.AF_INET
		(*windows.RawSockaddrInet4)(unsafe.Pointer(&raw)).Addr = netip.MustParseAddr(s).As4()
	}
	return raw
}

func TestParseRow(t *testing.T) {
	row := func(destination string, bits uint8, gateway string) *windows.MibIpForwardRow2 {
		return &windows.MibIpForwardRow2{
			InterfaceIndex:    7,
			DestinationPrefix: windows.IpAddressPrefix{Prefix: sockaddr(destination), PrefixLength: bits},
			NextHop:           sockaddr(gateway),
			Metric:            25,
		}
	}
	gateway := netip.MustParseAddr(ethGateway)
	for _, c := range []struct {
		name string
		row  *windows.MibIpForwardRow2
		want hop
		ok   bool
	}{
		{"default", row("0.0.0.0", 0, ethGateway), hop{gateway: gateway, index: 7, metric: 25}, true},
		{"on-link", row("0.0.0.0", 0, "0.0.0.0"), hop{gateway: netip.IPv4Unspecified(), index: 7, metric: 25}, true},
		{"lower half", row("0.0.0.0", 1, ethGateway), hop{gateway: gateway, index: 7, metric: 25, half: lower}, true},
		{"upper half", row("128.0.0.0", 1, ethGateway), hop{gateway: gateway, index: 7, metric: 25, half: upper}, true},
		{"network", row("192.168.1.0", 24, "0.0.0.0"), hop{}, false},
		{"loopback", with(row("0.0.0.0", 0, ethGateway), func(r **windows.MibIpForwardRow2) { (*r).Loopback = 1 }), hop{}, false},
		{"no address", row("", 0, ""), hop{index: 7, metric: 25}, true},
	} {
		if got, ok := parseRow(c.row); got != c.want || ok != c.ok {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestAddInterfaceAddsMetrics(t *testing.T) {
	h := hop{index: -1, metric: 25} // no such interface: only the adapter's word is left
	h.addInterface(35)
	if h.metric != 60 || h.ignored {
		t.Errorf("%+v, want metric 60", h)
	}
}

func TestLinkOfAdapter(t *testing.T) {
	name, _ := windows.UTF16PtrFromString("Ethernet 3")
	description, _ := windows.UTF16PtrFromString("Some Adapter")
	var raw syscall.RawSockaddrAny
	*(*windows.RawSockaddrInet)(unsafe.Pointer(&raw)) = sockaddr("192.168.1.5")
	unicast := windows.IpAdapterUnicastAddress{
		Address:            windows.SocketAddress{Sockaddr: &raw, SockaddrLength: int32(unsafe.Sizeof(raw))},
		OnLinkPrefixLength: 24,
		DadState:           4,
	}
	a := windows.IpAdapterAddresses{
		IfIndex: 7, FriendlyName: name, Description: description, IfType: windows.IF_TYPE_ETHERNET_CSMACD,
		OperStatus: windows.IfOperStatusUp, FirstUnicastAddress: &unicast,
	}
	l := linkOfAdapter(&a)
	if l.index != 7 || l.name != "Ethernet 3" || l.description != "Some Adapter" || !l.up || !l.running || l.class() != ordinary {
		t.Errorf("%+v", l)
	}
	if len(l.addrs) != 1 || l.addrs[0] != addresses("192.168.1.5/24")[0] {
		t.Errorf("addresses %+v", l.addrs)
	}
	unicast.DadState, a.OperStatus, a.IfType = dadDuplicate, windows.IfOperStatusDown, ifTypePropVirtual
	if l = linkOfAdapter(&a); len(l.addrs) != 0 || l.running || l.class() != tunnel {
		t.Errorf("duplicate address, down, virtual: %+v", l)
	}
}

func TestNeighbourStates(t *testing.T) {
	for state, known := range []bool{false, false, true, true, true, true, true, false} {
		r := netRow{state: uint32(state), length: 6}
		if got := r.hardware() != nil; got != known {
			t.Errorf("state %d: known %v", state, got)
		}
	}
	if r := (netRow{state: neighbourPermanent, length: 33}); r.hardware() != nil {
		t.Error("a length beyond the field was believed")
	}
}
