package route

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Older systems and Wine do not have every function of this library, and calling one that is not
// there panics: have is asked first.
var iphlpapi = windows.NewLazySystemDLL("iphlpapi.dll")

// have reports the first of names that iphlpapi.dll does not export.
func have(names ...string) error {
	for _, name := range names {
		if err := iphlpapi.NewProc(name).Find(); err != nil {
			return err
		}
	}
	return nil
}

// readTables reads the IPv4 default routes and the adapters. It always reads all of the latter: there
// is no smaller question.
func readTables(bool) (tables, error) {
	if err := have("GetIpForwardTable2", "FreeMibTable"); err != nil {
		return tables{}, err
	}
	var t tables
	if err := t.readRoutes(); err != nil {
		return tables{}, err
	}
	adapters, err := readAdapters()
	if err != nil {
		return tables{}, err
	}
	t.links = make(map[int]link, len(adapters))
	metrics := make(map[int]uint32, len(adapters))
	for _, a := range adapters {
		l := linkOfAdapter(a)
		t.links[l.index], metrics[l.index] = l, a.Ipv4Metric
	}
	for i := range t.hops {
		t.hops[i].addInterface(metrics[t.hops[i].index])
	}
	return t, nil
}

func (t *tables) readRoutes() error {
	var table *windows.MibIpForwardTable2
	if err := windows.GetIpForwardTable2(windows.AF_INET, &table); err != nil {
		return os.NewSyscallError("GetIpForwardTable2", err)
	}
	defer windows.FreeMibTable(unsafe.Pointer(table))
	rows := table.Rows()
	t.rows = len(rows)
	for i := range rows {
		if h, ok := parseRow(&rows[i]); ok && len(t.hops) < maxHops {
			t.hops = append(t.hops, h)
		}
	}
	return nil
}

// parseRow gives the hop of a default route, or of half of one. The metric is the route's own: the
// interface's is still to be added.
func parseRow(r *windows.MibIpForwardRow2) (hop, bool) {
	if r.Loopback != 0 {
		return hop{}, false
	}
	part, ok := halfOf(addrOf(&r.DestinationPrefix.Prefix), int(r.DestinationPrefix.PrefixLength))
	if !ok {
		return hop{}, false
	}
	return hop{
		gateway: addrOf(&r.NextHop),
		index:   int(r.InterfaceIndex),
		metric:  int(min(r.Metric, math.MaxInt32)),
		half:    part,
	}, true
}

// addInterface completes h with what only its interface knows: the effective metric is the sum of
// both, and an interface can be told to ignore default routes.
func (h *hop) addInterface(adapterMetric uint32) {
	row := windows.MibIpInterfaceRow{Family: windows.AF_INET, InterfaceIndex: uint32(h.index)}
	if have("GetIpInterfaceEntry") == nil && windows.GetIpInterfaceEntry(&row) == nil {
		adapterMetric = row.Metric
		h.ignored = row.DisableDefaultRoutes != 0
	}
	h.metric = int(min(uint64(h.metric)+uint64(adapterMetric), math.MaxInt32))
}

// Interface types that lead into tunnels and dial-up lines (ipifcons.h). Type 53 is what drivers of
// software adapters call themselves, WireGuard's among them; Hyper-V's are type 6, Ethernet.
const ifTypePropVirtual = 53

func linkOfAdapter(a *windows.IpAdapterAddresses) link {
	l := link{
		index:       int(a.IfIndex),
		name:        windows.UTF16PtrToString(a.FriendlyName),
		description: windows.UTF16PtrToString(a.Description),
		loopback:    a.IfType == windows.IF_TYPE_SOFTWARE_LOOPBACK,
		up:          a.OperStatus != windows.IfOperStatusNotPresent,
		running:     a.OperStatus == windows.IfOperStatusUp,
	}
	switch a.IfType {
	case windows.IF_TYPE_PPP, windows.IF_TYPE_TUNNEL, ifTypePropVirtual:
		l.tunnel = true
	}
	for u := a.FirstUnicastAddress; u != nil; u = u.Next {
		local, ok := netip.AddrFromSlice(u.Address.IP())
		if local = local.Unmap(); !ok || !local.Is4() || u.DadState == dadDuplicate {
			continue
		}
		prefix := netip.PrefixFrom(local, int(u.OnLinkPrefixLength)).Masked()
		if prefix.IsValid() {
			l.addrs = append(l.addrs, address{local: local, prefix: prefix})
		}
	}
	return l
}

// dadDuplicate is IpDadStateDuplicate of nldef.h: another host has the address.
const dadDuplicate = 2

// readAdapters lists the adapters. The system says how much room it needs, but the list may have
// grown when it is asked again.
func readAdapters() ([]*windows.IpAdapterAddresses, error) {
	const flags = windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST | windows.GAA_FLAG_SKIP_DNS_SERVER
	size := uint32(16 << 10)
	for size <= 4<<20 {
		room := make([]uint64, size/8+1) // uint64: the entries want that alignment
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(&room[0]))
		err := windows.GetAdaptersAddresses(windows.AF_INET, flags, 0, first, &size)
		switch {
		case err == nil && size == 0, errors.Is(err, windows.ERROR_NO_DATA):
			return nil, nil
		case err == nil:
			var list []*windows.IpAdapterAddresses
			for a := first; a != nil; a = a.Next {
				list = append(list, a)
			}
			return list, nil
		case !errors.Is(err, windows.ERROR_BUFFER_OVERFLOW):
			return nil, os.NewSyscallError("GetAdaptersAddresses", err)
		}
		size += 4 << 10
	}
	return nil, fmt.Errorf("GetAdaptersAddresses wants %d bytes for its list", size)
}

// addrOf reads a SOCKADDR_INET, not valid if it is no IPv4 address.
func addrOf(s *windows.RawSockaddrInet) netip.Addr {
	if s.Family != windows.AF_INET {
		return netip.Addr{}
	}
	return netip.AddrFrom4((*windows.RawSockaddrInet4)(unsafe.Pointer(s)).Addr)
}
