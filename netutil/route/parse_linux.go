package route

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"

	"golang.org/x/sys/unix"
)

// parseRoute reads the body of an RTM_NEWROUTE (struct rtmsg and attributes) and gives the next hops
// of a default route or of half of one; none for any other route.
func parseRoute(body []byte) []hop {
	if len(body) < unix.SizeofRtMsg || body[0] != unix.AF_INET {
		return nil
	}
	bits, tos, table, kind := body[1], body[3], uint32(body[4]), body[7]
	flags := binary.NativeEndian.Uint32(body[8:])
	if bits > 1 || tos != 0 || flags&unix.RTM_F_CLONED != 0 {
		return nil
	}
	h := hop{dead: isDead(flags)}
	switch kind {
	case unix.RTN_UNICAST:
	case unix.RTN_UNREACHABLE, unix.RTN_BLACKHOLE, unix.RTN_PROHIBIT:
		h.refuses = true
	default:
		return nil
	}
	var destination netip.Addr
	var several []byte
	for kind, value := range attributes(body[unix.SizeofRtMsg:]) {
		switch kind {
		case unix.RTA_DST:
			destination = ipv4(value)
		case unix.RTA_GATEWAY:
			h.gateway = ipv4(value)
		case unix.RTA_OIF:
			h.index = signed(number(value))
		case unix.RTA_PREFSRC:
			h.source = ipv4(value)
		case unix.RTA_PRIORITY:
			h.metric = signed(number(value))
		case unix.RTA_TABLE:
			table = number(value)
		case unix.RTA_MULTIPATH:
			several = value
		}
	}
	var ok bool
	if h.half, ok = halfOf(destination, int(bits)); !ok {
		return nil
	}
	if table != unix.RT_TABLE_MAIN && table != unix.RT_TABLE_DEFAULT {
		h.table = table
	}
	if several != nil {
		return parseMultipath(several, h)
	}
	return []hop{h}
}

// parseMultipath reads a list of struct rtnexthop, each with its own attributes; what they do not say
// is as in h.
func parseMultipath(b []byte, h hop) []hop {
	var list []hop
	for len(b) >= unix.SizeofRtNexthop && len(list) < maxHops {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		next := h
		next.dead = h.dead || isDead(uint32(b[2]))
		next.index = signed(binary.NativeEndian.Uint32(b[4:]))
		for kind, value := range attributes(b[unix.SizeofRtNexthop:size]) {
			if kind == unix.RTA_GATEWAY {
				next.gateway = ipv4(value)
			}
		}
		list = append(list, next)
		b = b[min(aligned(size), len(b)):]
	}
	return list
}

func isDead(flags uint32) bool { return flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) != 0 }

// signed fits the kernel's unsigned numbers into an int on every machine.
func signed(n uint32) int { return int(min(n, math.MaxInt32)) }

// parseLink reads the body of an RTM_NEWLINK (struct ifinfomsg and attributes).
func parseLink(body []byte) (link, bool) {
	if len(body) < unix.SizeofIfInfomsg {
		return link{}, false
	}
	hardware := binary.NativeEndian.Uint16(body[2:])
	flags := binary.NativeEndian.Uint32(body[8:])
	l := link{
		index:    signed(binary.NativeEndian.Uint32(body[4:])),
		loopback: flags&unix.IFF_LOOPBACK != 0,
		up:       flags&unix.IFF_UP != 0,
		running:  flags&unix.IFF_RUNNING != 0,
	}
	for kind, value := range attributes(body[unix.SizeofIfInfomsg:]) {
		switch kind {
		case unix.IFLA_IFNAME:
			l.name = text(value)
		case unix.IFLA_LINKINFO:
			for kind, value := range attributes(value) {
				if kind == unix.IFLA_INFO_KIND {
					l.kind = text(value)
				}
			}
		}
	}
	l.tunnel = isTunnelHardware(hardware)
	return l, l.index > 0
}

// isTunnelHardware knows the link types of tunnels and dial-up lines. ARPHRD_NONE (tun, WireGuard) is
// not among them: mobile modems have it as well, and the kind of the link tells tunnels apart.
func isTunnelHardware(kind uint16) bool {
	switch kind {
	case unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE:
		return true
	}
	return false
}

// parseAddress reads the body of an RTM_NEWADDR (struct ifaddrmsg and attributes).
func parseAddress(body []byte) (index int, a address, ok bool) {
	if len(body) < unix.SizeofIfAddrmsg || body[0] != unix.AF_INET {
		return 0, address{}, false
	}
	var peer netip.Addr
	for kind, value := range attributes(body[unix.SizeofIfAddrmsg:]) {
		switch kind {
		case unix.IFA_LOCAL:
			a.local = ipv4(value)
		case unix.IFA_ADDRESS: // of the peer if there is one, else the same as IFA_LOCAL
			peer = ipv4(value)
		}
	}
	if !a.local.IsValid() {
		a.local = peer
	}
	if !peer.IsValid() {
		peer = a.local
	}
	a.prefix = netip.PrefixFrom(peer, int(body[1])).Masked()
	return signed(binary.NativeEndian.Uint32(body[4:])), a, a.local.IsValid() && a.prefix.IsValid()
}

// neighbourKnown are the states in which the kernel sends to the address it has (ip-neighbour(8)).
const neighbourKnown = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// parseNeighbour reads the body of an RTM_NEWNEIGH (struct ndmsg and attributes) and gives the
// hardware address of a neighbour that the kernel counts on.
func parseNeighbour(body []byte) (index int, ip netip.Addr, hw []byte) {
	if len(body) < unix.SizeofNdMsg || body[0] != unix.AF_INET {
		return 0, netip.Addr{}, nil
	}
	if state := binary.NativeEndian.Uint16(body[8:]); state&neighbourKnown == 0 {
		return 0, netip.Addr{}, nil
	}
	for kind, value := range attributes(body[unix.SizeofNdMsg:]) {
		switch kind {
		case unix.NDA_DST:
			ip = ipv4(value)
		case unix.NDA_LLADDR:
			hw = bytes.Clone(value)
		}
	}
	return signed(binary.NativeEndian.Uint32(body[4:])), ip, hw
}

// text is a string attribute without the NUL at its end.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
