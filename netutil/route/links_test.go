package route

import "testing"

func TestClass(t *testing.T) {
	named := func(names ...string) (list []link) {
		for _, n := range names {
			list = append(list, link{name: n})
		}
		return list
	}
	adapter := func(name, description string) link { return link{name: name, description: description} }
	for _, c := range []struct {
		want class
		list []link
	}{
		{ordinary, named("eth0", "enp3s0", "wlan0", "wwan0", "br0", "br-lan", "br-0123456789ag", "veth0", "vethernet", "tunnelbear-lan", "dockerlan", "")},
		{ordinary, []link{{name: "br0", kind: "bridge"}, {name: "bond0", kind: "bond"}, {name: "eth0.7", kind: "vlan"}}},
		{ordinary, []link{{name: "eth0", kind: "veth"}}}, // seen from inside a container
		{ordinary, []link{
			adapter("Ethernet", "Realtek PCIe GbE Family Controller"),
			adapter("Wi-Fi", "Intel(R) Wi-Fi 6 AX200 160MHz"),
			adapter("vEthernet (External)", "Hyper-V Virtual Ethernet Adapter #2"), // an external switch: the way to the router
			adapter("Ethernet", "Microsoft Hyper-V Network Adapter"),               // seen from inside a guest
			adapter("Ethernet", "Red Hat VirtIO Ethernet Adapter"),
			adapter("Bluetooth Network Connection", "Bluetooth Device (Personal Area Network)"),
		}},
		{loopback, []link{{name: "lo", loopback: true}}},
		{tunnel, named("tun0", "tap7", "wg0", "wg-home", "utun3", "ppp0", "ipsec0", "tailscale0", "ztabcdefgh", "WG0")},
		{tunnel, []link{{name: "home", kind: "wireguard"}, {name: "home", kind: "tun"}, {name: "x", tunnel: true}}},
		{tunnel, []link{
			adapter("Ethernet 3", "TAP-Windows Adapter V9"),
			adapter("Ethernet 3", "TAP-ProtonVPN Windows Adapter V9"),
			adapter("home", "WireGuard Tunnel"),
			adapter("Tailscale", "Tailscale Tunnel"),
			adapter("ZeroTier One [1234]", "ZeroTier Virtual Port"),
			adapter("Ethernet 7", "OpenVPN Data Channel Offload"),
			adapter("Ethernet 2", "Cisco AnyConnect Secure Mobility Client Virtual Miniport Adapter"),
			adapter("Ethernet 2", "Fortinet Virtual Ethernet Adapter (NDIS 6.30)"),
			adapter("Hamachi", "LogMeIn Hamachi Virtual Ethernet Adapter"),
			adapter("Verbindung", "WAN Miniport (IKEv2)"),
		}},
		{container, named("docker0", "docker_gwbridge", "br-0123456789ab", "veth12ab34f", "virbr0", "lxcbr0", "cni0", "cni-podman0", "podman1")},
		{virtualSwitch, []link{
			adapter("vEthernet (WSL (Hyper-V firewall))", "Hyper-V Virtual Ethernet Adapter"),
			adapter("vEthernet (Default Switch)", "Hyper-V Virtual Ethernet Adapter"),
			adapter("Ethernet 5", "VirtualBox Host-Only Ethernet Adapter"),
			adapter("VMware Network Adapter VMnet8", "VMware Virtual Ethernet Adapter for VMnet8"),
			adapter("vmnet8", ""),
		}},
	} {
		for _, l := range c.list {
			if got := l.class(); got != c.want {
				t.Errorf("%q kind %q description %q: %q, want %q", l.name, l.kind, l.description, got, c.want)
			}
		}
	}
}
