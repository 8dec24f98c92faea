package route

import "strings"

// class says whether an interface can lead to the home router.
type class int

const (
	ordinary class = iota
	tunnel
	container
	virtualSwitch
	loopback
)

// String is the reason why it cannot, for people.
func (c class) String() string {
	switch c {
	case tunnel:
		return "it is a VPN tunnel or a dial-up connection"
	case container:
		return "it belongs to containers or virtual machines"
	case virtualSwitch:
		return "it is a virtual switch inside this PC"
	case loopback:
		return "it is this PC itself"
	}
	return "it is an ordinary interface"
}

// class judges l by what the system says of its kind, and by its names where the system says
// nothing: several VPN adapters pretend to be Ethernet. An interface that is not known is ordinary.
func (l link) class() class {
	name, description := strings.ToLower(l.name), strings.ToLower(l.description)
	switch {
	case l.loopback:
		return loopback
	case isContainer(name):
		return container
	case isVirtualSwitch(name, description):
		return virtualSwitch
	case l.tunnel || isTunnelKind(l.kind) || isTunnelName(name) || isTunnelDescription(description):
		return tunnel
	}
	return ordinary
}

// isContainer knows the bridges of Docker, libvirt, LXC, LXD, Incus, CNI and Podman, and Docker's host
// ends of veth pairs. A bridge of any other name may well be the way to the router, and so may a veth
// of any other name: seen from inside a container it is.
func isContainer(name string) bool {
	if id, ok := strings.CutPrefix(name, "br-"); ok {
		return len(id) == 12 && isHex(id)
	}
	if id, ok := strings.CutPrefix(name, "veth"); ok {
		return len(id) >= 7 && isHex(id)
	}
	if name == "docker_gwbridge" || name == "cilium_host" {
		return true
	}
	return isNumbered(name, "docker", "virbr", "lxcbr", "lxdbr", "incusbr", "cni", "cni-podman", "podman")
}

// isVirtualSwitch knows networks that exist inside this PC only. Hyper-V's adapters as such are not
// among them: with an external switch the adapter "vEthernet (...)" is the one that faces the router.
func isVirtualSwitch(name, description string) bool {
	return hasPrefix(name, "vethernet (wsl", "vethernet (default switch", "vethernet (nat", "vethernet (docker") ||
		isNumbered(name, "vmnet", "vboxnet") ||
		contains(description, "host-only", "vmware virtual ethernet", "loopback adapter", "wi-fi direct virtual")
}

// isTunnelKind knows the Linux kernel's kinds of tunnels (ip-link(8)). "tun" is TAP, too.
func isTunnelKind(kind string) bool {
	switch kind {
	case "tun", "wireguard", "amneziawg", "ovpn", "ppp", "ipip", "sit", "gre", "gretap", "erspan", "vti", "xfrm",
		"ip6tnl", "ip6gre", "vti6", "geneve", "vxlan", "l2tp", "nordlynx":
		return true
	}
	return false
}

// isTunnelName knows the names that tunnels are given where the system does not tell their kind.
func isTunnelName(name string) bool {
	return isNumbered(name, "tun", "tap", "utun", "wg", "ppp", "ipsec", "gre", "vti", "xfrm", "sit", "tailscale", "nordlynx",
		"cscotun", "gpd", "proton") ||
		hasPrefix(name, "wg-", "tun-", "tailscale", "zerotier", "zt", "nordlynx", "cloudflarewarp", "mullvad", "wt0")
}

// isTunnelDescription knows the Windows drivers of VPNs.
func isTunnelDescription(description string) bool {
	return contains(description, "vpn", "wireguard", "wintun", "tunnel", "tap-", "tap adapter", "tailscale", "zerotier",
		"hamachi", "anyconnect", "cisco secure client", "fortinet", "pangp", "juniper networks virtual", "check point virtual",
		"sonicwall", "nordlynx", "openvpn", "cloudflare warp", "wan miniport", "security data escort", "viscosity",
		"softether", "netbird", "f5 networks")
}

// isNumbered reports whether name is one of stems, alone or with a number behind it.
func isNumbered(name string, stems ...string) bool {
	for _, stem := range stems {
		if number, ok := strings.CutPrefix(name, stem); ok && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func contains(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
