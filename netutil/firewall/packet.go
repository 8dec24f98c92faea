package firewall

import (
	"net/netip"
	"strconv"
	"strings"
)

// This file judges single conditions of rules.

// homes are the addresses that no packet from the internet comes from.
var homes = []netip.Prefix{
	netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 8),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254}), 16),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16}), 12),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168}), 16),
	netip.PrefixFrom(netip.AddrFrom4([4]byte{224}), 3), // multicast, reserved, broadcast
	netip.PrefixFrom(netip.AddrFrom4([4]byte{0}), 8),
}

// fromStranger reports whether a stranger's address is among those of a prefix. A stranger is
// somebody at a public address that no rule knows by name: a rule about one provider's network is
// not about him, one about half of the internet may be.
func fromStranger(p netip.Prefix) answer {
	p = p.Masked()
	if !p.IsValid() {
		return maybe
	}
	if !p.Addr().Is4() {
		return no // an IPv4 packet
	}
	if p.Bits() == 0 {
		return yes
	}
	for _, h := range homes {
		if h.Bits() <= p.Bits() && h.Contains(p.Addr()) {
			return no
		}
	}
	if p.Bits() < 8 {
		return maybe
	}
	return no
}

// strangerBetween does the same for a range of addresses.
func strangerBetween(from, to netip.Addr) answer {
	if !from.Is4() || !to.Is4() {
		return no // an IPv4 packet
	}
	a, b := from.As4(), to.As4()
	if a == [4]byte{} && b == [4]byte{255, 255, 255, 255} {
		return yes
	}
	for _, h := range homes {
		if h.Contains(from) && h.Contains(to) {
			return no
		}
	}
	if a[0] != b[0] {
		return maybe
	}
	return no
}

// usBetween reports whether our address is in a range.
func (p packet) usBetween(from, to netip.Addr) answer {
	if !p.local.IsValid() {
		return maybe
	}
	return truth(from.Compare(p.local) <= 0 && p.local.Compare(to) <= 0)
}

// toUs reports whether our address is among those of a prefix.
func (p packet) toUs(to netip.Prefix) answer {
	if !p.local.IsValid() {
		return maybe
	}
	return truth(to.Contains(p.local))
}

// prefixOf reads 192.0.2.0/24, 192.0.2.1, or 192.0.2.0/255.255.255.0.
func prefixOf(s string) (netip.Prefix, bool) {
	addr, mask, slash := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.Prefix{}, false
	}
	if !slash {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	if bits, err := strconv.Atoi(mask); err == nil {
		p, err := a.Prefix(bits)
		return p, err == nil
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || !m.Is4() {
		return netip.Prefix{}, false
	}
	p, ok := prefixOfMask(a, m.As4())
	return p, ok
}

func prefixOfMask(a netip.Addr, mask [4]byte) (netip.Prefix, bool) {
	bits, ended := 0, false
	for i := range 32 {
		set := mask[i/8]&(0x80>>(i%8)) != 0
		if set && ended {
			return netip.Prefix{}, false // a mask with holes
		}
		if ended = ended || !set; set {
			bits++
		}
	}
	p, err := a.Prefix(bits)
	return p, err == nil
}

// toPort reports whether our port is n, or between from and to.
func (p packet) toPort(from, to uint64) answer {
	return truth(from <= uint64(p.port) && uint64(p.port) <= to)
}

// portRange reads 80, or two numbers with one of the separators between them: 80:90, 80-90.
func portRange(s, separators string) (from, to uint64, ok bool) {
	low, high := s, s
	if i := strings.IndexAny(s, separators); i >= 0 {
		low, high = s[:i], s[i+1:]
		if low == "" {
			low = "0"
		}
		if high == "" {
			high = "65535"
		}
	}
	from, err := strconv.ParseUint(low, 10, 16)
	if err != nil {
		return 0, 0, false
	}
	to, err = strconv.ParseUint(high, 10, 16)
	return from, to, err == nil
}

// isTransport reports whether a rule's protocol is ours.
func (p packet) isTransport(name string) answer {
	number := map[string]string{"udp": "17", "tcp": "6"}[p.transport]
	return truth(strings.EqualFold(name, p.transport) || name == number)
}

// onDevice reports whether a rule's interface is the one the packet comes in on; a name may end in a
// wildcard.
func (p packet) onDevice(name string, wildcard byte) answer {
	if name == "lo" {
		return no
	}
	if p.device == "" {
		return maybe
	}
	if n := len(name); n > 0 && name[n-1] == wildcard {
		return truth(strings.HasPrefix(p.device, name[:n-1]))
	}
	return truth(name == p.device)
}

// inState reports whether a rule's state of a connection is that of a first packet.
func inState(name string) answer {
	switch strings.ToLower(name) {
	case "new":
		return yes
	case "established", "related", "invalid", "untracked", "dnat", "snat", "assured", "seen-reply", "expected":
		return no
	}
	return maybe
}

// anyOf is the answer to a list of which one has to hold.
func anyOf(list []string, one func(string) answer) answer {
	best := no
	for _, s := range list {
		best = max(best, one(s))
	}
	return best
}
