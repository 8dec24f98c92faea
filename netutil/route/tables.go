package route

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// tables is what one look at the system brought.
type tables struct {
	hops  []hop
	links map[int]link // by index: those that hops need, or all when an override asks for them
	rows  int          // routes of any kind that were listed; 0 makes the reading itself doubtful
}

// hop is one next hop of one default route. A multipath route has several.
type hop struct {
	gateway netip.Addr // not valid or 0.0.0.0: none, the link itself is the destination
	index   int        // of the interface
	metric  int        // effective: lower is preferred by the system
	source  netip.Addr // source address that the route prefers, if it does
	table   uint32     // mainTable, or the number of a policy-routing table (Linux)
	half    half
	refuses bool // unreachable, blackhole or prohibit
	dead    bool // the system itself has marked it as not usable: no carrier
	ignored bool // its interface is set to take no part in default routes (Windows)
}

// mainTable stands for the tables that all traffic uses, whatever their numbers are.
const mainTable = 0

// maxHops bounds how many default routes are looked at: each one costs a question about its interface.
const maxHops = 64

// half says which part of the default route a hop covers. VPNs that want to leave the default route
// in place cover it with two halves, which win as the longer prefixes (OpenVPN's "redirect-gateway
// def1").
type half uint8

const (
	whole  half = 0
	lower  half = 1 // 0.0.0.0/1
	upper  half = 2 // 128.0.0.0/1
	halves      = lower | upper
)

// halfOf tells which part of the default route a destination of that many bits is, and whether it is
// one at all.
func halfOf(destination netip.Addr, bits int) (half, bool) {
	switch {
	case bits == 0:
		return whole, true
	case bits != 1:
		return whole, false
	case destination == netip.AddrFrom4([4]byte{128}):
		return upper, true
	}
	return lower, !destination.IsValid() || destination.IsUnspecified()
}

// joinHalves makes one hop of a 0.0.0.0/1 and a 128.0.0.0/1 that lead the same way, and drops a half
// that stands alone: it is no default route.
func joinHalves(hops []hop) []hop {
	joined := make([]hop, 0, len(hops))
	for i, h := range hops {
		if h.half == whole {
			joined = append(joined, h)
			continue
		}
		other := slices.IndexFunc(hops, func(x hop) bool {
			return x.half == h.half^halves && x.gateway == h.gateway && x.index == h.index && x.table == h.table
		})
		if other > i {
			h.half = halves
			joined = append(joined, h)
		}
	}
	return joined
}

// link is one interface.
type link struct {
	index       int
	name        string
	description string // Windows: the adapter's own name, as its driver gives it
	kind        string // Linux: the kind of a software interface, "wireguard"
	tunnel      bool   // the system says that it is a tunnel or dial-up interface
	loopback    bool
	up          bool // switched on
	running     bool // has a carrier
	addrs       []address
}

// address is one of our addresses, and what it can reach without a gateway.
type address struct {
	local  netip.Addr
	prefix netip.Prefix // masked; of the peer on a point-to-point interface
}

// owns reports whether a is an address of l.
func (l link) owns(a netip.Addr) bool {
	return slices.ContainsFunc(l.addrs, func(x address) bool { return x.local == a })
}

// facing lists l's addresses from which gateway is a neighbour, in the system's order. A virtual
// address with a /32 never is one.
func (l link) facing(gateway netip.Addr) []address {
	var list []address
	for _, a := range l.addrs {
		if a.local.IsValid() && a.local != gateway && a.prefix.Contains(gateway) {
			list = append(list, a)
		}
	}
	return list
}

// String is "eth0 (192.168.1.5/24)".
func (l link) String() string {
	if len(l.addrs) == 0 {
		return l.name + " (no address)"
	}
	var list []string
	for _, a := range l.addrs {
		list = append(list, netip.PrefixFrom(a.local, a.prefix.Bits()).String())
	}
	return l.name + " (" + strings.Join(list, ", ") + ")"
}

// indexes lists the numbers of the interfaces in ascending order.
func (t tables) indexes() []int { return slices.Sorted(maps.Keys(t.links)) }
